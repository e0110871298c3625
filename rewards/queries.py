"""Reads of the ledger: balances and statements."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from accounts.models import Organization, Person
from rewards.models import Account, Deposit, Transfer


@dataclass(frozen=True)
class Earnings:
    """A person's money in 1e-7 Pi, for work and nodes together."""

    pending: int
    available: int

    @property
    def total(self) -> int:
        return self.pending + self.available


def earnings_of(person: Person) -> Earnings:
    balances = {
        account.kind: account.balance
        for account in Account.objects.filter(
            person=person, kind__in=[Account.Kind.PENDING, Account.Kind.AVAILABLE]
        )
    }
    return Earnings(
        pending=balances.get(Account.Kind.PENDING, 0),
        available=balances.get(Account.Kind.AVAILABLE, 0),
    )


def wallet_of(organization: Organization) -> Account | None:
    return Account.objects.filter(
        organization=organization, kind=Account.Kind.ORGANIZATION
    ).first()


def statement_of(account: Account) -> QuerySet[Transfer]:
    """Return the account's transfers, newest first."""
    return (
        Transfer.objects.filter(Q(debit=account) | Q(credit=account))
        .select_related("debit", "credit")
        .order_by("-id")
    )


def payments_to(person: Person) -> QuerySet[Transfer]:
    """Return what was paid to a person for work, newest first."""
    return (
        Transfer.objects.filter(credit__person=person)
        .select_related("debit", "credit")
        .order_by("-id")
    )


def deposits_of(organization: Organization) -> QuerySet[Deposit]:
    return Deposit.objects.filter(organization=organization).order_by("-id")
