"""The only place that takes a payment back: by an opposite transfer, and once.

The opposite transfer is always the whole amount, out of the account that was paid and
with ``reverses`` set. If the money has left that account, it is brought back there
first: a released earning from ``available``, and what is not there any more from
``owed``, whose balance falls below zero by it; a swept fee from ``income:fees``.
"""

from collections.abc import Sequence

from django.db import transaction

from accounts.actions import record_audit
from accounts.models import Person
from rewards import ledger
from rewards.errors import NotReversible
from rewards.models import Account, Transfer
from rewards.releases import EARNED

REVERSIBLE = (*EARNED, Transfer.Kind.FEE)


@transaction.atomic
def reverse(
    transfers: Sequence[Transfer], *, reason: str, by: Person | None = None
) -> None:
    """Take payments back to where they came from; what is reversed already stays so.

    Raises NotReversible for what is no payment for work.
    """
    movements = movements_to_reverse(transfers)
    for transfer in transfers:
        record_audit(by, "reverse", f"transfer:{transfer.pk}", reason=reason)
    ledger.post(movements)


def movements_to_reverse(transfers: Sequence[Transfer]) -> list[ledger.Movement]:
    """Lock the accounts and return what takes these payments back, for one ``post``.

    Whoever calls it takes no other account's lock before and posts last.
    """
    if any(transfer.kind not in REVERSIBLE for transfer in transfers):
        raise NotReversible
    wanted = list(
        Transfer.objects.filter(pk__in=[transfer.pk for transfer in transfers])
        .select_related("debit__organization", "credit__person")
        .order_by("pk")
    )
    taking = _Taking(wanted)
    return [
        movement
        for transfer in wanted
        if transfer.pk not in taking.reversed
        for movement in taking.back(transfer)
    ]


class _Taking:
    """Everything the reversals may need, locked at once, in id order."""

    def __init__(self, transfers: Sequence[Transfer]) -> None:
        ids = {pk for each in transfers for pk in (each.debit_id, each.credit_id)}
        self._backers: dict[int, list[int]] = {}
        self._wallets: dict[int, int] = {}
        for transfer in transfers:
            if transfer.credit_id not in self._backers:
                self._backers[transfer.credit_id] = _backers(transfer.credit)
            organization = transfer.debit.organization
            if organization and transfer.debit_id not in self._wallets:
                wallet = ledger.wallet_account(organization)
                self._wallets[transfer.debit_id] = wallet.pk
        for backers in self._backers.values():
            ids |= set(backers)
        self._accounts = ledger.lock_accounts(ids | set(self._wallets.values()))
        # From here on nobody else can reverse, release or sweep any of them.
        pks = [transfer.pk for transfer in transfers]
        self.reversed = set(
            Transfer.objects.filter(reverses__in=pks).values_list("reverses", flat=True)
        )
        self._left_by_key = set(
            Transfer.objects.filter(
                key__in=[f"{kind}:{pk}" for pk in pks for kind in ("release", "owed")]
            ).values_list("key", flat=True)
        )
        self._swept = ledger.position_of("fees")
        self._free = {pk: each.available for pk, each in self._accounts.items()}

    def back(self, transfer: Transfer) -> list[ledger.Movement]:
        movements = []
        missing = transfer.amount if self._has_left(transfer) else 0
        for backer in self._backers[transfer.credit_id]:
            account = self._accounts[backer]
            part = (
                missing if account.floor is None else min(missing, self._free[backer])
            )
            if part > 0:
                self._free[backer] -= part
                missing -= part
                movements.append(_bring_back(transfer, account, part))
        source = self._accounts[transfer.debit_id]
        movements.append(
            ledger.reversal_of(
                transfer,
                back_to=self._wallets[source.pk] if source.closed else None,
            )
        )
        return movements

    def _has_left(self, transfer: Transfer) -> bool:
        if transfer.kind == Transfer.Kind.FEE:
            return transfer.pk <= self._swept
        return bool(
            {f"release:{transfer.pk}", f"owed:{transfer.pk}"} & self._left_by_key
        )


def _backers(account: Account) -> list[int]:
    """Return the accounts the money may have gone on to, in the order of asking."""
    if account.kind == Account.Kind.PENDING and account.person:
        return [
            ledger.available_account(account.person).pk,
            ledger.owed_account(account.person).pk,
        ]
    return [ledger.fee_income_account().pk]


def _bring_back(transfer: Transfer, account: Account, amount: int) -> ledger.Movement:
    owed = account.kind == Account.Kind.OWED
    return ledger.Movement(
        key=f"{'owe' if owed else 'unrelease'}:{transfer.pk}",
        debit=account.pk,
        credit=transfer.credit_id,
        amount=amount,
        kind=Transfer.Kind.REVERSAL,
        group=transfer.group,
    )
