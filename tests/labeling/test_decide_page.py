"""The reviewer's page in the admin: what it shows, takes and refuses."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from accounts import actions as accounts_actions
from labeling.models import Campaign, Task
from tests.labeling.crew import (
    REWARD,
    Worker,
    box,
    boxes,
    new_worker,
    open_campaign,
    open_tasks,
)
from tests.staff import enter

pytestmark = pytest.mark.django_db


@pytest.fixture
def reviewer() -> Worker:
    worker = new_worker(is_staff=True)
    for name in ("view_task", "change_task"):
        worker.user.user_permissions.add(Permission.objects.get(codename=name))
    return worker


def url(task: Task) -> str:
    return f"/admin/labeling/task/{task.pk}/decide/"


def decide(worker: Worker, task: Task, **body: Any) -> Any:
    return worker.browser.post(url(task), body)


def test_the_page_shows_every_answer_the_proposal_and_no_names(
    campaign: Campaign, people: Sequence[Worker], reviewer: Worker
) -> None:
    (task,) = open_tasks(campaign, proposal=boxes(box(9.5) | {"score": 0.9}))
    for x, one in zip((0, 200, 400), people, strict=False):
        one.label(campaign, boxes(box(float(x))))
    page = reviewer.browser.get(url(task)).content.decode()
    for words in ("Answer A", "Answer B", "Answer C", "The model&#x27;s proposal"):
        assert words in page
    assert page.count("<rect") == 4
    assert 'x="9.5"' in page
    assert "/blobs/" in page
    assert campaign.question["instructions"] in page
    assert not any(str(one.person) in page for one in people)


def test_the_page_shows_what_people_reported(
    campaign: Campaign, task: Task, people: Sequence[Worker], reviewer: Worker
) -> None:
    for one in people[:2]:
        given = one.take_one(campaign)
        one.send(given, "report", reason="private", note="<b>a face</b>")
    page = reviewer.browser.get(url(task)).content.decode()
    assert "it shows private or personal data" in page
    assert "&lt;b&gt;a face&lt;/b&gt;" in page


def test_a_chosen_answer_becomes_the_label_and_pays_its_person(
    disputed: Task, people: Sequence[Worker], reviewer: Worker
) -> None:
    second = disputed.answer_set.order_by("id")[1]
    reply = decide(reviewer, disputed, decision=f"answer:{second.uuid}")
    assert reply.url == reverse("admin:labeling_task_decide_next")
    assert disputed.verdict_set.get().content == second.content
    assert [one.earned for one in people[:3]] == [0, REWARD, 0]


@pytest.mark.parametrize(
    ("choice", "content"),
    [
        ({"decision": "nothing"}, boxes()),
        (
            {"decision": "own", "own": json.dumps(boxes(box(7.0, "cat")))},
            boxes(box(7.0, "cat")),
        ),
    ],
)
def test_a_reviewer_may_decide_otherwise(
    disputed: Task, reviewer: Worker, choice: dict[str, str], content: Any
) -> None:
    assert decide(reviewer, disputed, **choice).status_code == 302
    assert disputed.verdict_set.get().content == content


def test_the_proposal_can_be_taken(
    campaign: Campaign, people: Sequence[Worker], reviewer: Worker
) -> None:
    (task,) = open_tasks(campaign, proposal=boxes(box(9.5) | {"score": 0.9}))
    for x, one in zip((0, 200, 400), people, strict=False):
        one.label(campaign, boxes(box(float(x))))
    decide(reviewer, task, decision="proposal")
    assert task.verdict_set.get().content == boxes(box(9.5))
    assert people[0].earned == REWARD


def test_a_choice_is_decided_by_its_label(
    people: Sequence[Worker], reviewer: Worker
) -> None:
    campaign = open_campaign(task_type="single_choice", max_answers=2)
    (task,) = open_tasks(campaign)
    people[0].label(campaign, {"label": "cat"})
    people[1].label(campaign, {"label": "dog"})
    assert "Answer B" in reviewer.browser.get(url(task)).content.decode()
    decide(reviewer, task, decision="label:dog")
    assert (people[0].earned, people[1].earned) == (0, REWARD)


def test_a_picture_can_be_rejected(
    disputed: Task, people: Sequence[Worker], reviewer: Worker
) -> None:
    assert decide(reviewer, disputed, reject="1").status_code == 302
    disputed.refresh_from_db()
    assert disputed.status == Task.Status.CANCELLED
    assert [one.earned for one in people[:3]] == [REWARD] * 3


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({}, "Choose what is right first."),
        ({"decision": "answer:nobody"}, "is not one of the available choices"),
        ({"decision": "own", "own": "{"}, "an object with named fields"),
        (
            {"decision": "own", "own": json.dumps(boxes(box(1.0, "zebra")))},
            "is not a label of this project",
        ),
    ],
)
def test_what_cannot_be_decided_is_said_on_the_page(
    disputed: Task, reviewer: Worker, choice: dict[str, str], words: str
) -> None:
    reply = decide(reviewer, disputed, **choice)
    assert reply.status_code == 200
    assert words in reply.content.decode()
    assert not disputed.verdict_set.exists()


def test_conflicts_of_interest_are_refused_on_the_page(
    disputed: Task, people: Sequence[Worker]
) -> None:
    own = people[0]
    own.user.is_staff = own.user.is_superuser = True
    own.user.save()
    enter(own.browser, own.user)
    assert (
        "answered this task yourself"
        in decide(own, disputed, decision="nothing").content.decode()
    )
    organization = accounts_actions.create_organization(own.person, name="Acme")
    campaign = open_campaign(tenant=str(organization.uuid))
    (task,) = open_tasks(campaign)
    for one in people[1:3]:
        one.send(one.take_one(campaign), "report", reason="broken")
    reply = decide(own, task, reject="1")
    assert "your own organization" in reply.content.decode()
    queue = own.browser.get(reverse("admin:labeling_task_decide_next"))
    assert "status__exact=escalated" in queue.url


def test_the_queue_leads_to_the_oldest_task_that_waits(
    disputed: Task, reviewer: Worker
) -> None:
    queue = reverse("admin:labeling_task_decide_next")
    assert reviewer.browser.get(queue).url == url(disputed)
    decide(reviewer, disputed, decision="nothing")
    assert "changelist" not in reviewer.browser.get(queue).url
    assert reviewer.browser.get(url(disputed)).status_code == 404


def test_only_staff_with_the_permission_decide(disputed: Task, worker: Worker) -> None:
    assert worker.browser.get(url(disputed)).status_code == 403
    staff = new_worker(is_staff=True)
    assert staff.browser.get(url(disputed)).status_code == 403
    assert decide(staff, disputed, reject="1").status_code == 403


@pytest.mark.parametrize(
    "model",
    [
        "campaign",
        "task",
        "assignment",
        "answer",
        "verdict",
        "answerdecision",
        "report",
    ],
)
def test_every_list_opens_and_nothing_can_be_added_or_changed(
    disputed: Task, model: str
) -> None:
    staff = new_worker(is_staff=True, is_superuser=True)
    lists = f"/admin/labeling/{model}/"
    assert staff.browser.get(lists).status_code == 200
    assert staff.browser.get(f"{lists}add/").status_code == 403
    assert staff.browser.get(f"{lists}1/delete/").status_code in {302, 403}


def test_staff_find_disputed_tasks_and_never_see_a_token(disputed: Task) -> None:
    staff = new_worker(is_staff=True, is_superuser=True)
    page = staff.browser.get("/admin/labeling/task/?status__exact=escalated")
    assert url(disputed) in page.content.decode()
    assignment = disputed.assignment_set.first()
    assert assignment
    shown = staff.browser.get(f"/admin/labeling/assignment/{assignment.pk}/change/")
    assert shown.status_code == 200
    assert assignment.token not in shown.content.decode()
