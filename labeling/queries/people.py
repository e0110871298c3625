"""What a person is shown: the campaigns that wait for them, and their own answers."""

from dataclasses import dataclass
from datetime import datetime
from statistics import median
from uuid import UUID

from django.core.cache import cache
from django.db.models import (
    Count,
    F,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts import queries as accounts_queries
from accounts.models import Person
from labeling.models import Answer, AnswerDecision, Assignment, Campaign, Task, Verdict
from labeling.queries.tasks import state_of
from rewards.models import Transfer

CAMPAIGNS_SHOWN = 50
TASKS_COUNTED = 100  # "100 or more" is all that a person needs to know
ANSWERS_SAMPLED = 200
FACTS_SECONDS = 60
ANSWERS_PER_PAGE = 50
# Counts along the queue's index and stops early; Django cannot say this.
_OPEN_FOR_PERSON = """(
  SELECT COUNT(*) FROM (
    SELECT 1 FROM labeling_task waiting
    WHERE waiting.campaign_id = labeling_campaign.id
      AND waiting.status = 'open' AND waiting.free > 0
      AND NOT EXISTS (
        SELECT 1 FROM labeling_assignment given
        WHERE given.task_id = waiting.id AND given.person_id = %s
      )
    LIMIT %s
  ) AS counted
)"""


@dataclass(frozen=True, kw_only=True)
class CampaignCard:
    """A campaign as the person who might work on it sees it."""

    campaign: Campaign
    open_tasks: int  # for this person; counted up to TASKS_COUNTED
    acceptance: float | None  # share of the latest decided answers; None: none yet
    median_seconds: float | None  # an answer takes; None: none yet
    picture: str | None  # digest of one of its pictures

    @property
    def more_than_counted(self) -> bool:
        return self.open_tasks >= TASKS_COUNTED


def campaigns_for(person: Person) -> list[CampaignCard]:
    """Return the active campaigns that this person may label, best paid first."""
    # By status, as the index has them: in order of id, all would have to be sorted.
    some_task = Task.objects.filter(campaign=OuterRef("pk")).order_by("status")
    # What a page fetched ahead still waits there for this person.
    held = (
        Assignment.objects.filter(
            person=person,
            status=Assignment.Status.ACTIVE,
            task__campaign=OuterRef("pk"),
            task__status=Task.Status.OPEN,
        )
        .order_by()
        .values("task__campaign")
        .annotate(count=Count("pk"))
    )
    campaigns = (
        Campaign.objects.filter(status=Campaign.Status.ACTIVE)
        .exclude(tenant__in=accounts_queries.tenants_of(person))
        .annotate(
            open_for_person=RawSQL(  # noqa: S611 - its values are parameters
                _OPEN_FOR_PERSON,
                (person.pk, TASKS_COUNTED),
                output_field=IntegerField(),
            ),
            held_by_person=Coalesce(Subquery(held.values("count")), 0),
            some_inputs=Subquery(some_task.values("inputs")[:1]),
        )
        .order_by("-reward", "id")[:CAMPAIGNS_SHOWN]
    )
    return [_card(campaign) for campaign in campaigns]


def _card(campaign: Campaign) -> CampaignCard:
    acceptance, seconds = campaign_facts(campaign)
    inputs = getattr(campaign, "some_inputs", None)
    return CampaignCard(
        campaign=campaign,
        open_tasks=min(
            getattr(campaign, "open_for_person", 0)
            + getattr(campaign, "held_by_person", 0),
            TASKS_COUNTED,
        ),
        acceptance=acceptance,
        median_seconds=seconds,
        picture=inputs[0]["digest"] if inputs else None,
    )


def campaign_facts(campaign: Campaign) -> tuple[float | None, float | None]:
    """Return the share of answers accepted, and the median seconds of an answer.

    Of the latest decisions only, and kept for a minute: it costs the same for a
    campaign of a million answers.
    """
    key = f"labeling.facts.{campaign.pk}"
    known: tuple[float | None, float | None] | None = cache.get(key)
    if known is not None:
        return known
    rows = list(
        AnswerDecision.objects.filter(answer__task__campaign=campaign)
        .order_by("-id")
        .values_list("accepted", "answer__seconds")[:ANSWERS_SAMPLED]
    )
    facts = (None, None) if not rows else _facts(rows)
    cache.set(key, facts, FACTS_SECONDS)
    return facts


def _facts(rows: list[tuple[bool, float]]) -> tuple[float, float]:
    accepted = [accepted for accepted, _seconds in rows]
    return sum(accepted) / len(accepted), median(seconds for _ok, seconds in rows)


@dataclass(frozen=True, kw_only=True)
class AnswerLine:
    """One answer of a person, with what became of it and why."""

    answer: UUID
    campaign_title: str
    task_type: str
    content: dict[str, object]
    picture: str  # digest
    state: str  # waiting | accepted | not_accepted
    reason: str  # in plain words
    earned: int  # 1e-7 Pi
    reward: int  # 1e-7 Pi, what it would have earned
    created: datetime
    decided_at: datetime | None


@dataclass(frozen=True)
class AnswerPage:
    """A page of answers, newest first; ask again with ``before=next_before``."""

    lines: list[AnswerLine]
    next_before: int | None


def answers_of(person: Person, *, before: int | None = None) -> AnswerPage:
    """Return a page of what this person answered, with constant queries."""
    decisions = AnswerDecision.objects.select_related("verdict").order_by("n")
    rows: QuerySet[Answer] = (
        Answer.objects.filter(person=person)
        .select_related("task__campaign", "assignment")
        .prefetch_related(Prefetch("decisions", queryset=decisions))
        .order_by("-id")
    )
    if before is not None:
        rows = rows.filter(pk__lt=before)
    answers = list(rows[: ANSWERS_PER_PAGE + 1])
    shown = answers[:ANSWERS_PER_PAGE]
    earned = _earned(shown)
    return AnswerPage(
        lines=[_line(answer, earned.get(answer.pk, 0)) for answer in shown],
        next_before=shown[-1].pk if len(answers) > ANSWERS_PER_PAGE else None,
    )


def _earned(answers: list[Answer]) -> dict[int, int]:
    """Return what was paid for each answer and not taken back, from the ledger."""
    answer_of = {
        f"decision:{decision.pk}": answer.pk
        for answer in answers
        for decision in answer.decisions.all()
    }
    paid: dict[int, int] = {}
    rows = Transfer.objects.filter(
        Q(key__in=answer_of) | Q(reverses__key__in=answer_of)
    ).values_list(F("key"), F("reverses__key"), F("amount"))
    for key, reversed_key, amount in rows:
        answer = answer_of[reversed_key or key]
        paid[answer] = paid.get(answer, 0) + (-amount if reversed_key else amount)
    return paid


def _line(answer: Answer, earned: int) -> AnswerLine:
    decisions = list(answer.decisions.all())
    return AnswerLine(
        answer=answer.uuid,
        campaign_title=answer.task.campaign.title,
        task_type=answer.task.campaign.task_type,
        content=answer.content,
        picture=answer.task.inputs[0]["digest"],
        state=state_of(answer),
        reason=_reason(answer, decisions[-1] if decisions else None),
        earned=earned,
        reward=answer.assignment.reward,
        created=answer.created,
        decided_at=decisions[-1].created if decisions else None,
    )


def _reason(answer: Answer, decision: AnswerDecision | None) -> str:
    if decision is None:
        if answer.task.status == Task.Status.ESCALATED:
            return _("People did not agree. A reviewer will decide.")
        return _("Waiting for another person's answer.")
    words = {
        (Verdict.Rule.AGREEMENT, True): _("Another person gave the same answer."),
        (Verdict.Rule.AGREEMENT, False): _("Other people agreed on another answer."),
        (Verdict.Rule.REVIEWER, True): _("A reviewer decided the same."),
        (Verdict.Rule.REVIEWER, False): _("A reviewer decided on another answer."),
        (Verdict.Rule.UNUSABLE, True): _(
            "A reviewer found that this picture cannot be used. You are paid."
        ),
        (Verdict.Rule.CANCELLED, True): _(
            "The project ended before others answered. You are paid."
        ),
    }
    return words[Verdict.Rule(decision.verdict.rule), decision.accepted]
