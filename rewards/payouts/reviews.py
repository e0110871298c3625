"""What a treasurer can do with a payout that is being checked; never without proof."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import queries as people
from accounts.models import Person
from rewards.errors import PayoutMoved, PayoutRefused, TwoPersonsNeeded
from rewards.models import Envelope, Payout
from rewards.payouts import approvals, completing, queries, transitions
from rewards.payouts.transitions import Status


@transaction.atomic
def look_again(
    payout_uuid: UUID, staff: Person, *, reason: str, now: datetime
) -> Payout:
    """Let the worker go on from what is proven: landed, known to Pi, or neither."""
    payout = _in_review(payout_uuid, staff, reason)
    landed = _landed(payout)
    to = Status.CREATED if payout.payment_id else Status.RESERVED
    payout.failure = ""
    transitions.move(
        payout, Status.CONFIRMED if landed else to, now=now, actor=staff, reason=reason
    )
    return payout


@transaction.atomic
def give_back(
    payout_uuid: UUID, staff: Person, *, reason: str, now: datetime
) -> Payout:
    """Tell the worker to return the money; it does so only on the chain's proof."""
    payout = _in_review(payout_uuid, staff, reason)
    if _landed(payout) or not payout.payment_id:
        raise PayoutRefused(
            _("The chain holds this payment: it cannot be given back."), "landed"
        )
    payout.failure = "given_back"
    transitions.move(payout, Status.CREATED, now=now, actor=staff, reason=reason)
    return payout


@transaction.atomic
def accept_proof(
    payout_uuid: UUID, staff: Person, *, reason: str, now: datetime
) -> Payout:
    """Book a payment that is on the chain although Pi does not complete it."""
    payout = _in_review(payout_uuid, staff, reason)
    if not _landed(payout):
        raise PayoutRefused(_("The chain does not hold this payment."), "not_landed")
    completing.book(payout, now=now, actor=staff, reason=reason)
    return payout


def _in_review(payout_uuid: UUID, staff: Person, reason: str) -> Payout:
    seen = queries.to_step(payout_uuid)
    if seen is None or seen.status != Status.NEEDS_REVIEW:
        raise PayoutMoved
    if not reason.strip():
        raise PayoutRefused(_("Say why: others will read it."), "reason_needed")
    payout = transitions.locked(seen)
    user = people.user_of(staff)
    if user is None or not user.is_staff:
        raise TwoPersonsNeeded
    approvals.check_not_own(payout, staff)
    return payout


def _landed(payout: Payout) -> bool:
    return Envelope.objects.filter(payout=payout, fate=Envelope.Fate.LANDED).exists()
