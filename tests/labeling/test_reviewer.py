"""What a reviewer may decide, and who is paid by it."""

from collections.abc import Sequence
from typing import Any

import pytest
from rest_framework.exceptions import ValidationError

from accounts import actions as accounts_actions
from labeling import actions, queries
from labeling.errors import NotWithReviewer, OwnAnswer, OwnOrganization
from labeling.models import Campaign, Task, Verdict
from rewards.queries import ledger_problems
from tests.labeling.crew import (
    FEE,
    NOW,
    REWARD,
    Worker,
    balance,
    box,
    boxes,
    held,
    new_worker,
    open_campaign,
    open_tasks,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def reviewer() -> Worker:
    return new_worker()


def test_a_reviewer_settles_and_who_said_the_same_is_paid(
    campaign: Campaign, disputed: Task, people: Sequence[Worker], reviewer: Worker
) -> None:
    before = balance(campaign.account)
    verdict = actions.decide_by_reviewer(
        disputed, reviewer.person, boxes(box(203)), NOW
    )
    assert (verdict.rule, verdict.decided_by) == ("reviewer", reviewer.person)
    disputed.refresh_from_db()
    assert disputed.status == Task.Status.SETTLED
    assert [one.earned for one in people[:3]] == [0, REWARD, 0]
    assert balance(campaign.account) == before - REWARD - FEE
    assert held(campaign.account) == 0
    assert queries.current_verdicts([disputed.pk]) == {disputed.pk: verdict}
    reasons = [queries.answers_of(one.person).lines[0].reason for one in people[:2]]
    assert reasons == [
        "A reviewer decided on another answer.",
        "A reviewer decided the same.",
    ]
    assert not list(ledger_problems())


def test_a_reviewer_may_say_what_nobody_said(
    campaign: Campaign, disputed: Task, people: Sequence[Worker], reviewer: Worker
) -> None:
    actions.decide_by_reviewer(disputed, reviewer.person, boxes(), NOW)
    assert [one.earned for one in people[:3]] == [0, 0, 0]
    assert held(campaign.account) == 0


def test_a_task_that_cannot_be_labelled_is_cancelled_and_everybody_paid(
    campaign: Campaign, disputed: Task, people: Sequence[Worker], reviewer: Worker
) -> None:
    actions.reject_task(disputed, reviewer.person, NOW)
    disputed.refresh_from_db()
    assert disputed.status == Task.Status.CANCELLED
    assert [one.earned for one in people[:3]] == [REWARD] * 3
    verdict = disputed.verdict_set.get()
    assert (verdict.content, verdict.rule) == (None, Verdict.Rule.UNUSABLE)
    assert held(campaign.account) == 0
    (line,) = queries.answers_of(people[0].person).lines
    assert "cannot be used" in line.reason
    assert not list(ledger_problems())


def test_a_reported_task_without_answers_is_rejected_and_its_hold_is_free(
    campaign: Campaign, task: Task, people: Sequence[Worker], reviewer: Worker
) -> None:
    for one in people[:2]:
        one.send(one.take_one(campaign), "report", reason="harmful")
    actions.reject_task(task, reviewer.person, NOW)
    assert held(campaign.account) == 0
    assert not Verdict.objects.exists()
    assert queries.open_task_count(campaign) == 0


def test_nobody_reviews_their_own_answer(
    disputed: Task, people: Sequence[Worker]
) -> None:
    for verb in (_decide, _reject):
        with pytest.raises(OwnAnswer):
            verb(disputed, people[0])


def test_nobody_reviews_for_their_own_organization(reviewer: Worker) -> None:
    organization = accounts_actions.create_organization(reviewer.person, name="Acme")
    campaign = open_campaign(tenant=str(organization.uuid))
    (task,) = open_tasks(campaign)
    for one in (new_worker(), new_worker()):
        one.send(one.take_one(campaign), "report", reason="broken")
    for verb in (_decide, _reject):
        with pytest.raises(OwnOrganization):
            verb(task, reviewer)


def test_only_tasks_with_a_reviewer_are_reviewed_and_only_once(
    campaign: Campaign, disputed: Task, reviewer: Worker
) -> None:
    (still_open,) = open_tasks(campaign)
    for verb in (_decide, _reject):
        with pytest.raises(NotWithReviewer):
            verb(still_open, reviewer)
    _decide(disputed, reviewer)
    for verb in (_decide, _reject):
        with pytest.raises(NotWithReviewer):
            verb(disputed, reviewer)
    assert disputed.verdict_set.count() == 1


def test_a_reviewers_label_must_fit_the_question(
    disputed: Task, reviewer: Worker
) -> None:
    with pytest.raises(ValidationError):
        actions.decide_by_reviewer(disputed, reviewer.person, boxes(box(1, "x")), NOW)


def test_an_answer_that_comes_after_the_reviewer_is_refused(
    campaign: Campaign, task: Task, people: Sequence[Worker], reviewer: Worker
) -> None:
    late = people[0].take_one(campaign)
    for one in people[1:3]:
        one.send(one.take_one(campaign), "report", reason="unclear")
    _decide(task, reviewer)
    refused = people[0].answer(late, boxes())
    assert refused.json()["error"]["code"] == "task_decided"


def _decide(task: Task, worker: Worker) -> Any:
    return actions.decide_by_reviewer(task, worker.person, boxes(), NOW)


def _reject(task: Task, worker: Worker) -> Any:
    return actions.reject_task(task, worker.person, NOW)
