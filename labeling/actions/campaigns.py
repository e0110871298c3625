"""Campaigns and their tasks: opened, paused, closed; work is held before it is open."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from labeling import queries
from labeling.actions import verdicts
from labeling.actions.refusals import refusal_of
from labeling.errors import TasksStillOpen, WrongTransition
from labeling.models import Assignment, Campaign, Task, Verdict
from labeling.types import Frame, InvalidContent, label_names, task_type
from rewards import ledger
from rewards.models import Account

ANSWERS_MAX = 9  # every group of answers is compared, so they must stay few
TASKS_CANCELLED_AT_ONCE = 500
_TRANSITIONS: dict[str, tuple[str, ...]] = {
    Campaign.Status.ACTIVE: (Campaign.Status.PAUSED, Campaign.Status.CLOSING),
    Campaign.Status.PAUSED: (Campaign.Status.ACTIVE, Campaign.Status.CLOSING),
    Campaign.Status.CLOSING: (Campaign.Status.CLOSED,),
    Campaign.Status.CLOSED: (),
}


@dataclass(frozen=True, kw_only=True)
class NewTask:
    """One input to be labelled, with what a model proposes for it, if anything."""

    inputs: list[dict[str, Any]]
    proposal: dict[str, Any] | None = None
    proposer: str = ""


def open_campaign(
    *,
    account: Account,
    fee_account: Account,
    title: str,
    task_type: str,
    question: dict[str, Any],
    reward: int,
    fee: int,
    max_answers: int,
    tenant: str,
    agreeing: int = 2,
) -> Campaign:
    """Open a campaign, active and without tasks. Raises ValidationError."""
    if not 1 <= agreeing <= max_answers <= ANSWERS_MAX:
        raise ValidationError(
            {"max_answers": [_("Choose a number up to %d.") % ANSWERS_MAX]}
        )
    _check_question(task_type, question)
    return Campaign.objects.create(
        account=account,
        fee_account=fee_account,
        title=title,
        task_type=task_type,
        question=question,
        reward=reward,
        fee=fee,
        agreeing=agreeing,
        max_answers=max_answers,
        tenant=tenant,
    )


def _check_question(name: str, question: dict[str, Any]) -> None:
    try:
        task_type(name)
        label_names(question)
    except InvalidContent as error:
        raise refusal_of(error) from error


@transaction.atomic
def open_tasks(
    campaign: Campaign, tasks: Sequence[NewTask], *, now: datetime
) -> list[Task]:
    """Open a task for each of ``tasks``, in their order, all or nothing.

    Each is covered by a hold for the most that it can cost. Raises InsufficientFunds,
    WrongTransition when the campaign is closing, ValidationError for a bad proposal.
    """
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    if campaign.status not in {Campaign.Status.ACTIVE, Campaign.Status.PAUSED}:
        raise WrongTransition
    position = position_at(now)
    rows = [
        Task(
            uuid=uuid.uuid4(),
            campaign=campaign,
            inputs=new.inputs,
            proposal=_clean_proposal(campaign, new),
            proposer=new.proposer,
            free=campaign.agreeing,
            position=position + index,
        )
        for index, new in enumerate(tasks)
    ]
    cost = campaign.max_answers * (campaign.reward + campaign.fee)
    if cost:
        # Before the rows that name the holds; nobody can wait for rows not yet there.
        holds = ledger.post(
            reservations=[
                ledger.Reservation(
                    key=f"task:{row.uuid}", account=campaign.account_id, amount=cost
                )
                for row in rows
            ]
        )
        for row, hold in zip(rows, holds, strict=True):
            row.hold = hold
    return Task.objects.bulk_create(rows, batch_size=1000)


def position_at(now: datetime) -> int:
    """Return the tail of every queue at this moment."""
    return int(now.timestamp() * 1_000_000)


def _clean_proposal(campaign: Campaign, new: NewTask) -> dict[str, Any] | None:
    if new.proposal is None:
        return None
    frame = Frame(
        labels=label_names(campaign.question),
        width=new.inputs[0]["width"],
        height=new.inputs[0]["height"],
    )
    try:
        return task_type(campaign.task_type).clean_proposal(new.proposal, frame)
    except InvalidContent as error:
        raise refusal_of(error) from error


@transaction.atomic
def set_campaign_status(campaign: Campaign, status: str) -> Campaign:
    """Pause, resume, begin to close, or close; saying it twice does nothing.

    Raises WrongTransition, and TasksStillOpen when asked to close before every task is
    decided.
    """
    locked = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    if locked.status != status:
        if status not in _TRANSITIONS[locked.status]:
            raise WrongTransition
        if status == Campaign.Status.CLOSED and queries.open_task_count(locked):
            raise TasksStillOpen
        locked.status = status
        locked.save(update_fields=["status"])
    campaign.status = locked.status
    return locked


def cancel_open_tasks(campaign: Campaign, now: datetime) -> int:
    """Cancel the open tasks that nobody works on now; return how many.

    For closing: call it again until ``queries.open_task_count`` is zero, since running
    assignments may finish or expire and tasks with a reviewer are decided there. Who
    had already answered is paid: the client stopped, and nobody said they were wrong.
    """
    cancelled = 0
    while True:
        found, ended = _cancel_slice(campaign, now)
        cancelled += ended
        if found < TASKS_CANCELLED_AT_ONCE:
            return cancelled


@transaction.atomic
def _cancel_slice(campaign: Campaign, now: datetime) -> tuple[int, int]:
    running = Assignment.objects.filter(
        task=OuterRef("pk"), status=Assignment.Status.ACTIVE
    )
    found = Task.objects.filter(campaign=campaign, status=Task.Status.OPEN)
    ids = list(
        found.filter(~Exists(running))
        .order_by("pk")
        .values_list("pk", flat=True)[:TASKS_CANCELLED_AT_ONCE]
    )
    locked = (
        Task.objects.select_for_update(no_key=True, of=("self",))
        .select_related("campaign")
        .filter(pk__in=ids, status=Task.Status.OPEN)
        .order_by("pk")
    )
    # Read again under the lock: somebody may have been given one in between.
    busy = set(
        Assignment.objects.filter(
            task__in=[task.pk for task in locked], status=Assignment.Status.ACTIVE
        ).values_list("task_id", flat=True)
    )
    tasks = [task for task in locked if task.pk not in busy]
    verdicts.end_without_label(tasks, rule=Verdict.Rule.CANCELLED, by=None, now=now)
    return len(ids), len(tasks)
