"""Reads of an organization's money: balance, statement, what comes in and goes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet

from accounts import pi_app
from accounts import queries as people
from accounts.models import Organization, Person
from rewards.deposits import queries as deposit_queries
from rewards.errors import NetworkUnknown
from rewards.models import Account, Deposit, Payout, Transfer
from rewards.payouts import queries as payout_queries
from rewards.payouts.timeline import Told, told
from rewards.pi_network import backend
from rewards.queries import statement_of, wallet_of

LINES_A_PAGE = 50
RECENT = 5


@dataclass(frozen=True, kw_only=True)
class Wallet:
    """What one organization sees of its money."""

    organization: Organization
    account: Account | None
    page: Any
    returnable: int  # what this person may take back now, 1e-7 Pi
    payouts: Sequence[Told]

    @property
    def balance(self) -> int:
        return self.account.balance if self.account else 0

    @property
    def held(self) -> int:
        return self.account.held if self.account else 0

    @property
    def has_open_payout(self) -> bool:
        return any(told.is_open for told in self.payouts)


@dataclass(frozen=True, kw_only=True)
class DepositCard:
    deposit: Deposit
    tone: str  # of its badge
    link: str


def wallet_for(organization: Organization, person: Person, *, page: Any) -> Wallet:
    account = wallet_of(organization)
    lines = statement_of(account) if account else Transfer.objects.none()
    network = pi_app.network()
    identity = people.pi_identity_of(person, network)
    left = (
        payout_queries.returnable(
            organization, person, network=network, uid=identity.uid
        )
        if identity
        else 0
    )
    rows = payouts_from(account, person) if account else Payout.objects.none()
    return Wallet(
        organization=organization,
        account=account,
        page=Paginator(lines, LINES_A_PAGE).get_page(page),
        returnable=max(0, min(left, account.available if account else 0)),
        payouts=told(list(rows[:RECENT])),
    )


def payouts_from(account: Account, person: Person) -> QuerySet[Payout]:
    rows = payout_queries.payouts_of(person).filter(account=account)
    return rows.prefetch_related("events", "envelope_set")


def recent_deposits(organizations: Sequence[Organization]) -> list[DepositCard]:
    """Return the newest deposits; those that were only begun are nobody's news."""
    rows = deposit_queries.deposits_of(organizations).exclude(payment_id=None)
    return [
        DepositCard(
            deposit=deposit,
            tone=_tone(deposit),
            link=_explorer_link(deposit.network, deposit.txid),
        )
        for deposit in rows[:RECENT]
    ]


def _tone(deposit: Deposit) -> str:
    if deposit.status == Deposit.Status.COMPLETED:
        return "ok"
    return "" if deposit.status == Deposit.Status.CANCELLED else "wait"


def _explorer_link(network: str, txid: str | None) -> str:
    """Return where a transaction can be seen; "" for another network's, or for none."""
    try:
        place = backend()
    except NetworkUnknown:
        return ""
    return place.explorer_link(txid) if txid and network == place.name else ""
