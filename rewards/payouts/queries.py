"""Reads of payouts: a person's own, the queue of staff, what the worker does next."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum
from django.http import Http404
from django.utils.translation import gettext as _

from accounts import pi_app
from accounts import queries as people
from accounts.models import Organization, Person, Wallet
from rewards.models import Account, Deposit, Envelope, Payout, PayoutEvent, Stop
from rewards.payouts.transitions import FINAL, HELD, IN_FLIGHT

# These never left, or came back: they do not count against a limit.
NOT_TAKEN = (
    Payout.Status.REJECTED,
    Payout.Status.CANCELLED,
    Payout.Status.NEEDS_RECIPIENT,
    Payout.Status.REFUNDED,
)


def payouts_of(person: Person) -> QuerySet[Payout]:
    """Return a person's payouts, newest first, with those of their organizations."""
    return (
        Payout.objects.filter(
            Q(person=person) | Q(organization__in=people.organizations_of(person))
        )
        .select_related("account", "organization")
        .order_by("-id")
    )


def own_payouts(person: Person) -> QuerySet[Payout]:
    """Return the payouts of a person's own earnings, with all that happened to them."""
    return (
        payouts_of(person)
        .filter(person=person, organization=None)
        .prefetch_related("events", "envelope_set")
    )


def payout_of(person: Person, uuid: UUID) -> Payout:
    """Return a payout that this person may see. Raises Http404."""
    payout = payouts_of(person).filter(uuid=uuid).first()
    if payout is None:
        raise Http404
    return payout


def open_payout(account: Account) -> Payout | None:
    return Payout.objects.filter(account=account).exclude(status__in=FINAL).first()


def payout_by_text(text: str) -> Payout | None:
    """Return the payout that a foreign text names; None for anything else."""
    try:
        return Payout.objects.filter(uuid=UUID(text)).first()
    except ValueError:
        return None


def to_step(payout_uuid: UUID) -> Payout | None:
    rows = Payout.objects.select_related("account", "person")
    return rows.filter(uuid=payout_uuid).first()


def queue() -> QuerySet[Payout]:
    """Return what waits for staff, oldest first."""
    return (
        Payout.objects.filter(
            status__in=[
                Payout.Status.REQUESTED,
                Payout.Status.PREPARED,
                Payout.Status.NEEDS_REVIEW,
            ]
        )
        .select_related("account", "person", "organization", "prepared_by")
        .order_by("id")
    )


def waits_for_staff(payout: Payout) -> bool:
    return payout.status in {
        Payout.Status.REQUESTED,
        Payout.Status.PREPARED,
        Payout.Status.NEEDS_REVIEW,
    }


def for_staff() -> QuerySet[Payout]:
    return Payout.objects.select_related(
        "account",
        "organization",
        "person__user",
        "prepared_by__user",
        "approved_by__user",
    )


def counts() -> dict[str, int]:
    """Return how many payouts are in each status that is not an end."""
    rows = Payout.objects.exclude(status__in=FINAL).order_by()
    return dict(rows.values_list("status").annotate(Count("id")))


def batches() -> list[Any]:
    """Return the batches that wait for a second person."""
    rows = Payout.objects.filter(status=Payout.Status.PREPARED).exclude(batch="")
    return list(
        rows.order_by("batch")
        .values("batch")
        .annotate(count=Count("id"), amount=Sum("amount"))
    )


def prepared_in(batch: str) -> int:
    rows = Payout.objects.filter(batch=batch, status=Payout.Status.PREPARED)
    return rows.count()


def envelopes_of(payout: Payout) -> QuerySet[Envelope]:
    return Envelope.objects.filter(payout=payout).order_by("id")


def events_of(payout: Payout) -> QuerySet[PayoutEvent]:
    return payout.events.select_related("actor__user").order_by("id")


def envelope_of(payout: Payout) -> Envelope | None:
    """Return the envelope that landed, else the newest: the link to show."""
    envelopes = Envelope.objects.filter(payout=payout).order_by("-id")
    return envelopes.filter(fate=Envelope.Fate.LANDED).first() or envelopes.first()


def open_envelope(payout: Payout) -> Envelope | None:
    return Envelope.objects.filter(payout=payout, fate=Envelope.Fate.OPEN).first()


