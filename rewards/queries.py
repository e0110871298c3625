"""Reads of the ledger: balances and statements."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, QuerySet, Sum

from accounts.models import Organization, Person
from rewards.models import Account, Deposit, Hold, Transfer


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


def wallets_of(organizations: Sequence[Organization]) -> dict[int, int]:
    """Return the wallets' balances by organization; who never paid in has none."""
    return {
        account.organization_id or 0: account.balance
        for account in Account.objects.filter(
            organization__in=organizations, kind=Account.Kind.ORGANIZATION
        )
    }


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


def ledger_problems() -> Iterator[str]:
    """Yield a sentence for everything in the ledger that does not add up.

    Recomputed from transfers and holds, so that a balance edited by hand, which SQLite
    cannot refuse, is found too.
    """
    totals = Account.objects.aggregate(debits=Sum("debits"), credits=Sum("credits"))
    if totals["debits"] != totals["credits"]:
        yield f"debits {totals['debits']} differ from credits {totals['credits']}"
    yield from _drifted("debits", _sums(Transfer.objects.all(), "debit_id"))
    yield from _drifted("credits", _sums(Transfer.objects.all(), "credit_id"))
    yield from _drifted("held", _sums(Hold.objects.filter(end=None), "account_id"))
    below = Account.objects.filter(credits__lt=F("debits") + F("held") + F("floor"))
    for account in below:
        yield f"{account.code} is below its floor: {account.available}"
    paid = set(
        Transfer.objects.filter(kind=Transfer.Kind.DEPOSIT).values_list(
            "key", flat=True
        )
    )
    completed = {
        f"deposit:{uuid}"
        for uuid in Deposit.objects.filter(status=Deposit.Status.COMPLETED).values_list(
            "uuid", flat=True
        )
    }
    for key in sorted(paid ^ completed):
        yield f"{key}: the deposit and its transfer do not match"


def _sums(rows: QuerySet[Any], account: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(account).annotate(Sum("amount")))


def _drifted(field: str, sums: dict[int, int]) -> Iterator[str]:
    for pk, code, cached in Account.objects.values_list("pk", "code", field):
        if cached != sums.get(pk, 0):
            yield f"{code}: {field} says {cached}, its rows add up to {sums.get(pk, 0)}"
