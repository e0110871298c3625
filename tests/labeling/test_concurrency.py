"""Many people at once, who skip, repeat, come late: nothing is lost or doubled."""

import random
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Count
from rest_framework.exceptions import APIException

from accounts.models import Person
from labeling import actions, queries
from labeling.actions.assignments import HELD_MAX
from labeling.models import Answer, AnswerDecision, Assignment, Campaign, Task
from rewards.models import Account, Transfer
from rewards.queries import ledger_problems
from tests.labeling.crew import (
    FEE,
    NOW,
    REWARD,
    box,
    boxes,
    new_user,
    open_campaign,
    open_tasks,
)

pytestmark = pytest.mark.django_db(transaction=True)
THREADS, TURNS, TASKS, PEOPLE = 16, 14, 24, 10
EXPECTED = {
    "already_answered",
    "already_skipped",
    "lease_expired",
    "task_decided",
    "not_your_assignment",
    "wrong_token",
}


class Crowd:
    """One thread's people: takes, answers, repeats, skips, lets time run out."""

    def __init__(self, seed: int, campaign: Campaign, people: list[Person]) -> None:
        self.chance = random.Random(seed)
        self.campaign, self.people = campaign, people
        self.kept: list[tuple[Assignment, Person, dict[str, Any]]] = []
        self.receipts: list[uuid.UUID] = []
        self.surprises: list[str] = []
        self.now = NOW

    def work(self) -> "Crowd":
        try:
            for _ in range(TURNS):
                self.now += timedelta(seconds=self.chance.choice([1, 5, 300]))
                try:
                    self._turn()
                except APIException as refused:
                    if refused.get_codes() not in EXPECTED:
                        self.surprises.append(str(refused.get_codes()))
        finally:
            connection.close()
        return self

    def _turn(self) -> None:
        person = self.chance.choice(self.people)
        count = self.chance.randint(1, 3)
        for one in actions.assign(person, self.campaign, count=count, now=self.now):
            self._use(one, person)
        if self.chance.random() < 0.4:
            actions.expire_assignments(now=self.now)
        if self.kept and self.chance.random() < 0.6:
            late, owner, said = self.chance.choice(self.kept)
            self._submit(late, owner, said)

    def _use(self, one: Assignment, person: Person) -> None:
        said = {
            "content": boxes(box(self.chance.choice([0, 5, 200, 400]))),
            "idempotency_key": str(self.chance.random()),
        }
        fate = self.chance.random()
        if fate < 0.15:
            actions.skip(one, person, token=one.token)
        elif fate < 0.4:
            self.kept.append((one, person, said))  # late, or never
        else:
            self._submit(one, person, said)
            if fate > 0.8:
                self.kept.append((one, person, said))  # sent again later

    def _submit(self, one: Assignment, person: Person, said: dict[str, Any]) -> None:
        stored = queries.assignment_with_task(one.uuid)
        receipt = actions.submit(
            stored, person, token=one.token, seconds=1.0, now=self.now, **said
        )
        self.receipts.append(receipt.answer.uuid)


