"""Locked units on their way to a decision: every change of theirs is written here.

A docket locks its units in id order and reads their leases and results; the caller
records, ends leases and decides in memory; ``close`` writes all of it in a constant
number of statements, pays last, in one call, and tells who listens after the commit.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Case, JSONField, Value, When
from django.db.models.functions import Cast

from accounts.models import Person
from compute import agreement, queries
from compute.models import Job, Lease, Result, Unit
from compute.signals import unit_decided
from rewards import ledger
from rewards.models import HoldEnd, Transfer

ERRORS_MAX = 2  # executions that may fail before we execute the unit ourselves
DECIDED = (Unit.Status.FINAL, Unit.Status.FAILED, Unit.Status.CANCELLED)

ENDING = (Job.Status.CLOSING, Job.Status.CLOSED)


class Docket:
    def __init__(self, unit_ids: Iterable[int], *, now: datetime) -> None:
        """Lock the units; read what hangs on them after, so that it is not stale."""
        self.now = now
        locked = Unit.objects.select_for_update(no_key=True).filter(
            pk__in=set(unit_ids)
        )
        self.units = {unit.pk: unit for unit in locked.order_by("pk")}
        jobs = Job.objects.select_related("model").in_bulk(
            {unit.job_id for unit in self.units.values()}
        )
        self.leases: dict[int, list[Lease]] = defaultdict(list)
        self.results: dict[int, list[Result]] = defaultdict(list)
        for unit in self.units.values():
            unit.job = jobs[unit.job_id]
        live = Lease.objects.filter(
            unit__in=self.units,
            status__in=[Lease.Status.ACTIVE, Lease.Status.SUBMITTED],
        )
        for lease in live.select_related("result", "person").order_by("id"):
            lease.unit = self.units[lease.unit_id]
            self.leases[lease.unit_id].append(lease)
            if lease.status == Lease.Status.SUBMITTED:
                lease.result.lease = lease
                self.results[lease.unit_id].append(lease.result)
        self._new_results: list[Result] = []
        self._ended: dict[str, list[int]] = defaultdict(list)
        self._judged: dict[bool, list[int]] = {True: [], False: []}
        self._touched: dict[int, Unit] = {}
        self._movements: list[ledger.Movement] = []
        self._resolutions: list[ledger.Resolution] = []
        self._accepted: list[Result] = []

    # --- What may happen to a lease ---------------------------------------------------

    def running(self) -> list[Lease]:
        """Return the leases on which a node may still be working."""
        return [
            lease
            for leases in self.leases.values()
            for lease in leases
            if lease.status == Lease.Status.ACTIVE
        ]

    def end_lease(self, lease: Lease, status: Lease.Status) -> None:
        """Take a running lease back; the unit may be given to another at once."""
        lease.status = status
        self._ended[status].append(lease.pk)
        self.leases[lease.unit_id].remove(lease)
        self._reopen(self.units[lease.unit_id])

    def has_room_for(self, lease: Lease) -> bool:
        """Return whether a lease that was taken back may be taken up again."""
        unit = self.units[lease.unit_id]
        return (
            unit.status == Unit.Status.OPEN
            and unit.free > 0
            and all(
                other.person_id != lease.person_id for other in self.leases[unit.pk]
            )
        )

    def record(self, lease: Lease, result: Result) -> None:
        """Keep what a node answered for a lease and decide the unit if it can be."""
        unit = self.units[lease.unit_id]
        if lease.status != Lease.Status.ACTIVE:
            unit.free -= 1
            self._touched[unit.pk] = unit
            self.leases[unit.pk].append(lease)
        lease.status = Lease.Status.SUBMITTED
        self._ended[Lease.Status.SUBMITTED].append(lease.pk)
        self._new_results.append(result)
        self.results[unit.pk].append(result)
        if result.error:
            result.accepted = False
        if unit.status == Unit.Status.OPEN:
            self._weigh(unit)

    # --- What may happen to a unit ----------------------------------------------------

    def _weigh(self, unit: Unit) -> None:
        results = self.results[unit.pk]
        outputs = [result for result in results if not result.error]
        if len(outputs) >= unit.job.replicas:
            rule = agreement.BoxRule.of(queries.manifest_of(unit.job.model))
            contents = [result.output or {} for result in outputs]
            if agreement.all_agree(contents, rule):
                best = agreement.medoid(contents, rule)
                self.accept(unit, output=best, faithful=outputs)
            else:
                self._change(unit, Unit.Status.DISPUTED)
        elif len(results) - len(outputs) >= ERRORS_MAX:
            self._change(unit, Unit.Status.DISPUTED)
        elif results[-1].error:
            self._reopen(unit)
        elif unit.job.status in ENDING:
            self.retire(unit)

    def _reopen(self, unit: Unit) -> None:
        """Let another node have what one gave up, unless the job takes no more."""
        if unit.status != Unit.Status.OPEN:
            return
        self._touched[unit.pk] = unit
        unit.free += 1
        if unit.job.status in ENDING:
            self.retire(unit)

    def retire(self, unit: Unit) -> bool:
        """End an open unit on which nobody works, because its job is closing.

        Where a node has answered already, we execute the unit ourselves: what was done
        faithfully is paid.
        """
        busy = any(
            lease.status == Lease.Status.ACTIVE for lease in self.leases[unit.pk]
        )
        if unit.status != Unit.Status.OPEN or busy:
            return False
        if any(not result.error for result in self.results[unit.pk]):
            self._change(unit, Unit.Status.DISPUTED)
        else:
            self._change(unit, Unit.Status.CANCELLED)
            self._end_hold(unit, HoldEnd.Outcome.VOID)
        return True

    def accept(
        self,
        unit: Unit,
        *,
        output: Any,
        faithful: Iterable[Result],
        reexecuted: bool = False,
    ) -> None:
        """Make the unit final with this output and pay the faithful executions."""
        unit.output = dict(output)
        unit.reexecuted = reexecuted
        self._change(unit, Unit.Status.FINAL)
        paid = list(faithful)
        for result in self.results[unit.pk]:
            self._judge(result, accepted=result in paid)
        self._accepted += paid
        outcome = HoldEnd.Outcome.POST if paid else HoldEnd.Outcome.VOID
        self._end_hold(unit, outcome)

    def fail(self, unit: Unit) -> None:
        """Give the unit up: even we could not execute it. Nobody is paid."""
        unit.reexecuted = True
        self._change(unit, Unit.Status.FAILED)
        for result in self.results[unit.pk]:
            self._judge(result, accepted=False)
        self._end_hold(unit, HoldEnd.Outcome.VOID)

    def _change(self, unit: Unit, status: Unit.Status) -> None:
        unit.status = status
        unit.free = 0
        if status in DECIDED:
            unit.decided_at = self.now
        self._touched[unit.pk] = unit

    def _judge(self, result: Result, *, accepted: bool) -> None:
        result.accepted = accepted
        if result.pk is not None:
            self._judged[accepted].append(result.pk)

    def _end_hold(self, unit: Unit, outcome: HoldEnd.Outcome) -> None:
        if unit.hold_id is not None:
            self._resolutions.append(
                ledger.Resolution(hold=unit.hold_id, outcome=outcome)
            )

    # --- Writing ----------------------------------------------------------------------

    def close(self) -> None:
        """Write every change, then pay. Call once, last."""
        for status, leases in self._ended.items():
            Lease.objects.filter(pk__in=leases).update(status=status)
        Result.objects.bulk_create(self._new_results)
        for accepted, results in self._judged.items():
            if results:
                Result.objects.filter(pk__in=results).update(accepted=accepted)
        self._write_units()
        self._pay()
        # A disputed unit too: its item need not wait for our own execution.
        leaving = [pk for pk, unit in self._touched.items() if not unit.is_open]
        if leaving:
            transaction.on_commit(
                lambda: unit_decided.send_robust(sender=Unit, unit_ids=leaving)
            )

    def _write_units(self) -> None:
        final = [u for u in self._touched.values() if u.status == Unit.Status.FINAL]
        for reexecuted in (False, True):
            self._write_final([u for u in final if u.reexecuted is reexecuted])
        groups: dict[tuple[str, int, bool, datetime | None], list[int]]
        groups = defaultdict(list)
        for unit in self._touched.values():
            if unit.status != Unit.Status.FINAL:
                state = (unit.status, unit.free, unit.reexecuted, unit.decided_at)
                groups[state].append(unit.pk)
        for (status, free, reexecuted, decided_at), units in groups.items():
            Unit.objects.filter(pk__in=units).update(
                status=status, free=free, reexecuted=reexecuted, decided_at=decided_at
            )

    def _write_final(self, units: list[Unit]) -> None:
        """Write units that differ only in their output, as one statement.

        ``bulk_update`` would write a CASE for every field, which costs more than all
        the rest of a decision.
        """
        if not units:
            return
        field = JSONField()
        outputs = Case(
            *(When(pk=unit.pk, then=Value(unit.output, field)) for unit in units),
            output_field=field,
        )
        Unit.objects.filter(pk__in=[unit.pk for unit in units]).update(
            status=Unit.Status.FINAL,
            free=0,
            output=Cast(outputs, field),
            reexecuted=units[0].reexecuted,
            decided_at=self.now,
        )

    def _pay(self) -> None:
        accounts: dict[Person, int] = {}
        for result in self._accepted:
            lease = result.lease
            if lease.person not in accounts:
                accounts[lease.person] = ledger.pending_account(lease.person).pk
            self._movements += _payment(result, accounts[lease.person])
        if self._movements or self._resolutions:
            ledger.post(self._movements, resolutions=self._resolutions)


def _payment(result: Result, account: int) -> list[ledger.Movement]:
    """Return the price to the person and the fee to the project's fees."""
    lease, job = result.lease, result.lease.unit.job
    group = f"unit:{lease.unit.uuid}"
    movements = []
    if lease.price:
        movements.append(
            ledger.Movement(
                key=f"result:{result.pk}",
                debit=job.account_id,
                credit=account,
                amount=lease.price,
                kind=Transfer.Kind.INFERENCE,
                group=group,
            )
        )
    if job.fee:
        movements.append(
            ledger.Movement(
                key=f"result:{result.pk}:fee",
                debit=job.account_id,
                credit=job.fee_account_id,
                amount=job.fee,
                kind=Transfer.Kind.FEE,
                group=group,
            )
        )
    return movements
