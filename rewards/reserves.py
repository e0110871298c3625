"""A project's appeals reserve: set aside at its close, granted from, given back."""

from django.db import transaction

from accounts.models import Person
from rewards import ledger
from rewards.models import Account, Transfer


def reserve_account(escrow: Account) -> Account:
    """Return the reserve of the project whose escrow this is."""
    return ledger.open_account(
        f"{_project(escrow)}:appeals",
        Account.Kind.APPEALS,
        organization=escrow.organization,
    )


def _project(account: Account) -> str:
    return account.code.rpartition(":")[0]


def funding(escrow: Account, *, amount: int) -> ledger.Movement:
    """Return what sets ``amount`` aside, to be posted with the rest of a close."""
    project = _project(escrow)
    return ledger.Movement(
        key=f"reserve:{project.partition(':')[2]}",
        debit=escrow.pk,
        credit=reserve_account(escrow).pk,
        amount=amount,
        kind=Transfer.Kind.FUND,
        group=project,
    )


def grant(
    reserve: Account, person: Person, *, decision: int, amount: int, group: str
) -> ledger.Movement:
    """Return what pays a person on appeal; held and released like any earning."""
    return ledger.Movement(
        key=f"appeal:{decision}",
        debit=reserve.pk,
        credit=ledger.pending_account(person).pk,
        amount=amount,
        kind=Transfer.Kind.APPEAL,
        group=group,
    )


@transaction.atomic
def refund_reserve(reserve: Account) -> int:
    """Give the client what no appeal was granted, and close the reserve; once.

    What a later reversal takes back from a grant goes to the wallet by itself. Returns
    the amount.
    """
    assert reserve.organization
    wallet = ledger.wallet_account(reserve.organization)
    amount = ledger.lock_accounts([reserve.pk, wallet.pk])[reserve.pk].available
    if amount:
        ledger.post(
            [
                ledger.Movement(
                    key=f"refund:{reserve.code.partition(':')[2]}",
                    debit=reserve.pk,
                    credit=wallet.pk,
                    amount=amount,
                    kind=Transfer.Kind.REFUND,
                    group=_project(reserve),
                )
            ]
        )
    ledger.close_account(reserve)
    return amount
