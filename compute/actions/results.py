"""Taking in what nodes answer, a batch at a time, each result on its own merits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import Person
from compute import manifests, queries
from compute.actions.docket import Docket
from compute.agent import protocol
from compute.agent.protocol import Acknowledgement, ExecutionResult
from compute.models import Lease, Node, Result, Unit

SECONDS_MAX = 86_400.0


@dataclass(frozen=True)
class Taken:
    """What to tell the node, and the units that we have to execute ourselves."""

    acknowledgements: list[Acknowledgement]
    disputed: list[int]


@dataclass(frozen=True)
class _Reading:
    """One element of a batch: a lease's id, and what is usable of the rest."""

    lease: str
    uuid: UUID | None
    result: ExecutionResult | None
    problem: str = ""


def accept_results(
    node: Node, items: Sequence[dict[str, Any]], *, now: datetime
) -> Taken:
    """Record each result once and decide every unit that can be decided.

    The same lease again gets the same answer; a bad result sets aside itself only.
    """
    readings = [_read(item) for item in items[: protocol.BATCH_MAX]]
    ids = {reading.uuid for reading in readings if reading.uuid is not None}
    mine = Lease.objects.filter(node=node, uuid__in=ids)
    units = set(mine.values_list("unit_id", flat=True))
    if not units:
        return Taken([_ack(each, protocol.UNKNOWN) for each in readings], [])
    return _take(node, readings, units, now=now)


def _read(item: dict[str, Any]) -> _Reading:
    lease = item.get("lease")
    name = lease[:80] if isinstance(lease, str) else ""
    try:
        known = UUID(name)
    except ValueError:
        return _Reading(name, None, None)
    try:
        result = protocol.from_json(ExecutionResult, item)
    except protocol.Malformed as error:
        return _Reading(name, known, None, str(error))
    if not 0 <= result.seconds <= SECONDS_MAX:
        return _Reading(name, known, None, "seconds is not a usable duration")
    if result.error and result.error not in protocol.RESULT_ERRORS:
        return _Reading(name, known, None, "error is not a known one")
    return _Reading(name, known, result)


@transaction.atomic
def _take(
    node: Node, readings: Sequence[_Reading], units: set[int], *, now: datetime
) -> Taken:
    Person.objects.select_for_update(no_key=True).get(pk=node.person_id)
    docket = Docket(units, now=now)
    # Read again now that the units are locked: what was read before may have changed.
    leases = {lease.uuid: lease for found in docket.leases.values() for lease in found}
    wanted = {reading.uuid for reading in readings if reading.uuid}
    for lease in Lease.objects.filter(
        node=node, uuid__in=wanted - leases.keys()
    ).select_related("person"):
        lease.unit = docket.units[lease.unit_id]
        leases[lease.uuid] = lease
    answers = []
    for reading in readings:
        lease_of = leases.get(reading.uuid) if reading.uuid else None
        if lease_of is None or lease_of.node_id != node.pk:
            answers.append(_ack(reading, protocol.UNKNOWN))
        else:
            answers.append(_settle_one(docket, lease_of, reading))
    docket.close()
    disputed = [
        unit.pk for unit in docket.units.values() if unit.status == Unit.Status.DISPUTED
    ]
    return Taken(answers, disputed)


def _settle_one(docket: Docket, lease: Lease, reading: _Reading) -> Acknowledgement:
    if lease.status == Lease.Status.SUBMITTED:
        said = lease.result.error == protocol.INVALID_OUTPUT
        return _ack(reading, protocol.INVALID if said else protocol.RECORDED)
    if lease.status != Lease.Status.ACTIVE and not docket.has_room_for(lease):
        return _ack(reading, protocol.TOO_LATE)
    result, problem = _checked(lease, reading)
    docket.record(lease, result)
    if problem:
        return _ack(reading, protocol.INVALID, problem)
    return _ack(reading, protocol.RECORDED)


def _checked(lease: Lease, reading: _Reading) -> tuple[Result, str]:
    """Return the row to keep and, when the output breaks the manifest, why."""
    said = reading.result
    if said is None:
        return _row(lease, error=protocol.INVALID_OUTPUT), reading.problem
    if said.error:
        return _row(lease, error=said.error, seconds=said.seconds), ""
    picture = lease.unit.inputs[0]
    try:
        output = manifests.check_boxes(
            said.output or {},
            manifest=queries.manifest_of(lease.unit.job.model),
            width=picture["width"],
            height=picture["height"],
        )
    except manifests.BadOutput as error:
        row = _row(lease, error=protocol.INVALID_OUTPUT, seconds=said.seconds)
        return row, str(error)
    return _row(lease, output=output, seconds=said.seconds), ""


def _row(
    lease: Lease,
    *,
    output: dict[str, Any] | None = None,
    error: str = "",
    seconds: float = 0.0,
) -> Result:
    return Result(lease=lease, output=output, error=error, seconds=seconds)


def _ack(reading: _Reading, state: str, reason: str = "") -> Acknowledgement:
    return Acknowledgement(lease=reading.lease, state=state, reason=reason)
