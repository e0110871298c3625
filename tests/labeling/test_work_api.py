"""The work API: who is given what, what a submit needs, what is refused and why."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import actions as accounts_actions
from labeling import actions
from labeling.models import Answer, Assignment, Campaign, Task
from rewards.queries import ledger_problems
from tests.labeling.crew import (
    FEE,
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
LATER = timedelta(seconds=settings.ASSIGNMENT_SECONDS + 1)


def code(reply: Any) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


def expire_now() -> None:
    actions.expire_assignments(now=timezone.now() + LATER)


def test_an_assignment_carries_all_that_the_page_needs(
    campaign: Campaign, worker: Worker
) -> None:
    proposal = boxes(box(5) | {"score": 0.8})
    (task,) = open_tasks(campaign, proposal=proposal, proposer="model:ab")
    given = worker.take_one(campaign)
    assert given["task"]["uuid"] == str(task.uuid)
    (picture,) = given["task"]["inputs"]
    assert picture.pop("url").startswith("/blobs/")
    assert picture == {"width": 640, "height": 480, "name": "0.jpg"}
    assert given["task"]["proposal"] == proposal
    assert given["reward"] == "0.01"
    assert given["question"] == campaign.question
    assert given["task_type"] == "boxes"
    assert {"uuid", "token", "expires_at"} <= set(given)


def test_two_who_agree_settle_a_task_and_are_paid_exactly(
    campaign: Campaign, task: Task, people: Sequence[Worker]
) -> None:
    first, second, *_ = people
    before = balance(campaign.account)
    assert first.label(campaign, boxes(box(10)))["state"] == "waiting"
    assert held(campaign.account) == 3 * (REWARD + FEE)
    assert second.label(campaign, boxes(box(14)))["state"] == "accepted"
    task.refresh_from_db()
    assert task.status == Task.Status.SETTLED
    assert task.verdict_set.get().content == boxes(box(12.0))
    assert (first.earned, second.earned) == (REWARD, REWARD)
    assert balance(campaign.account) == before - 2 * (REWARD + FEE)
    assert balance(campaign.fee_account) == 2 * FEE
    assert held(campaign.account) == 0
    assert not list(ledger_problems())


def test_a_third_is_asked_when_two_disagree_and_only_who_is_right_is_paid(
    campaign: Campaign, task: Task, people: Sequence[Worker]
) -> None:
    first, second, third, fourth = people
    first.label(campaign, boxes(box(10)))
    assert second.label(campaign, boxes(box(300)))["state"] == "waiting"
    task.refresh_from_db()
    assert task.free == 1
    assert third.label(campaign, boxes(box(12)))["state"] == "accepted"
    assert [one.earned for one in people] == [REWARD, 0, REWARD, 0]
    assert fourth.take(campaign) == {"assignments": [], "reason": "all_done"}


def test_three_who_disagree_send_it_to_a_reviewer_and_nobody_else_is_asked(
    campaign: Campaign, disputed: Task, people: Sequence[Worker]
) -> None:
    assert disputed.status == Task.Status.ESCALATED
    assert people[3].take(campaign)["reason"] == "all_done"
    assert held(campaign.account) == 3 * (REWARD + FEE)


def test_nothing_here_is_agreed_upon_like_any_answer(
    campaign: Campaign, task: Task, people: Sequence[Worker]
) -> None:
    people[0].label(campaign, boxes())
    assert people[1].label(campaign, boxes())["state"] == "accepted"


def test_a_choice_is_settled_by_two_who_chose_the_same(
    people: Sequence[Worker],
) -> None:
    campaign = open_campaign(task_type="single_choice")
    (task,) = open_tasks(campaign, proposal={"label": "dog", "score": 0.7})
    people[0].label(campaign, {"label": "cat"})
    assert people[1].label(campaign, {"label": "cat"})["state"] == "accepted"
    assert task.verdict_set.get().content == {"label": "cat"}


def test_a_person_never_sees_a_task_twice(
    campaign: Campaign, task: Task, worker: Worker
) -> None:
    given = worker.take_one(campaign)
    assert worker.take(campaign) == {"assignments": [], "reason": "all_done"}
    assert worker.send(given, "skip").status_code == 204
    assert worker.take(campaign)["assignments"] == []


def test_a_page_loaded_again_gets_back_what_it_held(
    campaign: Campaign, worker: Worker
) -> None:
    open_tasks(campaign, 5)
    first = worker.take(campaign, 2)["assignments"]
    again = worker.take(campaign, 3, held=[])["assignments"]
    assert [one["uuid"] for one in again[:2]] == [one["uuid"] for one in first]
    assert again[0]["token"] == first[0]["token"]
    assert len({one["task"]["uuid"] for one in again}) == 3
    known = [one["uuid"] for one in again]
    (more,) = worker.take(campaign, 1, held=known)["assignments"]
    assert more["uuid"] not in known


def test_nobody_can_hoard_tasks(campaign: Campaign, worker: Worker) -> None:
    open_tasks(campaign, 12)
    for _ in range(4):
        worker.take(campaign, 3)
    assert Assignment.objects.count() == 6


def test_people_who_come_together_get_different_tasks(
    campaign: Campaign, people: Sequence[Worker]
) -> None:
    open_tasks(campaign, 8)
    given = [
        one["task"]["uuid"]
        for person in people
        for one in person.take(campaign, 2)["assignments"]
    ]
    assert len(set(given)) == 8


def test_without_evidence_nobody_is_given_work(campaign: Campaign, task: Task) -> None:
    unknown = new_worker(level=0)
    assert unknown.take(campaign)["error"]["code"] == "evidence_needed"
    assert not Assignment.objects.exists()


def test_nobody_labels_for_their_own_organization(worker: Worker) -> None:
    organization = accounts_actions.create_organization(worker.person, name="Acme")
    campaign = open_campaign(tenant=str(organization.uuid))
    open_tasks(campaign)
    assert worker.take(campaign)["error"]["code"] == "own_organization"
    assert worker.browser.get("/api/v1/work/campaigns/").json() == {"campaigns": []}


def test_a_visitor_and_an_api_key_are_refused(campaign: Campaign, task: Task) -> None:
    url = f"/api/v1/work/campaigns/{campaign.uuid}/assignments/"
    assert code(Client().post(url)) == (403, "not_authenticated")
    owner = new_worker()
    organization = accounts_actions.create_organization(owner.person, name="Acme")
    _key, secret = accounts_actions.create_api_key(
        organization, owner.person, name="key"
    )
    reply = Client().post(url, headers={"authorization": f"Bearer {secret}"})
    assert code(reply) == (403, "not_authenticated")


def test_a_post_without_the_csrf_token_is_refused(
    campaign: Campaign, task: Task, worker: Worker
) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(worker.user)
    url = f"/api/v1/work/campaigns/{campaign.uuid}/assignments/"
    assert strict.post(url).status_code == 403


@pytest.mark.parametrize("count", [0, 4, "many", None])
def test_only_one_to_three_tasks_are_given_at_once(
    campaign: Campaign, worker: Worker, count: Any
) -> None:
    assert worker.take(campaign, count)["error"]["code"] == "invalid"


def test_an_unknown_campaign_is_not_found(worker: Worker) -> None:
    url = f"/api/v1/work/campaigns/{uuid.uuid4()}/assignments/"
    reply = worker.browser.post(url, {}, content_type="application/json")
    assert code(reply) == (404, "not_found")


def test_a_paused_campaign_gives_no_work_but_takes_what_is_open(
    campaign: Campaign, task: Task, people: Sequence[Worker]
) -> None:
    given = people[0].take_one(campaign)
    actions.set_campaign_status(campaign, Campaign.Status.PAUSED)
    assert people[1].take(campaign) == {"assignments": [], "reason": "paused"}
    assert people[0].answer(given, boxes()).status_code == 200


def test_work_that_others_hold_is_no_work_for_now(
    campaign: Campaign, task: Task, people: Sequence[Worker]
) -> None:
    people[0].take_one(campaign)
    people[1].take_one(campaign)
    assert people[2].take(campaign) == {"assignments": [], "reason": "no_work"}


# --- What a submit needs --------------------------------------------------------------


def test_the_same_submit_again_gets_the_same_reply(
    campaign: Campaign, task: Task, people: Sequence[Worker]
) -> None:
    given = people[0].take_one(campaign)
    first = people[0].answer(given, boxes(box(1)), "key-1")
    again = people[0].answer(given, boxes(box(1)), "key-1")
    assert (first.status_code, first.json()) == (200, again.json())
    people[1].label(campaign, boxes(box(1)))
    settled = people[0].answer(given, boxes(box(1)), "key-1").json()
    assert settled == first.json() | {"state": "accepted"}
    assert Answer.objects.count() == 2
    assert people[0].earned == REWARD


def test_a_second_answer_under_another_key_is_refused(
    campaign: Campaign, task: Task, worker: Worker
) -> None:
    given = worker.take_one(campaign)
    worker.answer(given, boxes(box(1)))
    assert code(worker.answer(given, boxes())) == (409, "already_answered")
    assert Answer.objects.get().content == boxes(box(1))


def test_a_wrong_token_is_refused_with_a_reason(
    campaign: Campaign, task: Task, worker: Worker
) -> None:
    given = worker.take_one(campaign)
    for token in ("x", "ключ", "x" * 43):
        refused = worker.answer(given | {"token": token}, boxes())
        assert code(refused) == (400, "wrong_token")
    assert code(worker.send(given | {"token": "x"}, "skip")) == (400, "wrong_token")
    assert not Answer.objects.exists()


def test_a_foreign_submit_is_refused_even_with_the_token(
    campaign: Campaign, task: Task, people: Sequence[Worker]
) -> None:
    given = people[0].take_one(campaign)
    assert code(people[1].answer(given, boxes())) == (403, "not_your_assignment")
    assert code(people[1].send(given, "skip")) == (403, "not_your_assignment")
    report = people[1].send(given, "report", reason="broken")
    assert code(report) == (403, "not_your_assignment")


def test_an_unknown_assignment_is_not_found(worker: Worker) -> None:
    gone = {"uuid": uuid.uuid4(), "token": "x"}
    assert code(worker.answer(gone, boxes())) == (404, "not_found")


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (boxes(box(1, "zebra")), "boxes.0.label"),
        (boxes(box(9999)), "boxes.0.x"),
        ({"boxes": [], "more": 1}, "more"),
        ([], ""),
        ("dog", ""),
    ],
)
def test_a_malformed_answer_names_the_field(
    campaign: Campaign, task: Task, worker: Worker, content: Any, field: str
) -> None:
    given = worker.take_one(campaign)
    refused = worker.answer(given, content)
    assert code(refused) == (400, "invalid")
    assert list(refused.json()["error"]["fields"]) == [field]
    assert worker.answer(given, boxes()).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": -1},
        {"seconds": "NaN"},
        {"seconds": "Infinity"},
        {"seconds": 1e9},
        {"idempotency_key": ""},
        {"idempotency_key": "k" * 65},
        {"content": None},
        {"token": None},
    ],
)
def test_a_submit_with_a_bad_field_is_refused(
    campaign: Campaign, task: Task, worker: Worker, change: dict[str, Any]
) -> None:
    given = worker.take_one(campaign)
    body = {"content": boxes(), "idempotency_key": "k", "seconds": 1} | change
    refused = worker.send(given, "answer", **body)
    assert code(refused) == (400, "invalid")
    assert list(refused.json()["error"]["fields"]) == list(change)


def test_a_body_that_is_not_json_is_refused(
    campaign: Campaign, task: Task, worker: Worker
) -> None:
    given = worker.take_one(campaign)
    url = f"/api/v1/work/assignments/{given['uuid']}/answer/"
    for body in ("{", '{"content": NaN}', '["a"]'):
        reply = worker.browser.post(url, body, content_type="application/json")
        assert reply.status_code == 400


def test_an_answer_after_its_time_counts_while_the_task_needs_it(
    campaign: Campaign, task: Task, people: Sequence[Worker]
) -> None:
    given = people[0].take_one(campaign)
    expire_now()
    assert Assignment.objects.get().status == Assignment.Status.EXPIRED
    assert people[0].answer(given, boxes()).json()["state"] == "waiting"
    task.refresh_from_db()
    assert task.free == 1


def test_an_answer_after_its_time_is_refused_when_others_have_the_task(
    campaign: Campaign, task: Task, people: Sequence[Worker]
) -> None:
    given = people[0].take_one(campaign)
    expire_now()
    people[1].take_one(campaign)
    people[2].take_one(campaign)
    assert code(people[0].answer(given, boxes())) == (409, "lease_expired")
    assert code(people[0].send(given, "skip")) == (409, "lease_expired")


def test_an_answer_to_a_settled_task_is_refused(
    campaign: Campaign, task: Task, people: Sequence[Worker]
) -> None:
    given = people[0].take_one(campaign)
    expire_now()
    people[1].label(campaign, boxes())
    people[2].label(campaign, boxes())
    assert code(people[0].answer(given, boxes())) == (409, "task_decided")
    assert people[0].earned == 0


def test_an_assignment_past_its_time_that_nobody_took_back_still_counts(
    campaign: Campaign, task: Task, worker: Worker
) -> None:
    given = worker.take_one(campaign)
    with time_machine.travel(timezone.now() + LATER, tick=False):
        worker.browser.force_login(worker.user)
        assert worker.answer(given, boxes()).status_code == 200


def test_a_skipped_task_cannot_be_answered_and_is_free_for_another(
    campaign: Campaign, task: Task, people: Sequence[Worker]
) -> None:
    given = people[0].take_one(campaign)
    assert people[0].send(given, "skip").status_code == 204
    assert people[0].send(given, "skip").status_code == 204
    assert code(people[0].answer(given, boxes())) == (409, "already_skipped")
    task.refresh_from_db()
    assert task.free == 2


def test_an_answered_task_cannot_be_skipped(
    campaign: Campaign, task: Task, worker: Worker
) -> None:
    given = worker.take_one(campaign)
    worker.answer(given, boxes())
    assert code(worker.send(given, "skip")) == (409, "already_answered")


def test_two_reports_send_a_task_to_a_reviewer(
    campaign: Campaign, task: Task, people: Sequence[Worker]
) -> None:
    first, second, third, fourth = people
    running = first.take_one(campaign)
    told = second.take_one(campaign)
    assert second.send(told, "report", reason="broken").status_code == 204
    assert second.send(told, "report", reason="broken").status_code == 204
    task.refresh_from_db()
    assert (task.status, task.free) == (Task.Status.OPEN, 1)
    again = third.send(third.take_one(campaign), "report", reason="private", note="x")
    assert again.status_code == 204
    task.refresh_from_db()
    assert (task.status, task.free) == (Task.Status.ESCALATED, 0)
    assert first.answer(running, boxes()).json()["state"] == "waiting"
    assert fourth.take(campaign)["assignments"] == []


def test_a_report_needs_a_known_reason(
    campaign: Campaign, task: Task, worker: Worker
) -> None:
    given = worker.take_one(campaign)
    assert code(worker.send(given, "report", reason="boring")) == (400, "invalid")


# --- What it costs --------------------------------------------------------------------


NEXT_QUERIES, SUBMIT_QUERIES, SETTLE_QUERIES = 12, 12, 21


def test_the_queries_of_next_and_submit_do_not_grow(
    campaign: Campaign, people: Sequence[Worker], django_assert_num_queries: Any
) -> None:
    open_tasks(campaign)
    for one in people[:2]:  # the first pay opens their accounts
        one.label(campaign, boxes())
    for tasks in (1, 60):
        open_tasks(campaign, tasks)
        content = boxes(*[box(float(number)) for number in range(tasks)])
        with django_assert_num_queries(NEXT_QUERIES):
            given = people[0].take_one(campaign)
        with django_assert_num_queries(SUBMIT_QUERIES):
            people[0].answer(given, content)
        Task.objects.exclude(uuid=given["task"]["uuid"]).update(free=0)
        same = people[1].take_one(campaign)
        # Where the database posts by itself, a settlement pays in one statement.
        paying = 16 if connection.vendor == "postgresql" else SETTLE_QUERIES
        with django_assert_num_queries(paying):
            reply = people[1].answer(same, content)
        assert reply.json()["state"] == "accepted"
