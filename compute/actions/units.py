"""Opening, pausing and ending jobs and their units."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from compute import queries
from compute.actions.docket import Docket
from compute.errors import JobTransitionRefused
from compute.models import Job, Model, Unit
from rewards import ledger
from rewards.models import Account

TRANSITIONS: dict[str, tuple[Job.Status, ...]] = {
    Job.Status.ACTIVE: (Job.Status.PAUSED, Job.Status.CLOSING),
    Job.Status.PAUSED: (Job.Status.ACTIVE, Job.Status.CLOSING),
    Job.Status.CLOSING: (Job.Status.CLOSED,),
    Job.Status.CLOSED: (),
}


def open_job(
    *,
    account: Account,
    fee_account: Account,
    model: Model,
    price: int,
    fee: int,
    tenant: str,
    replicas: int = 2,
) -> Job:
    """Create a job that runs ``model``; ``price`` and ``fee`` are 1e-7 Pi each."""
    return Job.objects.create(
        account=account,
        fee_account=fee_account,
        model=model,
        price=price,
        fee=fee,
        tenant=tenant,
        replicas=replicas,
    )


@transaction.atomic
def open_units(
    job: Job, inputs: Sequence[list[dict[str, Any]]], *, now: datetime
) -> list[Unit]:
    """Offer these inputs to nodes, each with its whole cost held; all or nothing.

    Returns one unit for each element, in order. Raises InsufficientFunds when the
    escrow cannot cover all of them, JobTransitionRefused when the job is closing.
    """
    job = Job.objects.select_for_update(no_key=True).get(pk=job.pk)
    if job.status in (Job.Status.CLOSING, Job.Status.CLOSED):
        raise JobTransitionRefused
    first = int(now.timestamp() * 1_000_000)
    units = [
        Unit(
            uuid=uuid.uuid4(),
            job=job,
            inputs=files,
            free=job.replicas,
            position=first + index,
        )
        for index, files in enumerate(inputs)
    ]
    cost = job.replicas * (job.price + job.fee)
    if cost and units:
        holds = ledger.post(
            reservations=[
                ledger.Reservation(
                    key=f"unit:{unit.uuid}", account=job.account_id, amount=cost
                )
                for unit in units
            ]
        )
        for unit, hold in zip(units, holds, strict=True):
            unit.hold = hold
    # After the posting, since a unit points to its hold: new rows keep nobody waiting.
    return Unit.objects.bulk_create(units)


@transaction.atomic
def set_job_status(job: Job, status: Job.Status) -> Job:
    """Pause, resume or close a job; saying what is so already does nothing.

    Raises JobTransitionRefused.
    """
    locked = Job.objects.select_for_update(no_key=True).get(pk=job.pk)
    if locked.status == status:
        return locked
    if status not in TRANSITIONS[locked.status]:
        raise JobTransitionRefused
    if status == Job.Status.CLOSED and queries.open_unit_count(locked):
        raise JobTransitionRefused
    locked.status = status
    locked.save(update_fields=["status"])
    return locked


@transaction.atomic
def cancel_open_units(job: Job, now: datetime) -> int:
    """End the open units on which no node works; return how many.

    A unit without an answer is cancelled and its hold voided; one that has an answer
    already is executed by us, so that a faithful node is paid. May be called again and
    again while a job is closing.
    """
    Job.objects.select_for_update(no_key=True).get(pk=job.pk)
    waiting = Unit.objects.filter(job=job, status=Unit.Status.OPEN)
    docket = Docket(waiting.values_list("pk", flat=True), now=now)
    ended = sum(docket.retire(unit) for unit in docket.units.values())
    docket.close()
    return ended
