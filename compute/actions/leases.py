"""Giving units to nodes for a time, and taking them back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from accounts.models import Person
from compute import queries, scheduling
from compute.actions.docket import Docket
from compute.agent import protocol
from compute.models import Job, Lease, Node, Unit

HELD_MAX = 256  # running leases of one node
SLICE = 200  # leases taken back in one transaction


@dataclass(frozen=True)
class Granted:
    lease: Lease
    unit: Unit


def _lock_person(node: Node) -> None:
    """Let one person's nodes act one after the other: they share what they saw."""
    Person.objects.select_for_update(no_key=True).get(pk=node.person_id)


def _may_work(node: Node) -> bool:
    return node.status == Node.Status.ACTIVE and node.person.level >= 1


def claim(
    node: Node, *, max_units: int, cannot_run: Sequence[str] = (), now: datetime
) -> list[Granted]:
    """Give the node units to run, earliest first, each at the price of this moment."""
    refused = tuple(cannot_run)
    if not _may_work(node) or max_units < 1:
        return []
    # Looked at before anything is locked: an idle poll should keep nobody waiting.
    waiting = queries.waiting_executions(node.person, cannot_run=refused)
    if not waiting:
        return []
    size = scheduling.batch_size(
        asked=max_units,
        waiting=waiting,
        online=queries.online_nodes(now),
        plenty=queries.WAITING_COUNTED,
        batch_max=protocol.BATCH_MAX,
    )
    return _grant(node, size=size, cannot_run=refused, now=now)


@transaction.atomic
def _grant(
    node: Node, *, size: int, cannot_run: tuple[str, ...], now: datetime
) -> list[Granted]:
    _lock_person(node)
    held = Lease.objects.filter(node=node, status=Lease.Status.ACTIVE).count()
    size = min(size, HELD_MAX - held)
    if size < 1 or not Node.objects.filter(pk=node.pk, status=node.status).exists():
        return []
    units = list(
        queries.claimable_units(node.person, cannot_run=cannot_run)
        .select_for_update(skip_locked=True, of=("self",), no_key=True)
        .select_related(None)[:size]
    )
    jobs = Job.objects.select_related("model__graph").in_bulk(
        {unit.job_id for unit in units}
    )
    expires_at = now + timedelta(seconds=settings.LEASE_SECONDS)
    granted = []
    for unit in units:
        unit.job = jobs[unit.job_id]
        lease = Lease(
            unit=unit,
            node=node,
            person=node.person,
            price=unit.job.price,
            expires_at=expires_at,
        )
        granted.append(Granted(lease, unit))
    Unit.objects.filter(pk__in=[unit.pk for unit in units]).update(free=F("free") - 1)
    Lease.objects.bulk_create([each.lease for each in granted])
    return granted


def renew(node: Node, leases: Collection[UUID], *, now: datetime) -> set[UUID]:
    """Give running leases a new time; return those that could be given one."""
    mine = Lease.objects.filter(node=node, uuid__in=leases, status=Lease.Status.ACTIVE)
    if _may_work(node):
        mine.update(expires_at=now + timedelta(seconds=settings.LEASE_SECONDS))
    return set(mine.values_list("uuid", flat=True))


@transaction.atomic
def release(node: Node, leases: Collection[UUID], *, now: datetime) -> int:
    """Take back what the node does not want to do; this is never held against it."""
    return _release(node, Lease.objects.filter(uuid__in=leases), now=now)


@transaction.atomic
def release_unlisted(node: Node, holding: Collection[UUID], *, now: datetime) -> int:
    """Take back what a node that has just started no longer knows of."""
    return _release(node, Lease.objects.exclude(uuid__in=holding), now=now)


def _release(node: Node, leases: QuerySet[Lease], *, now: datetime) -> int:
    mine = leases.filter(node=node, status=Lease.Status.ACTIVE)
    units = dict(mine.values_list("pk", "unit_id"))
    if not units:
        return 0
    docket = Docket(units.values(), now=now)
    given_back = [lease for lease in docket.running() if lease.pk in units]
    for lease in given_back:
        docket.end_lease(lease, Lease.Status.RELEASED)
    docket.close()
    return len(given_back)


def expire_leases(now: datetime) -> int:
    """Take back every lease whose time is over; return how many."""
    total = 0
    while True:
        taken = _expire_slice(now)
        total += taken
        if taken < SLICE:
            return total


@transaction.atomic
def _expire_slice(now: datetime) -> int:
    over = Lease.objects.filter(
        status=Lease.Status.ACTIVE, expires_at__lt=now
    ).order_by("expires_at")
    units = list(over.values_list("unit_id", flat=True)[:SLICE])
    if not units:
        return 0
    docket = Docket(units, now=now)
    expired = [lease for lease in docket.running() if lease.expires_at < now]
    for lease in expired:
        docket.end_lease(lease, Lease.Status.EXPIRED)
    docket.close()
    return len(expired)