def test_nothing_is_lost_doubled_or_asked_too_often() -> None:
    campaign = open_campaign()
    open_tasks(campaign, TASKS)
    people = [new_user().person for _ in range(PEOPLE)]
    crowds = [Crowd(seed, campaign, people) for seed in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        done = list(pool.map(Crowd.work, crowds))
    assert [crowd.surprises for crowd in done] == [[]] * THREADS
    received = {one for crowd in done for one in crowd.receipts}
    assert received == set(Answer.objects.values_list("uuid", flat=True))
    _check_no_task_was_asked_too_often(campaign)
    _check_money(campaign)
    assert not list(ledger_problems())


def _check_no_task_was_asked_too_often(campaign: Campaign) -> None:
    answers = Counter(Answer.objects.values_list("task_id", flat=True))
    running = Counter(
        Assignment.objects.filter(status=Assignment.Status.ACTIVE).values_list(
            "task_id", flat=True
        )
    )
    statuses = Counter[str]()
    for task in Task.objects.all():
        statuses[task.status] += 1
        asked = answers[task.pk] + running[task.pk] + task.free
        assert asked <= campaign.max_answers
        if task.status == Task.Status.OPEN:
            assert asked >= campaign.agreeing
            assert task.free + running[task.pk] >= 1, "nobody would ever finish it"
    assert statuses[Task.Status.SETTLED] > 0
    assert statuses[Task.Status.ESCALATED] > 0


def _check_money(campaign: Campaign) -> None:
    decided = AnswerDecision.objects.values("answer").annotate(times=Count("pk"))
    assert {row["times"] for row in decided} == {1}
    accepted = AnswerDecision.objects.filter(accepted=True).count()
    paid = Transfer.objects.filter(kind=Transfer.Kind.ANSWER)
    assert paid.count() == accepted
    assert {row.amount for row in paid} == {REWARD}
    escrow = Account.objects.get(pk=campaign.account_id)
    assert escrow.balance == 100_000_000 - accepted * (REWARD + FEE)
    undecided = queries.open_task_count(campaign)
    assert escrow.held == undecided * 3 * (REWARD + FEE)


def test_one_person_with_many_tabs_gets_each_task_once_and_no_hoard() -> None:
    campaign = open_campaign()
    open_tasks(campaign, 30)
    person = new_user().person

    def take(_turn: int) -> list[int]:
        try:
            given = actions.assign(person, campaign, count=3, now=NOW)
            return [one.task_id for one in given]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        given = [task for tasks in pool.map(take, range(8)) for task in tasks]
    assert len(set(given)) == len(given) == HELD_MAX


def test_one_submit_sent_by_many_threads_is_one_answer_paid_once() -> None:
    campaign = open_campaign()
    open_tasks(campaign)
    first, second = new_user().person, new_user().person
    (theirs,) = actions.assign(first, campaign, count=1, now=NOW)
    (mine,) = actions.assign(second, campaign, count=1, now=NOW)
    _send(theirs, first, NOW)

    def send(_turn: int) -> str:
        try:
            return _send(mine, second, NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        states = list(pool.map(send, range(8)))
    assert states == ["accepted"] * 8
    assert Answer.objects.count() == 2
    assert Transfer.objects.filter(kind=Transfer.Kind.ANSWER).count() == 2


def _send(assignment: Assignment, person: Person, now: datetime) -> str:
    return actions.submit(
        queries.assignment_with_task(assignment.uuid),
        person,
        token=assignment.token,
        content=boxes(),
        idempotency_key="once",
        seconds=1.0,
        now=now,
    ).state


def test_closing_while_people_work_leaves_no_task_and_no_hold_behind() -> None:
    campaign = open_campaign()
    open_tasks(campaign, TASKS)
    people = [new_user().person for _ in range(PEOPLE)]
    crowds = [Crowd(seed, campaign, people) for seed in range(7)]

    def close(_crowd: None) -> None:
        try:
            actions.set_campaign_status(campaign, Campaign.Status.CLOSING)
            actions.cancel_open_tasks(campaign, NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        working = [pool.submit(Crowd.work, crowd) for crowd in crowds]
        pool.submit(close, None).result()
        assert [done.result().surprises for done in working] == [[]] * 7
    after = NOW + timedelta(seconds=10 * settings.ASSIGNMENT_SECONDS)
    actions.expire_assignments(now=after)
    actions.cancel_open_tasks(campaign, after)
    judge = new_user().person
    for task in Task.objects.filter(status=Task.Status.ESCALATED):
        actions.reject_task(task, judge, after)
    actions.set_campaign_status(campaign, Campaign.Status.CLOSED)
    assert Account.objects.get(pk=campaign.account_id).held == 0
    accepted = AnswerDecision.objects.filter(accepted=True).count()
    assert Transfer.objects.filter(kind=Transfer.Kind.ANSWER).count() == accepted
    assert not list(ledger_problems())
