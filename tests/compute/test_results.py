"""What becomes of an answer: recorded once, judged on its own, paid when confirmed."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from compute import actions
from compute.agent import protocol
from compute.models import Job, Lease, Result, Unit
from compute.signals import unit_decided
from rewards.models import Hold, HoldEnd, Transfer
from rewards.queries import ledger_problems
from tests.compute.net import (
    ESCROW,
    FEE,
    PRICE,
    box,
    boxes,
    earned,
    new_job,
    new_node,
    open_units,
)

pytestmark = pytest.mark.django_db
DOG = boxes(box())


def status_of(unit: Unit) -> str:
    return Unit.objects.get(pk=unit.pk).status


def test_two_operators_who_agree_are_both_paid_at_that_moment() -> None:
    job = new_job()
    (unit,) = open_units(job)
    one, two = new_node(), new_node()
    assert one.answer(one.claim(), DOG) == [protocol.RECORDED]
    assert (status_of(unit), earned(one.person)) == (Unit.Status.OPEN, 0)
    near = boxes(box(10.0001, score=0.9001))
    assert two.answer(two.claim(), near) == [protocol.RECORDED]
    unit.refresh_from_db()
    assert (unit.status, unit.output, unit.reexecuted) == ("final", DOG, False)
    assert (earned(one.person), earned(two.person)) == (PRICE, PRICE)
    job.account.refresh_from_db()
    job.fee_account.refresh_from_db()
    assert job.account.available == ESCROW - 2 * (PRICE + FEE)
    assert (job.account.held, job.fee_account.balance) == (0, 2 * FEE)
    paid = Transfer.objects.filter(group=f"unit:{unit.uuid}")
    assert sorted(paid.values_list("key", flat=True)) == sorted(
        f"result:{result.pk}{end}"
        for result in Result.objects.all()
        for end in ("", ":fee")
    )
    assert HoldEnd.objects.get().outcome == HoldEnd.Outcome.POST
    assert list(ledger_problems()) == []


def test_who_listens_is_told_after_the_commit(
    django_capture_on_commit_callbacks,
) -> None:
    told: list[int] = []

    def listen(unit_ids: list[int], **_kwargs: object) -> None:
        told.extend(unit_ids)

    unit_decided.connect(listen)
    try:
        (unit,) = open_units(new_job(replicas=1))
        node = new_node()
        with django_capture_on_commit_callbacks(execute=True):
            node.answer(node.claim(), DOG)
            assert told == []
    finally:
        unit_decided.disconnect(listen)
    assert told == [unit.pk]


def test_one_execution_is_enough_where_the_job_asks_for_one() -> None:
    (unit,) = open_units(new_job(replicas=1))
    node = new_node()
    node.answer(node.claim(), DOG)
    assert (status_of(unit), earned(node.person)) == (Unit.Status.FINAL, PRICE)


def test_nothing_seen_is_an_answer_too() -> None:
    (unit,) = open_units(new_job())
    for node in (new_node(), new_node()):
        node.answer(node.claim(), boxes())
    unit.refresh_from_db()
    assert (unit.status, unit.output) == (Unit.Status.FINAL, {"boxes": []})


def test_free_work_moves_no_money() -> None:
    (unit,) = open_units(new_job(price=0, fee=0))
    for node in (new_node(), new_node()):
        node.answer(node.claim(), DOG)
    assert status_of(unit) == Unit.Status.FINAL
    assert not Hold.objects.exists()


def test_the_same_result_again_is_acknowledged_again_and_paid_once() -> None:
    open_units(new_job())
    one, two = new_node(), new_node()
    leases = one.claim()
    assert one.answer(leases, DOG) == one.answer(leases, DOG) == [protocol.RECORDED]
    two.answer(two.claim(), DOG)
    assert one.answer(leases, boxes()) == [protocol.RECORDED]
    assert one.answer(leases * 2, DOG) == [protocol.RECORDED] * 2
    assert (earned(one.person), Result.objects.count()) == (PRICE, 2)


def test_a_result_twice_in_one_batch_counts_once() -> None:
    open_units(new_job())
    node = new_node()
    assert node.answer(node.claim() * 2, DOG) == [protocol.RECORDED] * 2
    assert Result.objects.count() == 1


@pytest.mark.parametrize(
    "output",
    [
        None,
        {},
        {"boxes": {}},
        boxes(box(score=float("nan"))),
        boxes(box(score=float("inf"))),
        boxes(box(score=10**400)),
        boxes(box(score="0.9")),
        boxes(box(score=True)),
        boxes(box(score=0.1)),
        boxes(box(**{"class": "unicorn"})),
        boxes(box(**{"class": ["dog"]})),
        boxes(box(x=-1.0)),
        boxes(box(x=600.0)),
        boxes(box(w=0.0)),
        boxes({"x": 1}),
        boxes(*[box()] * 501),
        {"boxes": ["dog"]},
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_a_bad_result_sets_aside_itself_only(output: object) -> None:
    open_units(new_job(), 2)
    node = new_node()
    bad, good = node.claim(2)
    reply = node.post(
        protocol.RESULTS,
        results=[
            {"lease": bad["lease"], "seconds": 0.1, "output": output},
            {"lease": good["lease"], "seconds": 0.1, "output": DOG},
        ],
    )
    states = [item["state"] for item in reply.body["acknowledgements"]]
    assert states == [protocol.INVALID, protocol.RECORDED]
    assert reply.body["acknowledgements"][0]["reason"]
    assert node.answer([bad], DOG) == [protocol.INVALID]
    rows = Result.objects.order_by("id").values_list("error", "accepted")
    assert list(rows) == [(protocol.INVALID_OUTPUT, False), ("", None)]


@pytest.mark.parametrize("change", [{"seconds": -1}, {"seconds": "x"}, {"error": "?"}])
def test_a_result_of_a_wrong_form_sets_aside_itself_only(change: dict) -> None:
    open_units(new_job())
    node = new_node()
    assert node.answer(node.claim(), DOG, **change) == [protocol.INVALID]


def test_a_foreign_or_invented_lease_is_unknown() -> None:
    open_units(new_job())
    node, other = new_node(), new_node()
    leases = node.claim()
    assert other.answer(leases, DOG) == [protocol.UNKNOWN]
    assert node.answer([{"lease": "7"}, {"lease": None}], DOG) == [protocol.UNKNOWN] * 2
    assert not Result.objects.exists()


def test_a_late_result_counts_while_the_unit_has_room() -> None:
    (unit,) = open_units(new_job())
    slow, other = new_node(), new_node()
    leases = slow.claim()
    actions.expire_leases(timezone.now() + timedelta(seconds=61))
    assert slow.answer(leases, DOG) == [protocol.RECORDED]
    assert slow.answer(leases, DOG) == [protocol.RECORDED]
    other.answer(other.claim(), DOG)
    assert (status_of(unit), earned(slow.person)) == (Unit.Status.FINAL, PRICE)


def test_a_late_result_for_a_decided_unit_is_too_late() -> None:
    open_units(new_job(replicas=1))
    slow, other = new_node(), new_node()
    leases = slow.claim()
    actions.expire_leases(timezone.now() + timedelta(seconds=61))
    other.answer(other.claim(), DOG)
    assert slow.answer(leases, DOG) == [protocol.TOO_LATE] == slow.answer(leases, DOG)
    assert earned(slow.person) == 0


def test_a_late_result_does_not_take_the_place_of_a_running_lease() -> None:
    (unit,) = open_units(new_job(replicas=1))
    slow, other = new_node(), new_node()
    leases = slow.claim()
    actions.expire_leases(timezone.now() + timedelta(seconds=61))
    running = other.claim()
    assert slow.answer(leases, DOG) == [protocol.TOO_LATE]
    assert other.answer(running, DOG) == [protocol.RECORDED]
    assert status_of(unit) == Unit.Status.FINAL


def test_a_late_result_of_a_person_who_has_the_unit_again_is_too_late() -> None:
    open_units(new_job())
    node = new_node()
    late = node.claim()
    actions.expire_leases(timezone.now() + timedelta(seconds=61))
    again = node.claim()
    assert node.answer(late, DOG) == [protocol.TOO_LATE]
    assert node.answer(again, DOG) == [protocol.RECORDED]


def test_an_execution_that_failed_is_done_by_another() -> None:
    (unit,) = open_units(new_job())
    broken, one, two = new_node(), new_node(), new_node()
    broken.answer(broken.claim(), None, error=protocol.BAD_INPUT)
    assert broken.claim() == []
    for node in (one, two):
        node.answer(node.claim(), DOG)
    assert status_of(unit) == Unit.Status.FINAL
    assert [earned(node.person) for node in (broken, one, two)] == [0, PRICE, PRICE]


def test_two_executions_that_failed_make_the_unit_ours_to_execute() -> None:
    (unit,) = open_units(new_job())
    for node in (new_node(), new_node()):
        node.answer(node.claim(), None, error=protocol.MODEL_FAILED)
    assert status_of(unit) == Unit.Status.DISPUTED
    assert new_node().claim() == []


def test_a_batch_is_bounded() -> None:
    node = new_node()
    reply = node.post(protocol.RESULTS, results=[{}] * (protocol.BATCH_MAX + 1))
    assert (reply.status, reply.code) == (400, "malformed")


def test_cancelling_frees_the_money_of_what_nobody_works_on() -> None:
    job = new_job()
    untouched, running = open_units(job, 2)
    node = new_node()
    actions.cancel_open_units(job, timezone.now())  # an active job may be trimmed
    assert status_of(untouched) == Unit.Status.CANCELLED
    job.account.refresh_from_db()
    assert job.account.held == 0
    assert (status_of(running), node.claim()) == (Unit.Status.CANCELLED, [])


def test_a_closing_job_ends_when_its_last_lease_ends() -> None:
    job = new_job()
    (unit,) = open_units(job)
    new_node().claim()
    actions.set_job_status(job, Job.Status.CLOSING)
    assert actions.cancel_open_units(job, timezone.now()) == 0
    actions.expire_leases(timezone.now() + timedelta(seconds=61))
    assert status_of(unit) == Unit.Status.CANCELLED
    assert Lease.objects.get().status == Lease.Status.EXPIRED
    actions.set_job_status(job, Job.Status.CLOSED)
    job.account.refresh_from_db()
    assert (job.account.held, job.account.balance) == (0, ESCROW)


def test_a_closing_job_still_owes_the_work_that_was_done() -> None:
    job = new_job()
    (unit,) = open_units(job)
    node = new_node()
    node.answer(node.claim(), DOG)
    actions.set_job_status(job, Job.Status.CLOSING)
    actions.cancel_open_units(job, timezone.now())
    assert status_of(unit) == Unit.Status.DISPUTED
