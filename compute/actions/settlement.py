"""Settling units that nodes could not: we execute them and pay who did the same."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F

from compute import agreement, queries, reexecution
from compute.actions.docket import Docket
from compute.models import Unit

ATTEMPTS_MAX = 3
SLICE = 20  # units executed by one run of the housekeeping


def settle_unit(unit_id: int, *, now: datetime) -> None:
    """Execute one disputed unit and decide it; does nothing to any other unit."""
    units = Unit.objects.filter(pk=unit_id, status=Unit.Status.DISPUTED)
    _settle(list(units.select_related("job__model__graph")), now=now)


def settle_disputes(now: datetime) -> int:
    """Settle what still waits, oldest first; return how many were looked at."""
    units = list(
        Unit.objects.filter(status=Unit.Status.DISPUTED)
        .select_related("job__model__graph")
        .order_by("pk")[:SLICE]
    )
    by_model: dict[int, list[Unit]] = {}
    for unit in units:
        by_model.setdefault(unit.job.model_id, []).append(unit)
    for group in by_model.values():
        _settle(group, now=now)
    return len(units)


def _settle(units: Sequence[Unit], *, now: datetime) -> None:
    """Execute units of one model outside any transaction, then decide each."""
    if not units:
        return
    model = units[0].job.model
    try:
        outcomes = reexecution.run(
            manifest=model.manifest,
            graph=model.graph_id,
            inputs=[unit.inputs for unit in units],
        )
    except reexecution.DidNotEnd:
        if len(units) == 1:
            _count_attempt(units[0].pk, now=now)
        else:  # one of them may be to blame, and only that one should fail
            for unit in units:
                _settle([unit], now=now)
        return
    for unit, outcome in zip(units, outcomes, strict=True):
        _decide(unit.pk, outcome, now=now)


@transaction.atomic
def _decide(unit_id: int, outcome: reexecution.Outcome, *, now: datetime) -> None:
    docket = Docket([unit_id], now=now)
    unit = docket.units[unit_id]
    if unit.status != Unit.Status.DISPUTED:
        return
    if outcome.output is None:
        docket.fail(unit)
    else:
        rule = agreement.BoxRule.of(queries.manifest_of(unit.job.model))
        faithful = [
            result
            for result in docket.results[unit_id]
            if result.output is not None
            and agreement.agree(result.output, outcome.output, rule)
        ]
        docket.accept(unit, output=outcome.output, faithful=faithful, reexecuted=True)
    docket.close()


@transaction.atomic
def _count_attempt(unit_id: int, *, now: datetime) -> None:
    """Note an execution that crashed or hung; give up a unit that does it thrice."""
    docket = Docket([unit_id], now=now)
    unit = docket.units[unit_id]
    if unit.status != Unit.Status.DISPUTED:
        return
    if unit.attempts + 1 >= ATTEMPTS_MAX:
        docket.fail(unit)
    Unit.objects.filter(pk=unit_id).update(attempts=F("attempts") + 1)
    docket.close()