def wallet_is_busy(wallet: str) -> bool:
    return Envelope.objects.filter(wallet=wallet, fate=Envelope.Fate.OPEN).exists()


def open_stops() -> QuerySet[Stop]:
    return Stop.objects.filter(lifted_at=None).order_by("id")


def due(network: str, now: datetime) -> list[UUID]:
    """Return what the worker looks at now: what has left first, then the approved."""
    rows = Payout.objects.filter(network=network).filter(
        Q(next_try_at=None) | Q(next_try_at__lte=now)
    )
    moving = IN_FLIGHT - {Payout.Status.NEEDS_REVIEW}
    begun = rows.filter(status__in=moving).order_by("id")
    approved = rows.filter(status=Payout.Status.APPROVED).order_by("id")[:50]
    return [
        *begun.values_list("uuid", flat=True),
        *approved.values_list("uuid", flat=True),
    ]


def taken_since(account: Account, since: datetime, *, but: Payout | None = None) -> int:
    """Return what was taken out of an account, or is about to be."""
    rows = Payout.objects.filter(account=account, created__gt=since)
    rows = rows.exclude(status__in=NOT_TAKEN)
    if but is not None:
        rows = rows.exclude(pk=but.pk)
    return _sum(rows)


def outflow(network: str, now: datetime, hours: int) -> int:
    """Return what left towards Pi in the last hours, to all together."""
    since = now - timedelta(hours=hours)
    rows = Payout.objects.filter(network=network, reserved_at__gt=since)
    return _sum(rows.exclude(status__in=NOT_TAKEN))


def returnable(
    organization: Organization, person: Person, *, network: str, uid: str
) -> int:
    """Return what this Pi account paid in for an organization and did not get back."""
    # Play money comes without a payment, and so without a payer at Pi.
    payer = Q(uid=uid) | Q(uid="", network=pi_app.SIMULATED)
    deposits = Deposit.objects.filter(
        payer,
        organization=organization,
        payer=person,
        network=network,
        status=Deposit.Status.COMPLETED,
    )
    paid_in = deposits.aggregate(sum=Sum("amount"))["sum"] or 0
    rows = Payout.objects.filter(organization=organization, uid=uid, network=network)
    return paid_in - _sum(rows.exclude(status__in=NOT_TAKEN))


def uid_of(person: Person, network: str) -> str | None:
    """Return the Pi account that a person signs in and is paid with."""
    identity = people.pi_identity_of(person, network)
    return identity.uid if identity else None


def was_paid_before(person: Person, uid: str) -> bool:
    return Payout.objects.filter(
        person=person, uid=uid, status=Payout.Status.COMPLETED
    ).exists()


def is_anothers_wallet(payout: Payout, address: str) -> bool:
    """Say whether this address is known as another person's wallet."""
    known = Wallet.objects.filter(network=payout.network, address=address)
    return known.exclude(person=payout.person_id).exists()


def can_be_taken_back(payout: Payout) -> bool:
    return payout.status in HELD


def advice(payout: Payout) -> str:
    """Return how the person can mend what stopped this payout; "" when nothing did."""
    if payout.status == Payout.Status.NEEDS_RECIPIENT:
        return {
            "missing_scope": _(
                "Sign in again in the Pi Browser and allow us to see your wallet"
                " address. The money is back in your account; then ask again."
            ),
            "user_not_found": _(
                "Pi does not know your sign-in any more. Sign in again in the Pi"
                " Browser. The money is back in your account; then ask again."
            ),
        }.get(
            payout.failure,
            _(
                "Your Pi wallet is not ready to receive. Open the wallet in the Pi"
                " Browser and set it up. The money is back in your account; then ask"
                " again."
            ),
        )
    if payout.status == Payout.Status.REFUNDED:
        return _(
            "This payout could not be made. The money is back in your account, and"
            " you can ask again."
        )
    if payout.status == Payout.Status.NEEDS_REVIEW:
        return _("Our staff are looking at this payout. You need not do anything.")
    return ""


def _sum(rows: QuerySet[Payout]) -> int:
    return rows.aggregate(sum=Sum("amount"))["sum"] or 0
