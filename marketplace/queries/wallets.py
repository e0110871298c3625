"""Reads of an organization's money: balance, statement, what comes in and goes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Organization, Person
from rewards.deposits import queries as deposit_queries
from rewards.errors import NetworkUnknown
from rewards.models import Account, Deposit, Envelope, Payout, Transfer
from rewards.payouts import queries as payout_queries
from rewards.pi_network import backend
from rewards.queries import statement_of, wallet_of

LINES_A_PAGE = 50
RECENT = 8

# Where a payout is, for its owner: many steps of ours are one step of theirs.
STAGES: tuple[frozenset[str], ...] = (
    frozenset({Payout.Status.REQUESTED, Payout.Status.PREPARED}),
    frozenset({Payout.Status.APPROVED}),
    frozenset(
        {
            Payout.Status.RESERVED,
            Payout.Status.CREATED,
            Payout.Status.SIGNED,
            Payout.Status.SUBMITTED,
        }
    ),
    frozenset({Payout.Status.CONFIRMED, Payout.Status.COMPLETED}),
)


@dataclass(frozen=True, kw_only=True)
class Wallet:
    """What one organization sees of its money."""

    organization: Organization
    account: Account | None
    page: Any
    returnable: int  # what this person may take back now, 1e-7 Pi
    payouts: Sequence["PayoutCard"]

    @property
    def balance(self) -> int:
        return self.account.balance if self.account else 0

    @property
    def held(self) -> int:
        return self.account.held if self.account else 0

    @property
    def has_open_payout(self) -> bool:
        return any(card.is_open for card in self.payouts)


@dataclass(frozen=True, kw_only=True)
class Step:
    name: str
    state: str  # done | now | later


@dataclass(frozen=True, kw_only=True)
class PayoutCard:
    payout: Payout
    steps: Sequence[Step]  # empty once it failed
    advice: str
    link: str
    can_be_taken_back: bool

    @property
    def is_open(self) -> bool:
        return self.payout.finished_at is None


@dataclass(frozen=True, kw_only=True)
class DepositCard:
    deposit: Deposit
    tone: str  # of its badge
    link: str


def wallet_for(organization: Organization, person: Person, *, page: Any) -> Wallet:
    account = wallet_of(organization)
    lines = statement_of(account) if account else Transfer.objects.none()
    left = payout_queries.returnable(organization, person)
    rows = payouts_from(account, person) if account else Payout.objects.none()
    return Wallet(
        organization=organization,
        account=account,
        page=Paginator(lines, LINES_A_PAGE).get_page(page),
        returnable=max(0, min(left, account.available if account else 0)),
        payouts=[payout_card(payout) for payout in rows[:RECENT]],
    )


def payouts_from(account: Account, person: Person) -> QuerySet[Payout]:
    rows = payout_queries.payouts_of(person).filter(account=account)
    return rows.prefetch_related("envelope_set")


def payout_card(payout: Payout) -> PayoutCard:
    envelope = _envelope(payout)
    return PayoutCard(
        payout=payout,
        steps=steps_of(payout),
        advice=payout_queries.advice(payout),
        link=_explorer_link(payout.network, envelope.hash if envelope else None),
        can_be_taken_back=payout_queries.can_be_taken_back(payout),
    )


def _envelope(payout: Payout) -> Envelope | None:
    """Return the envelope that landed, else the newest, of those already read."""
    envelopes = sorted(payout.envelope_set.all(), key=lambda envelope: envelope.pk)
    landed = [one for one in envelopes if one.fate == Envelope.Fate.LANDED]
    found = landed or envelopes
    return found[-1] if found else None


def steps_of(payout: Payout) -> list[Step]:
    """Return the way of a payout with the step it is at; none once it ended badly."""
    names = (_("asked for"), _("approved"), _("on its way"), _("in your Pi wallet"))
    at = next((i for i, stage in enumerate(STAGES) if payout.status in stage), None)
    if at is None:
        return []
    if payout.status == Payout.Status.COMPLETED:
        at = len(STAGES)
    states = ["done" if i < at else "now" if i == at else "later" for i in range(4)]
    return [
        Step(name=name, state=state) for name, state in zip(names, states, strict=True)
    ]


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
