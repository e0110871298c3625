"""Reads of an organization's money, as its statement."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from accounts.models import Organization, Person
from accounts.queries import is_manager
from rewards.models import Account, Deposit, Transfer
from rewards.queries import statement_of, wallet_of


@dataclass(frozen=True, kw_only=True)
class Statement:
    organization: Organization
    balance: int
    account: Account | None
    lines: QuerySet[Transfer]
    page: Any = None

    def with_page(self, page: Any) -> "Statement":
        return replace(self, page=page)


def statement_for(organization: Organization) -> Statement:
    account = wallet_of(organization)
    return Statement(
        organization=organization,
        balance=account.balance if account else 0,
        account=account,
        lines=statement_of(account) if account else Transfer.objects.none(),
    )


def deposit_of(person: Person, uuid: UUID) -> Deposit:
    """Return a deposit of an organization this person manages. Raises Http404."""
    deposit = Deposit.objects.select_related("organization").filter(uuid=uuid).first()
    if deposit is None or not is_manager(person, deposit.organization):
        raise Http404
    return deposit
