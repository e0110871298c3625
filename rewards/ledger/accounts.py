"""The only place that opens and closes accounts; a code is an account's name for ever.

An account is opened before the transaction that pays into it takes any lock.
"""

from accounts.models import Organization, Person
from rewards.models import Account

# What may fall below zero: Pi outside, costs, and what a person owes.
NO_FLOOR = (
    Account.Kind.ASSET,
    Account.Kind.EXPENSE,
    Account.Kind.ADJUSTMENT,
    Account.Kind.OWED,
)


def open_account(
    code: str,
    kind: Account.Kind,
    *,
    person: Person | None = None,
    organization: Organization | None = None,
) -> Account:
    """Return the account with this code, opening it the first time."""
    account, _ = Account.objects.get_or_create(
        code=code,
        defaults={
            "kind": kind,
            "person": person,
            "organization": organization,
            "floor": None if kind in NO_FLOOR else 0,
        },
    )
    return account


def pending_account(person: Person) -> Account:
    return _of_person(person, Account.Kind.PENDING)


def available_account(person: Person) -> Account:
    return _of_person(person, Account.Kind.AVAILABLE)


def owed_account(person: Person) -> Account:
    """Return what the person owes us, as a balance that is never above zero."""
    return _of_person(person, Account.Kind.OWED)


def _of_person(person: Person, kind: Account.Kind) -> Account:
    return open_account(f"person:{person.uuid}:{kind.value}", kind, person=person)


def wallet_account(organization: Organization) -> Account:
    return open_account(
        f"org:{organization.uuid}",
        Account.Kind.ORGANIZATION,
        organization=organization,
    )


def pi_in_account() -> Account:
    return open_account("asset:pi_in", Account.Kind.ASSET)


def pi_out_account() -> Account:
    return open_account("asset:pi_out", Account.Kind.ASSET)


def in_flight_account() -> Account:
    return open_account("payouts:in_flight", Account.Kind.IN_FLIGHT)


def fee_income_account() -> Account:
    return open_account("income:fees", Account.Kind.INCOME)


def network_fee_account() -> Account:
    return open_account("expense:network_fee", Account.Kind.EXPENSE)


def write_off_account() -> Account:
    return open_account("adjust:writeoff", Account.Kind.ADJUSTMENT)


def close_account(account: Account) -> None:
    """Let nothing come back to a project that is over: reversals go to its client.

    Call it after ``post``, in the same transaction, which has locked the account.
    """
    Account.objects.filter(pk=account.pk).update(closed=True)
