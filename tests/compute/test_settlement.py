"""Nodes that differ are settled by our own execution, which decides who is paid."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from compute import actions, queries, reexecution
from compute.agent import protocol
from compute.agent.inference import Model as RunningModel
from compute.models import Job, Unit
from rewards.models import HoldEnd
from rewards.queries import ledger_problems
from tests.compute.net import (
    ESCROW,
    FEE,
    PHOTOS,
    PRICE,
    box,
    boxes,
    earned,
    new_job,
    new_node,
    open_units,
    real_model,
    stored,
)

pytestmark = pytest.mark.django_db
DOG = boxes(box())


@pytest.fixture
def says(monkeypatch) -> Callable[..., list[int]]:
    """Let our own execution end in given outcomes; count how often it is asked."""

    def install(*outcomes: Any) -> list[int]:
        asked: list[int] = []

        def run(*, inputs: list[Any], **_order: object) -> list[reexecution.Outcome]:
            asked.append(len(inputs))
            outcome = outcomes[min(len(asked), len(outcomes)) - 1]
            if isinstance(outcome, Exception):
                raise outcome
            return [outcome] * len(inputs)

        monkeypatch.setattr(reexecution, "run", run)
        return asked

    return install


def disputed(job: Job) -> tuple[Unit, list[Any]]:
    (unit,) = open_units(job)
    nodes = [new_node(), new_node()]
    for node, output in zip(nodes, (DOG, boxes(box(300.0))), strict=True):
        assert node.answer(node.claim(), output) == [protocol.RECORDED]
    unit.refresh_from_db()
    return unit, nodes


def test_a_real_photo_is_executed_by_us_and_only_the_faithful_are_paid() -> None:
    job, photo = new_job(model=real_model()), stored(PHOTOS / "dog.jpg")
    (unit,) = actions.open_units(job, [[photo]], now=timezone.now())
    graph = job.model.graph_id
    from blobs.queries import read_blob

    model = RunningModel(job.model.manifest, read_blob(graph))
    true = model.run(
        read_blob(photo["digest"]), width=photo["width"], height=photo["height"]
    )
    assert {found["class"] for found in true["boxes"]} >= {"dog", "bicycle"}
    faithful, lazy = new_node(), new_node()
    faithful.answer(faithful.claim(), json.loads(json.dumps(true)))
    lazy.answer(lazy.claim(), boxes())
    unit.refresh_from_db()
    assert unit.status == Unit.Status.DISPUTED
    actions.settle_unit(unit.pk, now=timezone.now())
    unit.refresh_from_db()
    assert (unit.status, unit.output, unit.reexecuted) == ("final", true, True)
    assert (earned(faithful.person), earned(lazy.person)) == (PRICE, 0)
    job.account.refresh_from_db()
    assert (job.account.held, job.account.balance) == (0, ESCROW - PRICE - FEE)
    assert list(ledger_problems()) == []


def test_a_disputed_unit_waits_and_is_settled_once(says) -> None:
    asked = says(reexecution.Outcome(DOG))
    unit, nodes = disputed(new_job())
    assert (unit.status, queries.open_unit_count(unit.job)) == ("disputed", 1)
    for _ in range(2):
        actions.settle_unit(unit.pk, now=timezone.now())
    assert asked == [1]
    assert [earned(node.person) for node in nodes] == [PRICE, 0]


def test_when_nobody_was_faithful_our_output_counts_and_nobody_is_paid(says) -> None:
    says(reexecution.Outcome(boxes()))
    unit, nodes = disputed(new_job())
    actions.settle_disputes(timezone.now())
    unit.refresh_from_db()
    assert (unit.status, unit.output) == (Unit.Status.FINAL, boxes())
    assert [earned(node.person) for node in nodes] == [0, 0]
    assert HoldEnd.objects.get().outcome == HoldEnd.Outcome.VOID


def test_an_input_that_even_we_cannot_run_fails_and_costs_nothing(says) -> None:
    says(reexecution.Outcome(None, protocol.BAD_INPUT))
    unit, nodes = disputed(new_job())
    actions.settle_disputes(timezone.now())
    unit.refresh_from_db()
    assert (unit.status, unit.output) == (Unit.Status.FAILED, None)
    unit.job.account.refresh_from_db()
    assert (unit.job.account.held, unit.job.account.balance) == (0, ESCROW)
    assert [earned(node.person) for node in nodes] == [0, 0]


def test_a_broken_picture_is_found_broken_by_us_too() -> None:
    job = new_job(model=real_model())
    (unit,) = open_units(job)
    for node in (new_node(), new_node()):
        node.answer(node.claim(), None, error=protocol.BAD_INPUT)
    actions.settle_disputes(timezone.now())
    unit.refresh_from_db()
    assert unit.status == Unit.Status.FAILED


def test_an_execution_that_crashes_is_tried_again_but_not_for_ever(says) -> None:
    says(reexecution.DidNotEnd())
    unit, _nodes = disputed(new_job())
    for expected in ("disputed", "disputed", "failed", "failed"):
        actions.settle_disputes(timezone.now())
        unit.refresh_from_db()
        assert unit.status == expected


def test_one_unit_that_crashes_does_not_take_the_others_with_it(says) -> None:
    job = new_job()
    first, _ = disputed(job)
    second, _ = disputed(job)
    says(reexecution.DidNotEnd(), reexecution.DidNotEnd(), reexecution.Outcome(boxes()))
    actions.settle_disputes(timezone.now())
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == ("disputed", "final")


def test_an_execution_that_cannot_start_changes_nothing(monkeypatch) -> None:
    monkeypatch.setattr(reexecution.sys, "executable", "/nonexistent")
    unit, _nodes = disputed(new_job())
    actions.settle_unit(unit.pk, now=timezone.now())
    unit.refresh_from_db()
    assert (unit.status, unit.attempts) == (Unit.Status.DISPUTED, 1)


def test_work_done_for_a_job_that_closes_is_paid_when_it_is_faithful(says) -> None:
    says(reexecution.Outcome(DOG))
    job = new_job()
    (unit,) = open_units(job)
    node = new_node()
    node.answer(node.claim(), DOG)
    actions.set_job_status(job, Job.Status.CLOSING)
    actions.cancel_open_units(job, timezone.now())
    actions.settle_disputes(timezone.now())
    unit.refresh_from_db()
    assert (unit.status, earned(node.person)) == (Unit.Status.FINAL, PRICE)
    actions.set_job_status(job, Job.Status.CLOSED)
    job.account.refresh_from_db()
    assert (job.account.held, job.account.balance) == (0, ESCROW - PRICE - FEE)
