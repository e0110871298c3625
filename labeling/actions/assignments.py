"""Who is asked what: assigned, skipped, reported, expired.

Every change of an assignment's status is made under the lock of its task.
"""

import secrets
from collections import Counter
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from accounts.errors import EvidenceNeeded
from accounts.models import Person
from labeling import queries
from labeling.actions import verdicts
from labeling.actions.campaigns import position_at
from labeling.errors import (
    AlreadyAnswered,
    AlreadySkipped,
    LeaseExpired,
    NotYourAssignment,
    OwnOrganization,
    TaskDecided,
    WrongToken,
)
from labeling.models import Assignment, Campaign, Report, Task

LEVEL_TO_LABEL = 1
HELD_MAX = 6  # by one person in one campaign: enough to fetch ahead, no hoarding
REPORTS_TO_ESCALATE = 2
EXPIRED_AT_ONCE = 500


@transaction.atomic
def assign(
    person: Person, campaign: Campaign, *, count: int, now: datetime
) -> list[Assignment]:
    """Give the person up to ``count`` tasks that they have never seen, maybe none.

    A task that still needs others goes to the tail, so that people who come together
    do not collide. Raises EvidenceNeeded, OwnOrganization.
    """
    # One person's requests wait for each other, or two tabs could claim one task.
    person = Person.objects.select_for_update(no_key=True).get(pk=person.pk)
    if person.level < LEVEL_TO_LABEL:
        raise EvidenceNeeded
    if not queries.may_work(person, campaign):
        raise OwnOrganization
    if campaign.status != Campaign.Status.ACTIVE:
        return []
    held = Assignment.objects.filter(
        person=person, status=Assignment.Status.ACTIVE, task__campaign=campaign
    ).count()
    wanted = min(count, HELD_MAX - held)
    if wanted <= 0:
        return []
    claimable = queries.unseen_by(queries.queue(campaign), person)
    tasks = list(claimable.select_for_update(skip_locked=True, no_key=True)[:wanted])
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(
        free=F("free") - 1, position=position_at(now)
    )
    return Assignment.objects.bulk_create(
        _new_assignment(person, campaign, task, now) for task in tasks
    )


def _new_assignment(
    person: Person, campaign: Campaign, task: Task, now: datetime
) -> Assignment:
    task.campaign = campaign
    return Assignment(
        task=task,
        person=person,
        reward=campaign.reward,
        token=secrets.token_urlsafe(32),
        expires_at=now + timedelta(seconds=settings.ASSIGNMENT_SECONDS),
    )


def check_owner(assignment: Assignment, person: Person, token: str) -> None:
    """Raises NotYourAssignment, WrongToken."""
    if assignment.person_id != person.pk:
        raise NotYourAssignment
    if not secrets.compare_digest(assignment.token.encode(), token.encode()):
        raise WrongToken


def lock_task(assignment: Assignment) -> Assignment:
    """Lock the task and return the assignment as it is now, its task with it."""
    task = (
        Task.objects.select_for_update(no_key=True, of=("self",))
        .select_related("campaign")
        .get(pk=assignment.task_id)
    )
    fresh = Assignment.objects.select_related("answer").get(pk=assignment.pk)
    fresh.task = task
    return fresh


@transaction.atomic
def skip(assignment: Assignment, person: Person, *, token: str) -> None:
    """Give a task back; the person never sees it again. Raises as ``give_back``."""
    check_owner(assignment, person, token)
    assignment = lock_task(assignment)
    if _give_back(assignment):
        _free_one(assignment.task)


@transaction.atomic
def report(
    assignment: Assignment, person: Person, *, token: str, reason: str, note: str
) -> None:
    """Give a task back and say what is wrong with it.

    The second report, for whatever reason, sends the task to a reviewer.
    """
    check_owner(assignment, person, token)
    assignment = lock_task(assignment)
    task = assignment.task
    if not _give_back(assignment):
        return
    Report.objects.create(assignment=assignment, reason=reason, note=note)
    if task.status != Task.Status.OPEN:
        return
    if queries.reports_on(task).count() >= REPORTS_TO_ESCALATE:
        verdicts.escalate(task)
    else:
        _free_one(task)


def _give_back(assignment: Assignment) -> bool:
    """Mark it skipped; False when it was already. Raises what stands against it."""
    status = Assignment.Status
    if assignment.status == status.SUBMITTED:
        raise AlreadyAnswered
    if assignment.status == status.EXPIRED:
        raise LeaseExpired
    if assignment.status == status.SKIPPED:
        return False
    assignment.status = status.SKIPPED
    assignment.save(update_fields=["status"])
    return True


def _free_one(task: Task) -> None:
    if task.status == Task.Status.OPEN:
        task.free += 1
        task.save(update_fields=["free"])


def check_answerable(assignment: Assignment) -> None:
    """Let a locked assignment be answered, late or not.

    An expired one needs a free place of its task, which the decision on the answers
    then counts again: a phone that was in a tunnel is paid. Raises TaskDecided,
    AlreadySkipped, LeaseExpired.
    """
    task = assignment.task
    if task.status not in queries.UNDECIDED:
        raise TaskDecided
    if assignment.status == Assignment.Status.SKIPPED:
        raise AlreadySkipped
    if assignment.status == Assignment.Status.EXPIRED and task.free == 0:
        raise LeaseExpired


def expire_assignments(*, now: datetime) -> int:
    """End every assignment whose time is over and free its place; return how many."""
    expired = 0
    while True:
        found, ended = _expire_slice(now)
        expired += ended
        if ended == 0 or found < EXPIRED_AT_ONCE:
            return expired


@transaction.atomic
def _expire_slice(now: datetime) -> tuple[int, int]:
    over = Assignment.objects.filter(
        status=Assignment.Status.ACTIVE, expires_at__lte=now
    )
    found = list(
        over.order_by("expires_at").values_list("task_id", flat=True)[:EXPIRED_AT_ONCE]
    )
    # A task that somebody is answering this moment is left to the next sweep.
    locked = list(
        Task.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(pk__in=found)
        .order_by("pk")
        .values_list("pk", "status")
    )
    ended = list(
        over.filter(task__in=[pk for pk, _status in locked]).values_list(
            "pk", "task_id"
        )
    )
    Assignment.objects.filter(pk__in=[pk for pk, _task in ended]).update(
        status=Assignment.Status.EXPIRED
    )
    still_open = {pk for pk, status in locked if status == Task.Status.OPEN}
    places = Counter(task for _pk, task in ended if task in still_open)
    for number in set(places.values()):
        Task.objects.filter(
            pk__in=[task for task, count in places.items() if count == number]
        ).update(free=F("free") + number)
    return len(found), len(ended)
