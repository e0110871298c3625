"""Campaigns: what is held, how they pause and close, what people are shown of them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from rest_framework.exceptions import ValidationError

from labeling import actions, queries
from labeling.errors import TasksStillOpen, WrongTransition
from labeling.models import Assignment, Campaign, Task
from labeling.signals import task_decided
from rewards.errors import InsufficientFunds
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
COST = 3 * (REWARD + FEE)


def test_each_task_holds_the_most_that_it_can_cost(campaign: Campaign) -> None:
    tasks = open_tasks(campaign, 4)
    assert [task.hold.amount for task in tasks if task.hold] == [COST] * 4
    assert held(campaign.account) == 4 * COST
    assert [task.free for task in tasks] == [2] * 4


def test_tasks_are_opened_all_or_none() -> None:
    campaign = open_campaign(funds=3 * COST - 1)
    with pytest.raises(InsufficientFunds):
        open_tasks(campaign, 3)
    assert not Task.objects.exists()
    assert held(campaign.account) == 0
    assert len(open_tasks(campaign, 2)) == 2


def test_unpaid_work_needs_no_hold() -> None:
    campaign = open_campaign(funds=0, reward=0, fee=0)
    (task,) = open_tasks(campaign)
    assert task.hold is None
    first, second = new_worker(), new_worker()
    first.label(campaign, boxes())
    assert second.label(campaign, boxes())["state"] == "accepted"


def test_opening_many_tasks_costs_as_many_queries_as_opening_one(
    campaign: Campaign, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(12):
        open_tasks(campaign, 300)


def test_tasks_are_served_in_the_order_of_opening(
    campaign: Campaign, worker: Worker
) -> None:
    tasks = open_tasks(campaign, 3)
    given = worker.take(campaign, 3)["assignments"]
    assert [one["task"]["uuid"] for one in given] == [str(one.uuid) for one in tasks]


@pytest.mark.parametrize(
    "changes",
    [
        {"task_type": "mind_reading"},
        {"question": {"labels": []}},
        {"question": {"labels": [{"name": "dog"}, {"name": "dog"}]}},
    ],
)
def test_a_campaign_that_cannot_be_asked_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        open_campaign(**changes)


@pytest.mark.parametrize("changes", [{"agreeing": 4}, {"max_answers": 10}])
def test_answers_asked_for_must_make_sense(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        open_campaign(**changes)


def test_a_proposal_with_an_unknown_label_is_refused(campaign: Campaign) -> None:
    with pytest.raises(ValidationError):
        open_tasks(campaign, proposal=boxes(box(1, "zebra")))


def test_the_claim_reads_the_queue_along_its_index(
    campaign: Campaign, worker: Worker
) -> None:
    open_tasks(campaign, 300)
    claim = queries.unseen_by(queries.queue(campaign), worker.person)[:3]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = claim.explain()
    assert "task_claimable" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


# --- Expiry ---------------------------------------------------------------------------


def test_expired_assignments_free_their_places_at_once(
    campaign: Campaign, people: Sequence[Worker]
) -> None:
    tasks = open_tasks(campaign, 5)
    for one in people:
        one.take(campaign, 3)
    assert sum(Task.objects.values_list("free", flat=True)) == 0
    assert actions.expire_assignments(now=timezone.now()) == 0
    over = timezone.now() + timedelta(seconds=settings.ASSIGNMENT_SECONDS + 1)
    assert actions.expire_assignments(now=over) == Assignment.objects.count() == 10
    assert actions.expire_assignments(now=over) == 0
    assert [row.free for row in Task.objects.all()] == [2] * len(tasks)


def test_expiring_many_assignments_is_done_in_bulk(
    campaign: Campaign, people: Sequence[Worker], django_assert_num_queries: Any
) -> None:
    open_tasks(campaign, 12)
    for one in people:
        one.take(campaign, 3)
        one.take(campaign, 3)
    over = timezone.now() + timedelta(seconds=settings.ASSIGNMENT_SECONDS + 1)
    with django_assert_num_queries(7):
        assert actions.expire_assignments(now=over) == 24


# --- Pausing and closing --------------------------------------------------------------


def test_a_campaign_goes_only_the_ways_that_are_drawn(campaign: Campaign) -> None:
    status = Campaign.Status
    for to in (status.PAUSED, status.ACTIVE, status.PAUSED, status.CLOSING):
        actions.set_campaign_status(campaign, to)
        actions.set_campaign_status(campaign, to)
    for back in (status.ACTIVE, status.PAUSED):
        with pytest.raises(WrongTransition):
            actions.set_campaign_status(campaign, back)
    with pytest.raises(WrongTransition):
        open_tasks(campaign)
    actions.set_campaign_status(campaign, status.CLOSED)
    with pytest.raises(WrongTransition):
        actions.set_campaign_status(campaign, status.ACTIVE)


def test_closing_cancels_what_nobody_works_on_and_pays_who_had_answered(
    campaign: Campaign, people: Sequence[Worker]
) -> None:
    untouched, answered, running = open_tasks(campaign, 3)
    first = people[0].take(campaign, 3)["assignments"]
    people[0].send(first[0], "skip")
    people[0].answer(first[1], boxes())
    actions.set_campaign_status(campaign, Campaign.Status.CLOSING)
    assert actions.cancel_open_tasks(campaign, NOW) == 2
    assert queries.open_task_count(campaign) == 1
    assert people[0].earned == REWARD
    assert held(campaign.account) == COST
    with pytest.raises(TasksStillOpen):
        actions.set_campaign_status(campaign, Campaign.Status.CLOSED)
    assert people[1].take(campaign)["reason"] == "all_done"

    assert people[0].answer(first[2], boxes()).json()["state"] == "waiting"
    assert actions.cancel_open_tasks(campaign, NOW) == 1
    assert actions.cancel_open_tasks(campaign, NOW) == 0
    actions.set_campaign_status(campaign, Campaign.Status.CLOSED)
    assert people[0].earned == 2 * REWARD
    assert held(campaign.account) == 0
    assert balance(campaign.account) == 100_000_000 - 2 * (REWARD + FEE)
    statuses = {row.status for row in (untouched, answered, running) if _fresh(row)}
    assert statuses == {Task.Status.CANCELLED}
    assert not list(ledger_problems())


def _fresh(task: Task) -> bool:
    task.refresh_from_db()
    return True


def test_a_task_with_a_reviewer_outlives_the_cancelling(
    campaign: Campaign, disputed: Task
) -> None:
    actions.set_campaign_status(campaign, Campaign.Status.CLOSING)
    assert actions.cancel_open_tasks(campaign, NOW) == 0
    assert queries.open_task_count(campaign) == 1


def test_cancelling_many_tasks_is_done_in_bulk(
    campaign: Campaign, django_assert_max_num_queries: Any
) -> None:
    open_tasks(campaign, 200)
    with django_assert_max_num_queries(20):
        assert actions.cancel_open_tasks(campaign, NOW) == 200
    assert held(campaign.account) == 0


# --- Hints ----------------------------------------------------------------------------


def test_a_hint_follows_every_end_of_a_task(
    campaign: Campaign,
    people: Sequence[Worker],
    django_capture_on_commit_callbacks: Any,
) -> None:
    told: list[list[int]] = []

    def listen(task_ids: list[int], **_more: object) -> None:
        told.append(task_ids)

    task_decided.connect(listen)
    try:
        (task,) = open_tasks(campaign)
        with django_capture_on_commit_callbacks(execute=True):
            people[0].label(campaign, boxes())
        assert told == []
        with django_capture_on_commit_callbacks(execute=True):
            people[1].label(campaign, boxes())
        assert told == [[task.pk]]
        (other,) = open_tasks(campaign)
        with django_capture_on_commit_callbacks(execute=True):
            actions.cancel_open_tasks(campaign, NOW)
        assert told == [[task.pk], [other.pk]]
    finally:
        task_decided.disconnect(listen)


# --- What people are shown ------------------------------------------------------------


def test_the_list_of_work_shows_pay_and_what_is_left_for_this_person(
    campaign: Campaign, people: Sequence[Worker]
) -> None:
    open_tasks(campaign, 3)
    rich = open_campaign(title="Rich", reward=REWARD * 5)
    first = people[0].take_one(campaign)
    people[0].answer(first, boxes(), seconds=4.0)
    listed = people[0].browser.get("/api/v1/work/campaigns/").json()["campaigns"]
    assert [row["title"] for row in listed] == ["Rich", "Animals"]
    assert [row["reward"] for row in listed] == ["0.05", "0.01"]
    assert listed[0]["uuid"] == str(rich.uuid)
    assert listed[0]["open_tasks"] == 0
    assert listed[0]["picture_url"] is None
    assert listed[1]["open_tasks"] == 2
    assert listed[1]["picture_url"].startswith("/blobs/")
    assert listed[1]["acceptance"] is None


def test_what_a_page_fetched_ahead_is_still_left_for_its_person(
    campaign: Campaign, people: Sequence[Worker]
) -> None:
    open_tasks(campaign, 2)
    people[0].take(campaign, 2)
    people[1].take(campaign, 2)
    (mine,) = queries.campaigns_for(people[0].person)
    (others,) = queries.campaigns_for(people[2].person)
    assert mine.open_tasks == 2
    assert others.open_tasks == 0


def test_the_list_of_work_tells_acceptance_and_time(
    campaign: Campaign, people: Sequence[Worker]
) -> None:
    open_tasks(campaign)
    for seconds, one, x in ((2.0, people[0], 0), (5.0, people[1], 300)):
        one.answer(one.take_one(campaign), boxes(box(x)), seconds=seconds)
    people[2].answer(people[2].take_one(campaign), boxes(box(0)), seconds=9.0)
    (row,) = people[3].browser.get("/api/v1/work/campaigns/").json()["campaigns"]
    assert row["acceptance"] == pytest.approx(2 / 3)
    assert row["median_seconds"] == 5.0


def test_only_as_many_tasks_are_counted_as_a_person_needs_to_know(
    campaign: Campaign, worker: Worker
) -> None:
    open_tasks(campaign, 120)
    (card,) = queries.campaigns_for(worker.person)
    assert card.open_tasks == 100
    assert card.more_than_counted


def test_my_answers_say_what_became_of_each_and_why(
    campaign: Campaign, people: Sequence[Worker]
) -> None:
    open_tasks(campaign)
    people[0].label(campaign, boxes(box(0)))
    (line,) = queries.answers_of(people[0].person).lines
    assert (line.state, line.earned, line.decided_at) == ("waiting", 0, None)
    assert line.reason == "Waiting for another person's answer."
    people[1].label(campaign, boxes(box(300)))
    people[2].label(campaign, boxes(box(4)))
    (mine,) = queries.answers_of(people[0].person).lines
    (theirs,) = queries.answers_of(people[1].person).lines
    assert (mine.state, mine.earned) == ("accepted", REWARD)
    assert mine.reason == "Another person gave the same answer."
    assert (theirs.state, theirs.earned, theirs.reward) == ("not_accepted", 0, REWARD)
    assert theirs.reason == "Other people agreed on another answer."


def test_my_answers_come_in_pages_of_constant_cost(
    campaign: Campaign, worker: Worker, django_assert_num_queries: Any
) -> None:
    open_tasks(campaign, 60)
    for _ in range(20):
        for one in worker.take(campaign, 3)["assignments"]:
            worker.answer(one, boxes())
    actions.cancel_open_tasks(campaign, NOW)
    with django_assert_num_queries(3):
        page = queries.answers_of(worker.person)
    assert len(page.lines) == 50
    assert {line.earned for line in page.lines} == {REWARD}
    rest = queries.answers_of(worker.person, before=page.next_before)
    assert (len(rest.lines), rest.next_before) == (10, None)


def test_an_unknown_status_is_refused(campaign: Campaign) -> None:
    with pytest.raises(WrongTransition):
        actions.set_campaign_status(campaign, "sold")
