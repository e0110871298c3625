"""The queue, what a person may be given, and what was decided."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import BooleanField, Exists, OuterRef, QuerySet
from django.db.models.expressions import RawSQL
from django.http import Http404

from accounts import queries as accounts_queries
from accounts.models import Person
from labeling.models import Answer, Assignment, Campaign, Report, Task, Verdict
from labeling.types import Content, Frame, label_names

UNDECIDED = (Task.Status.OPEN, Task.Status.ESCALATED)
# Written out, because SQLite uses a partial index only for literals it can compare.
_IN_QUEUE = RawSQL(
    "labeling_task.status = 'open' AND labeling_task.free > 0",
    (),
    output_field=BooleanField(),
)


def queue(campaign: Campaign) -> QuerySet[Task]:
    """Return the tasks that another person can be asked now, first served first."""
    return Task.objects.filter(_IN_QUEUE, campaign=campaign).order_by("position")


def unseen_by(tasks: QuerySet[Task], person: Person) -> QuerySet[Task]:
    """Leave out what this person was ever given, whatever became of it."""
    given = Assignment.objects.filter(task=OuterRef("pk"), person=person)
    return tasks.filter(~Exists(given))


def campaign_by(uuid: UUID) -> Campaign:
    """Return the campaign; who may work on it is checked when assigning."""
    campaign = Campaign.objects.filter(uuid=uuid).first()
    if campaign is None:
        raise Http404
    return campaign


def open_task_count(campaign: Campaign) -> int:
    """Return how many tasks are not decided yet, those with a reviewer included."""
    return Task.objects.filter(campaign=campaign, status__in=UNDECIDED).count()


def held_by(
    person: Person, campaign: Campaign, *, besides: Collection[UUID], now: datetime
) -> list[Assignment]:
    """Return what this person still holds here, for a page that was loaded again.

    ``besides`` are those that the page knows of.
    """
    held = Assignment.objects.filter(
        person=person,
        status=Assignment.Status.ACTIVE,
        expires_at__gt=now,
        task__campaign=campaign,
        task__status=Task.Status.OPEN,
    ).exclude(uuid__in=besides)
    return list(held.select_related("task").order_by("id"))


def why_no_work(campaign: Campaign, person: Person) -> str:
    """Return why there is nothing to do here for this person, as a code."""
    if campaign.status == Campaign.Status.PAUSED:
        return "paused"
    still = Task.objects.filter(campaign=campaign, status=Task.Status.OPEN)
    if campaign.status == Campaign.Status.ACTIVE and unseen_by(still, person).exists():
        return "no_work"
    return "all_done"


def assignment_with_task(uuid: UUID) -> Assignment:
    assignment = (
        Assignment.objects.select_related("task__campaign", "answer")
        .filter(uuid=uuid)
        .first()
    )
    if assignment is None:
        raise Http404
    return assignment


def frame_of(task: Task) -> Frame:
    """Return what an answer to this task is measured against."""
    picture = task.inputs[0]
    return Frame(
        labels=label_names(task.campaign.question),
        width=picture["width"],
        height=picture["height"],
    )


def current_verdicts(task_ids: Collection[int]) -> dict[int, Verdict]:
    """Return the verdict in force of each decided task, by the task's id."""
    rows = Verdict.objects.filter(task__in=task_ids).order_by("task_id", "version")
    return {verdict.task_id: verdict for verdict in rows}


def answers_to(task: Task) -> list[Answer]:
    """Return the task's answers in the order of their arrival."""
    rows = Answer.objects.filter(task=task).select_related("assignment", "person")
    return list(rows.order_by("id"))


def contents_of(answers: Sequence[Answer]) -> list[Content]:
    return [answer.content for answer in answers]


def state_of(answer: Answer) -> str:
    """Return waiting, accepted or not_accepted."""
    decision = max(answer.decisions.all(), key=lambda row: row.n, default=None)
    if decision is None:
        return "waiting"
    return "accepted" if decision.accepted else "not_accepted"


def reports_on(task: Task) -> QuerySet[Report]:
    return Report.objects.filter(assignment__task=task).order_by("id")


def may_work(person: Person, campaign: Campaign) -> bool:
    """Say whether this person has no interest of their own in the campaign."""
    return campaign.tenant not in accounts_queries.tenants_of(person)
