"""Two members of staff let a payout go, or the rules do; nobody decides their own."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException

from accounts import queries as people
from accounts.models import Person
from rewards import limits
from rewards.errors import PayoutMoved, PayoutRefused, TwoPersonsNeeded
from rewards.models import Payout
from rewards.payouts import eligibility, queries, rules, transitions
from rewards.payouts.transitions import HELD, Status


@transaction.atomic
def prepare(
    payout_uuid: UUID, staff: Person, *, now: datetime, batch: str = ""
) -> Payout:
    """Say, as the first of two, that a payout may go; it waits for the second."""
    payout = _held(payout_uuid, staff)
    if payout.status != Status.REQUESTED:
        raise PayoutMoved
    _check_again(payout, now)
    payout.prepared_by = staff
    payout.batch = batch
    payout.approval_expires_at = _expiry(now)
    transitions.move(payout, Status.PREPARED, now=now, actor=staff, reason=batch)
    return payout


@transaction.atomic
def approve(payout_uuid: UUID, staff: Person, *, now: datetime) -> Payout:
    """Let a prepared payout go, as the second of two; everything is checked again."""
    payout = _held(payout_uuid, staff)
    if payout.status != Status.PREPARED:
        raise PayoutMoved
    if payout.prepared_by_id == staff.pk:
        raise TwoPersonsNeeded
    if payout.approval_expires_at is None or payout.approval_expires_at <= now:
        raise PayoutRefused(
            _("The time to approve this has run out. It must be prepared again."),
            "approval_expired",
        )
    _check_again(payout, now)
    payout.approved_by = staff
    payout.approval_expires_at = _expiry(now)
    transitions.move(payout, Status.APPROVED, now=now, actor=staff)
    return payout


@transaction.atomic
def reject(payout_uuid: UUID, staff: Person, *, reason: str, now: datetime) -> Payout:
    """Refuse a payout that has not left; its money is free again at once."""
    if not reason.strip():
        raise PayoutRefused(_("Say why: the person will read it."), "reason_needed")
    payout = _held(payout_uuid, staff)
    payout.failure = "rejected"
    transitions.move(payout, Status.REJECTED, now=now, actor=staff, reason=reason)
    transitions.free_hold(payout)
    return payout


def prepare_batch(
    payout_uuids: Sequence[UUID], staff: Person, *, batch: str, now: datetime
) -> list[tuple[UUID, str]]:
    """Prepare many under one name; return those left out, each with the reason."""
    return _each(payout_uuids, lambda uuid: prepare(uuid, staff, now=now, batch=batch))


def approve_batch(
    batch: str, staff: Person, *, now: datetime
) -> list[tuple[UUID, str]]:
    """Approve what was prepared under one name; return those left out, with reasons."""
    rows = Payout.objects.filter(batch=batch, status=Status.PREPARED).order_by("id")
    uuids = list(rows.values_list("uuid", flat=True))
    return approve_each(uuids, staff, now=now)


def approve_each(
    payout_uuids: Sequence[UUID], staff: Person, *, now: datetime
) -> list[tuple[UUID, str]]:
    """Approve many; return those left out, each with the reason."""
    return _each(payout_uuids, lambda uuid: approve(uuid, staff, now=now))


def approve_by_rules(payout: Payout, *, now: datetime) -> None:
    """Approve what is small and goes where it went before; call it under lock."""
    trusted = limits.is_automatic(
        payout.amount,
        level=payout.person.level,
        paid_before=queries.was_paid_before(payout.person, payout.uid),
        rules=rules.current(),
    )
    if not trusted:
        return
    payout.automatic = True
    payout.approval_expires_at = _expiry(now)
    transitions.move(payout, Status.APPROVED, now=now, reason="by the rules")


def expire_approvals(*, now: datetime) -> int:
    """Send back what was prepared or approved and did not leave in time."""
    rows = Payout.objects.filter(
        status__in=[Status.PREPARED, Status.APPROVED], approval_expires_at__lte=now
    ).order_by("id")
    return sum(_expire(payout, now) for payout in rows)


@transaction.atomic
def _expire(seen: Payout, now: datetime) -> bool:
    try:
        payout = transitions.locked(seen)
    except PayoutMoved:
        return False
    expiry = payout.approval_expires_at
    if expiry is None or expiry > now:
        return False
    payout.prepared_by = payout.approved_by = payout.approval_expires_at = None
    payout.automatic = False
    payout.batch = ""
    transitions.move(payout, Status.REQUESTED, now=now, reason="the approval ran out")
    approve_by_rules(payout, now=now)
    return True


def _held(payout_uuid: UUID, staff: Person) -> Payout:
    """Return a payout that has not left, under lock, for somebody who may decide."""
    seen = Payout.objects.filter(uuid=payout_uuid).first()
    if seen is None or seen.status not in HELD:
        raise PayoutMoved
    payout = transitions.locked(seen)
    user = people.user_of(staff)
    if user is None or not user.is_staff:
        raise TwoPersonsNeeded
    check_not_own(payout, staff)
    return payout


def check_not_own(payout: Payout, staff: Person) -> None:
    """Raise TwoPersonsNeeded where staff would decide over their own money."""
    organizations = people.organizations_of(staff)
    if payout.person_id == staff.pk or (
        payout.organization_id is not None
        and organizations.filter(pk=payout.organization_id).exists()
    ):
        raise TwoPersonsNeeded


def _check_again(payout: Payout, now: datetime) -> None:
    """What was true at the asking may have changed since."""
    if queries.uid_of(payout.person, payout.network) != payout.uid:
        raise PayoutRefused(
            _("The person uses another Pi account now. They must ask again."),
            "pi_account_changed",
        )
    eligibility.check_limits(
        payout.person, payout.account, payout.amount, now=now, but=payout
    )
    if payout.account.available < 0 or payout.account.held < payout.amount:
        raise PayoutRefused(
            _("The account no longer covers this payout."), "not_covered"
        )


def _expiry(now: datetime) -> datetime:
    return now + timedelta(hours=rules.current().approval_hours)


def _each(
    uuids: Sequence[UUID], decide: Callable[[UUID], Payout]
) -> list[tuple[UUID, str]]:
    left_out = []
    for uuid in uuids:
        try:
            decide(uuid)
        except APIException as error:
            left_out.append((uuid, str(error.detail)))
    return left_out
