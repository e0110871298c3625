"""What people say: an answer is taken, decided and paid in one transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import Person
from labeling import consensus, queries
from labeling.actions import verdicts
from labeling.actions.assignments import check_answerable, check_owner, lock_task
from labeling.actions.refusals import refusal_of
from labeling.errors import AlreadyAnswered
from labeling.models import Answer, Assignment, Task, Verdict
from labeling.types import InvalidContent, task_type


@dataclass(frozen=True)
class Receipt:
    """What becomes of a submit: the answer, and what is known about it now."""

    answer: Answer
    state: str  # waiting | accepted | not_accepted


def submit(
    assignment: Assignment,
    person: Person,
    *,
    token: str,
    content: Any,
    idempotency_key: str,
    seconds: float,
    now: datetime,
) -> Receipt:
    """Take an answer, decide the task if it can be decided, pay who was right.

    The same idempotency key again returns the same receipt. Raises NotYourAssignment,
    WrongToken, ValidationError, AlreadyAnswered, AlreadySkipped, LeaseExpired,
    TaskDecided; whatever is raised, nothing has changed.
    """
    check_owner(assignment, person, token)
    known = _answer_of(assignment)
    if known:
        return _repeated(known, idempotency_key)
    cleaned = _clean(assignment.task, content)
    with transaction.atomic():
        assignment = lock_task(assignment)
        known = _answer_of(assignment)
        if known:
            return _repeated(known, idempotency_key)
        check_answerable(assignment)
        answer = Answer.objects.create(
            assignment=assignment,
            task=assignment.task,
            person=person,
            content=cleaned,
            idempotency_key=idempotency_key,
            seconds=seconds,
        )
        assignment.status = Assignment.Status.SUBMITTED
        assignment.save(update_fields=["status"])
        accepted = _decide(assignment.task, now)
    if accepted is None:
        return Receipt(answer, "waiting")
    return Receipt(answer, "accepted" if answer.pk in accepted else "not_accepted")


def _answer_of(assignment: Assignment) -> Answer | None:
    return getattr(assignment, "answer", None)


def _repeated(answer: Answer, idempotency_key: str) -> Receipt:
    if answer.idempotency_key != idempotency_key:
        raise AlreadyAnswered
    return Receipt(answer, queries.state_of(answer))


def _clean(task: Task, content: Any) -> dict[str, Any]:
    try:
        return task_type(task.campaign.task_type).clean(content, queries.frame_of(task))
    except InvalidContent as error:
        raise refusal_of(error) from error


def _decide(task: Task, now: datetime) -> set[int] | None:
    """Look at all answers of a locked task; return the accepted ones' ids if settled.

    A task that waits for a reviewer keeps what still comes in for the reviewer to see.
    """
    if task.status == Task.Status.ESCALATED:
        return None
    answers = queries.answers_to(task)
    outcome = consensus.decide(
        queries.contents_of(answers), verdicts.rule_of(task.campaign)
    )
    if isinstance(outcome, consensus.Settled):
        verdicts.settle(
            task,
            answers,
            outcome,
            rule=Verdict.Rule.AGREEMENT,
            by=None,
            now=now,
        )
        return {answers[index].pk for index in outcome.accepted}
    if isinstance(outcome, consensus.Escalate):
        verdicts.escalate(task)
        return None
    # The answers that are missing are asked of the free places and of those who work.
    running = Assignment.objects.filter(
        task=task, status=Assignment.Status.ACTIVE
    ).count()
    missing = max(0, outcome.answers - running)
    if task.free != missing:
        task.free = missing
        task.save(update_fields=["free"])
    return None
