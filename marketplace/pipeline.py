"""The only place that decides what is next for a project, from rows alone."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from compute import actions as compute_actions
from compute import queries as compute_queries
from compute.models import Unit
from labeling import actions as labeling_actions
from labeling import queries as labeling_queries
from labeling.models import Task
from marketplace import pricing
from marketplace.actions import projects as actions
from marketplace.models import Item, Project, ProjectItem, Step
from marketplace.proposals import proposal_of
from marketplace.queries import projects as queries
from rewards import ledger

Status = Project.Status
ItemStatus = ProjectItem.Status
# A disputed unit goes to people at once, without a proposal: its re-execution by the
# server settles who of the nodes is paid, and nobody should wait for that.
NODES_ARE_DONE = (
    Unit.Status.FINAL,
    Unit.Status.DISPUTED,
    Unit.Status.FAILED,
    Unit.Status.CANCELLED,
)


def advance(project_id: int, *, now: datetime) -> None:
    """Do everything that can be done for a project now.

    May run at any time, any number of times, and beside itself. Each step is a
    transaction of its own that locks the project, reads rows, and does at most
    OPEN_AHEAD items; a crash between two steps leaves nothing half-done.
    """
    status = queries.status_of(project_id)
    if status not in queries.LIVE:
        return
    _finish_items(project_id)
    if status == Status.ACTIVE:
        _ask_people(project_id, now)
        _open_items(project_id, now)
        _close_if_all_done(project_id)
    if queries.status_of(project_id) == Status.CLOSING:
        _stop_work(project_id, now)
        _finish_items(project_id)
        _close(project_id, now)


def _finish_items(project_id: int) -> None:
    """Mark what people have decided; one statement each, so that no lock is needed."""
    verifying = ProjectItem.objects.filter(
        project=project_id, status=ItemStatus.VERIFYING
    )
    for task_status, status in (
        (Task.Status.SETTLED, ItemStatus.DONE),
        (Task.Status.CANCELLED, ItemStatus.DROPPED),
    ):
        verifying.filter(
            steps__kind=Step.Kind.VERIFY, steps__task__status=task_status
        ).update(status=status)


@transaction.atomic
def _ask_people(project_id: int, now: datetime) -> None:
    """Open a task for each item that its nodes are done with."""
    project = actions.lock(project_id)
    if project.status != Status.ACTIVE:
        return
    steps = list(
        Step.objects.filter(
            kind=Step.Kind.DETECT,
            project_item__project=project,
            project_item__status=ItemStatus.DETECTING,
            unit__status__in=NODES_ARE_DONE,
        )
        .select_related("unit", "project_item__item")
        .order_by("project_item")[: settings.OPEN_AHEAD]
    )
    if steps:
        _open_tasks(
            project,
            [step.project_item for step in steps],
            [step.unit for step in steps],
            now=now,
        )


@transaction.atomic
def _open_items(project_id: int, now: datetime) -> None:
    """Start as many waiting items as there is room and money for, each whole."""
    project = actions.lock(project_id)
    if project.status != Status.ACTIVE:
        return
    progress = queries.progress_of([project])[project.pk]
    room = settings.OPEN_AHEAD - progress.detecting - progress.verifying
    covered = pricing.affordable(
        queries.terms_of(project),
        available=project.escrow.available,
        promised=progress.detecting,
    )
    room = room if covered is None else min(room, covered)
    if room <= 0 or not progress.waiting:
        return
    waiting = list(
        ProjectItem.objects.filter(project=project, status=ItemStatus.WAITING)
        .select_related("item__blob")
        .order_by("id")[:room]
    )
    if project.job:
        _open_units(project, waiting, now=now)
    else:
        _open_tasks(project, waiting, [None] * len(waiting), now=now)


def _open_units(
    project: Project, items: Sequence[ProjectItem], *, now: datetime
) -> None:
    assert project.job
    units = compute_actions.open_units(
        project.job,
        [
            [
                {
                    "digest": row.item.blob_id,
                    "media_type": row.item.blob.media_type,
                    "size": row.item.blob.size,
                    "width": row.item.width,
                    "height": row.item.height,
                }
            ]
            for row in items
        ],
        now=now,
    )
    Step.objects.bulk_create(
        Step(project_item=row, kind=Step.Kind.DETECT, unit=unit)
        for row, unit in zip(items, units, strict=True)
    )
    _move(items, ItemStatus.DETECTING)


def _open_tasks(
    project: Project,
    items: Sequence[ProjectItem],
    units: Sequence[Unit | None],
    *,
    now: datetime,
) -> None:
    assert project.campaign
    tasks = labeling_actions.open_tasks(
        project.campaign,
        [
            _new_task(project, row.item, unit)
            for row, unit in zip(items, units, strict=True)
        ],
        now=now,
    )
    Step.objects.bulk_create(
        Step(project_item=row, kind=Step.Kind.VERIFY, task=task)
        for row, task in zip(items, tasks, strict=True)
    )
    _move(items, ItemStatus.VERIFYING)


def _new_task(
    project: Project, item: Item, unit: Unit | None
) -> labeling_actions.NewTask:
    picture = {
        "digest": item.blob_id,
        "media_type": "image/jpeg",
        "width": item.width,
        "height": item.height,
        "name": item.name,
    }
    proposal = None
    if unit and project.model and unit.output is not None and not unit.reexecuted:
        proposal = proposal_of(
            unit.output, task_type=project.task_type, class_map=project.class_map
        )
    return labeling_actions.NewTask(
        inputs=[picture],
        proposal=proposal,
        proposer=f"model:{project.model.digest}"
        if proposal is not None and project.model
        else "",
    )


def _move(items: Sequence[ProjectItem], status: ProjectItem.Status) -> None:
    ProjectItem.objects.filter(pk__in=[row.pk for row in items]).update(status=status)


@transaction.atomic
def _close_if_all_done(project_id: int) -> None:
    """Begin to close a project of which every item has its label."""
    if _has_open_items(project_id):
        return
    project = actions.lock(project_id)
    if project.status == Status.ACTIVE:
        actions.set_status(project, Status.CLOSING)


def _has_open_items(project_id: int) -> bool:
    return ProjectItem.objects.filter(
        ~Q(status__in=[ItemStatus.DONE, ItemStatus.DROPPED]), project=project_id
    ).exists()


def _stop_work(project_id: int, now: datetime) -> None:
    """Cancel what nobody is working on; what is being done finishes or expires.

    Not in one transaction: ending units' holds locks the escrow, and a task must be
    locked before the escrow.
    """
    project = queries.project_by_id(project_id)
    if project.job:
        compute_actions.cancel_open_units(project.job, now)
    if project.campaign:
        labeling_actions.cancel_open_tasks(project.campaign, now)


@transaction.atomic
def _close(project_id: int, now: datetime) -> None:
    """Close and refund, once nothing is open any more."""
    project = actions.lock(project_id)
    if project.status != Status.CLOSING or _is_work_open(project):
        return
    items = ProjectItem.objects.filter(project=project)
    if items.filter(status=ItemStatus.VERIFYING).exists():
        return  # decided since; the next run marks them first
    items.filter(status__in=[ItemStatus.WAITING, ItemStatus.DETECTING]).update(
        status=ItemStatus.DROPPED
    )
    project.closed_at = now
    actions.set_status(project, Status.CLOSED)
    # Under its lock: a reversal may pay into the escrow until it is closed.
    wallet = ledger.wallet_account(project.organization)
    locked = ledger.lock_accounts([project.escrow_id, wallet.pk])
    project.escrow = locked[project.escrow_id]
    if project.escrow.balance:
        actions.refund(project, key=f"refund:{project.uuid}")
    ledger.close_account(project.escrow)


def _is_work_open(project: Project) -> bool:
    assert project.campaign
    if project.job and compute_queries.open_unit_count(project.job):
        return True
    return labeling_queries.open_task_count(project.campaign) > 0
