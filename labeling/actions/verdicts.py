"""What tasks' labels are: given by agreement or by a reviewer, and paid with it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.actions import record_audit
from accounts.models import Person
from labeling import consensus, queries
from labeling.actions.refusals import refusal_of
from labeling.errors import NotWithReviewer, OwnAnswer, OwnOrganization
from labeling.models import Answer, AnswerDecision, Campaign, Task, Verdict
from labeling.signals import task_decided
from labeling.types import InvalidContent, task_type
from rewards import ledger
from rewards.models import Account, HoldEnd, Transfer


def rule_of(campaign: Campaign) -> consensus.Rule:
    return consensus.Rule(
        kind=task_type(campaign.task_type),
        threshold=settings.AGREEMENT_IOU,
        agreeing=campaign.agreeing,
        max_answers=campaign.max_answers,
    )


def _tell(task_ids: Collection[int]) -> None:
    """Hint after commit; a receiver's failure must not undo what is committed."""
    transaction.on_commit(
        partial(task_decided.send_robust, sender=Task, task_ids=list(task_ids))
    )


def escalate(task: Task) -> None:
    """Send a locked task to a reviewer; nobody new is asked."""
    task.status = Task.Status.ESCALATED
    task.free = 0
    task.save(update_fields=["status", "free"])
    _tell([task.pk])


def settle(
    task: Task,
    answers: Sequence[Answer],
    outcome: consensus.Settled,
    *,
    rule: Verdict.Rule,
    by: Person | None,
    now: datetime,
) -> Verdict:
    """Give a locked task its label and pay the accepted answers. Pays last."""
    task.status = Task.Status.SETTLED
    task.free = 0
    task.decided_at = now
    task.save(update_fields=["status", "free", "decided_at"])
    verdict = Verdict.objects.create(
        task=task, content=outcome.content, rule=rule, decided_by=by
    )
    decisions = AnswerDecision.objects.bulk_create(
        AnswerDecision(
            answer=answer,
            verdict=verdict,
            accepted=index in outcome.accepted,
            agreement=outcome.agreements[index],
        )
        for index, answer in enumerate(answers)
    )
    _tell([task.pk])
    _pay([task], [decision for decision in decisions if decision.accepted])
    return verdict


def end_without_label(
    tasks: Sequence[Task],
    *,
    rule: Verdict.Rule,
    by: Person | None,
    now: datetime,
) -> None:
    """Cancel locked tasks and pay the answers that were given in good faith."""
    ids = [task.pk for task in tasks]
    if not ids:
        return
    Task.objects.filter(pk__in=ids).update(
        status=Task.Status.CANCELLED, free=0, decided_at=now
    )
    answers = list(
        Answer.objects.filter(task__in=ids)
        .select_related("assignment", "person")
        .order_by("id")
    )
    verdicts = {
        verdict.task_id: verdict
        for verdict in Verdict.objects.bulk_create(
            Verdict(task_id=pk, content=None, rule=rule, decided_by=by)
            for pk in sorted({answer.task_id for answer in answers})
        )
    }
    decisions = AnswerDecision.objects.bulk_create(
        AnswerDecision(
            answer=answer,
            verdict=verdicts[answer.task_id],
            accepted=True,
            agreement=1.0,
        )
        for answer in answers
    )
    _tell(ids)
    _pay(tasks, decisions)


def _pay(tasks: Sequence[Task], accepted: Sequence[AnswerDecision]) -> None:
    """End the tasks' holds and pay each accepted answer and its fee, in one post."""
    by_id = {task.pk: task for task in tasks}
    paid = {decision.answer.task_id for decision in accepted}
    pending = _pending_accounts([decision.answer.person for decision in accepted])
    ledger.post(
        [
            move
            for decision in accepted
            for move in _payments(
                decision,
                by_id[decision.answer.task_id],
                pending[decision.answer.person_id],
            )
        ],
        resolutions=[
            ledger.Resolution(
                hold=task.hold_id,
                outcome=HoldEnd.Outcome.POST
                if task.pk in paid
                else HoldEnd.Outcome.VOID,
            )
            for task in tasks
            if task.hold_id
        ],
    )


def _payments(
    decision: AnswerDecision, task: Task, pending: int
) -> list[ledger.Movement]:
    campaign = task.campaign
    key = f"decision:{decision.pk}"
    parts = (
        (key, pending, decision.answer.assignment.reward, Transfer.Kind.ANSWER),
        (f"{key}:fee", campaign.fee_account_id, campaign.fee, Transfer.Kind.FEE),
    )
    return [
        ledger.Movement(
            key=name,
            debit=campaign.account_id,
            credit=account,
            amount=amount,
            kind=kind,
            group=f"task:{task.uuid}",
        )
        for name, account, amount, kind in parts
        if amount
    ]


def _pending_accounts(people: Sequence[Person]) -> dict[int, int]:
    """Return each person's account for earnings; opened at their first one."""
    found = dict(
        Account.objects.filter(
            person__in=people, kind=Account.Kind.PENDING
        ).values_list("person_id", "pk")
    )
    # In id order: two verdicts that open the same accounts must not wait in a circle.
    for person in sorted(people, key=lambda person: person.pk):
        if person.pk not in found:
            found[person.pk] = ledger.pending_account(person).pk
    return found


@transaction.atomic
def decide_by_reviewer(
    task: Task, person: Person, content: Any, now: datetime
) -> Verdict:
    """Give an escalated task the reviewer's label; pay the answers that say the same.

    Raises NotWithReviewer, OwnAnswer, OwnOrganization, ValidationError.
    """
    task, answers = _lock_for_review(task, person)
    rule = rule_of(task.campaign)
    try:
        cleaned = rule.kind.clean(content, queries.frame_of(task))
    except InvalidContent as error:
        raise refusal_of(error) from error
    accepted, agreements = consensus.weigh(cleaned, queries.contents_of(answers), rule)
    record_audit(person, "decide_task", f"task:{task.uuid}")
    return settle(
        task,
        answers,
        consensus.Settled(cleaned, accepted, agreements),
        rule=Verdict.Rule.REVIEWER,
        by=person,
        now=now,
    )


@transaction.atomic
def reject_task(task: Task, person: Person, now: datetime) -> None:
    """Cancel an escalated task that cannot be labelled, such as a broken picture.

    Every answer given is paid: the fault is the picture's, and people who did what the
    page asked must not work for nothing. The rest of the hold is free again. Raises as
    ``decide_by_reviewer``.
    """
    task, _answers = _lock_for_review(task, person)
    record_audit(person, "reject_task", f"task:{task.uuid}")
    end_without_label([task], rule=Verdict.Rule.UNUSABLE, by=person, now=now)


def _lock_for_review(task: Task, person: Person) -> tuple[Task, list[Answer]]:
    """Lock the task and return it with its answers, if this person may decide it."""
    locked = (
        Task.objects.select_for_update(no_key=True, of=("self",))
        .select_related("campaign")
        .get(pk=task.pk)
    )
    if locked.status != Task.Status.ESCALATED:
        raise NotWithReviewer
    if not queries.may_work(person, locked.campaign):
        raise OwnOrganization
    answers = queries.answers_to(locked)
    if any(answer.person_id == person.pk for answer in answers):
        raise OwnAnswer
    return locked, answers
