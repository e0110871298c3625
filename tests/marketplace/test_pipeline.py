"""Laws of the pipeline: from launch to the refund, by rows alone."""

from collections.abc import Iterator

import pytest
from django.conf import settings as site
from django.db import transaction

from compute import actions as compute_actions
from compute.models import Unit
from compute.signals import unit_decided
from labeling.models import Task
from labeling.signals import task_decided
from marketplace import ledger_check, receivers, tasks
from marketplace.actions import projects as actions
from marketplace.models import Project, ProjectItem, Step
from rewards import ledger
from rewards.models import Account, Transfer
from rewards.money import parse
from tests.marketplace import world

pytestmark = pytest.mark.django_db


def statuses(project: Project) -> list[str]:
    rows = ProjectItem.objects.filter(project=project).order_by("id")
    return list(rows.values_list("status", flat=True))


def test_a_project_goes_from_launch_to_an_exact_refund() -> None:
    client = world.new_client()
    before = client.wallet.balance
    project = client.launched(pictures=3, model=world.new_model())
    first, second = world.new_node(), world.new_node()
    project = world.advance(project)
    assert statuses(project) == ["detecting"] * 3

    assert world.execute(first, world.found()) == 3
    assert world.execute(second, world.found()) == 3
    project = world.advance(project)
    assert statuses(project) == ["verifying"] * 3
    task = Task.objects.order_by("id").first()
    assert task
    assert task.proposer == f"model:{project.model.digest}"
    (box,) = task.proposal["boxes"]
    assert (box["label"], box["x"], box["score"]) == ("animal", 10.0, 0.9)

    people = [world.new_person() for _index in range(2)]
    assert [world.label_all(browser, project) for _person, browser in people] == [3, 3]
    project = world.advance(project)

    assert project.status == Project.Status.CLOSED
    assert statuses(project) == ["done"] * 3
    assert (project.escrow.balance, project.escrow.held) == (0, 0)
    spent = 3 * 2 * (parse("0.05") + parse("0.005") + parse("0.004") + parse("0.0004"))
    assert before - client.wallet.balance == spent
    assert project.fees.balance == 3 * 2 * parse("0.0054")
    for person, _browser in people:
        earned = Account.objects.get(person=person, kind=Account.Kind.PENDING)
        assert earned.balance == 3 * parse("0.05")
    assert list(ledger_check.problems()) == []


@pytest.fixture
def _deaf() -> Iterator[None]:
    unit_decided.disconnect(dispatch_uid="advance")
    task_decided.disconnect(dispatch_uid="advance")
    yield
    unit_decided.connect(receivers.on_unit_decided, dispatch_uid="advance")
    task_decided.connect(receivers.on_task_decided, dispatch_uid="advance")


@pytest.mark.usefixtures("_deaf")
def test_beat_alone_finishes_everything_and_a_second_run_changes_nothing() -> None:
    client = world.new_client()
    project = client.launched(model=world.new_model())
    nodes = [world.new_node(), world.new_node()]
    browsers = [world.new_person()[1] for _index in range(2)]

    def beat_twice() -> None:
        tasks.advance_projects()
        before = snapshot()
        tasks.advance_projects()
        assert snapshot() == before

    def snapshot() -> list[object]:
        return [
            list(Project.objects.values_list("id", "status", "closed_at")),
            list(ProjectItem.objects.values_list("id", "status").order_by("id")),
            list(Step.objects.values_list("id", "unit", "task").order_by("id")),
            list(Unit.objects.values_list("id", "status").order_by("id")),
            list(Task.objects.values_list("id", "status").order_by("id")),
            list(Transfer.objects.values_list("key", "amount").order_by("id")),
            list(Account.objects.values_list("code", "held").order_by("id")),
        ]

    beat_twice()
    for node in nodes:
        world.execute(node, world.found())
    beat_twice()
    project.refresh_from_db()
    for browser in browsers:
        world.label_all(browser, project)
    beat_twice()
    project.refresh_from_db()
    assert project.status == Project.Status.CLOSED


def test_a_hint_reaches_the_project_of_the_unit_and_of_the_task(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks
) -> None:
    hinted: list[int] = []
    monkeypatch.setattr(tasks.advance_project, "delay", hinted.append)
    client = world.new_client()
    project = world.advance(client.launched(pictures=1, model=world.new_model()))
    first, second = world.new_node(), world.new_node()
    world.execute(first, world.found())
    with django_capture_on_commit_callbacks(execute=True):
        world.execute(second, world.found())
    assert hinted == [project.pk]
    project = world.advance(project)
    world.label_all(world.new_person()[1], project)
    with django_capture_on_commit_callbacks(execute=True):
        world.label_all(world.new_person()[1], project)
    assert hinted == [project.pk] * 2


def test_a_failed_unit_goes_to_people_without_a_proposal() -> None:
    client = world.new_client()
    project = world.advance(client.launched(pictures=1, model=world.new_model()))
    unit = Unit.objects.get()
    unit.status, unit.free = Unit.Status.FAILED, 0
    unit.save()
    world.advance(project)
    task = Task.objects.get()
    assert (task.proposal, task.proposer) == (None, "")


def test_a_disputed_unit_does_not_keep_people_waiting() -> None:
    client = world.new_client()
    project = world.advance(client.launched(pictures=1, model=world.new_model()))
    world.execute(world.new_node(), world.found(x=10))
    world.execute(world.new_node(), world.found(x=150))
    assert Unit.objects.get().status == Unit.Status.DISPUTED
    world.advance(project)
    assert Task.objects.get().proposal is None


def test_a_single_choice_is_proposed_by_the_surest_mapped_class() -> None:
    client = world.new_client()
    project = world.advance(
        client.launched(pictures=1, model=world.new_model(), task_type="single_choice")
    )
    seen = [
        world.found(name="car", score=0.99),
        world.found(name="cat", score=0.8, x=100),
    ]
    for _index in range(2):
        world.execute(world.new_node(), *seen)
    project = world.advance(project)
    assert Task.objects.get().proposal == {"label": "animal"}
    for _index in range(2):
        browser = world.new_person()[1]
        world.label_all(browser, project, lambda _one: {"label": "vehicle"})
    assert world.advance(project).status == Project.Status.CLOSED


def test_without_a_model_people_start_from_the_bare_picture() -> None:
    project = world.advance(world.new_client().launched(pictures=2))
    assert statuses(project) == ["verifying"] * 2
    assert project.job is None


def test_only_as_much_is_open_as_the_setting_allows(settings) -> None:
    settings.OPEN_AHEAD = 2
    client = world.new_client()
    project = world.advance(client.launched(pictures=5, model=world.new_model()))
    assert statuses(project) == ["detecting"] * 2 + ["waiting"] * 3
    for _index in range(2):
        world.execute(world.new_node(), world.found())
    world.advance(project)
    assert statuses(project) == ["verifying"] * 2 + ["waiting"] * 3


def test_no_unit_is_opened_whose_task_could_not_be_paid() -> None:
    client = world.new_client()
    project = client.launched(pictures=4, pi="0.7", model=world.new_model())
    # A picture costs 0.1738 Pi at most. Two of the four lose their cover.
    item = 2 * parse("0.0044") + 3 * parse("0.055")
    assert project.escrow.available == parse("0.7") >= 4 * item
    with transaction.atomic():
        ledger.post(
            reservations=[
                ledger.Reservation(
                    key="elsewhere",
                    account=project.escrow_id,
                    amount=parse("0.7") - 2 * item - 1,
                )
            ]
        )
    for _again in range(2):
        project = world.advance(project)
        assert statuses(project).count("detecting") == 2
    for _index in range(2):
        world.execute(world.new_node(), world.found())
    project = world.advance(project)
    assert statuses(project).count("verifying") == 2
    assert project.escrow.available == 1


def test_a_paused_project_opens_nothing_and_still_finishes_what_people_do() -> None:
    client = world.new_client()
    project = world.advance(client.launched(pictures=1))
    first, second = world.new_person()[1], world.new_person()[1]
    world.label_all(first, project)
    actions.pause_project(project, client.person)
    assert world.label_all(second, project) == 0
    actions.resume_project(project, client.person)
    world.label_all(second, project)
    assert world.advance(project).status == Project.Status.CLOSED


def test_closing_in_the_middle_pays_who_worked_and_refunds_the_rest() -> None:
    client = world.new_client()
    before = client.wallet.balance
    project = client.launched(pictures=4, model=world.new_model())
    project = world.advance(project)
    for _index in range(2):
        world.execute(world.new_node(), world.found())
    project = world.advance(project)
    worker, browser = world.new_person()
    world.label_all(browser, project)
    actions.close_project(project, client.person)
    project = world.advance(project)
    assert project.status == Project.Status.CLOSED
    assert statuses(project) == ["dropped"] * 4
    assert (project.escrow.balance, project.escrow.held) == (0, 0)
    earned = Account.objects.get(person=worker, kind=Account.Kind.PENDING).balance
    assert earned == 4 * parse("0.05")
    spent = 4 * (2 * parse("0.0044") + parse("0.055"))
    assert before - client.wallet.balance == spent
    assert list(ledger_check.problems()) == []


def test_closing_waits_for_an_answer_that_is_being_given() -> None:
    client = world.new_client()
    project = world.advance(client.launched(pictures=1))
    browser = world.new_person()[1]
    assert project.campaign
    browser.post(
        f"/api/v1/work/campaigns/{project.campaign.uuid}/assignments/",
        {"count": 1},
        content_type="application/json",
    )
    actions.close_project(project, client.person)
    project = world.advance(project)
    assert project.status == Project.Status.CLOSING
    assert project.escrow.held > 0


def test_closing_waits_for_a_node_that_is_at_work() -> None:
    client = world.new_client()
    project = world.advance(client.launched(pictures=1, model=world.new_model()))
    (granted,) = compute_actions.claim(world.new_node(), max_units=1, now=world.NOW)
    actions.close_project(project, client.person)
    assert world.advance(project).status == Project.Status.CLOSING
    compute_actions.release(granted.lease.node, [granted.lease.uuid], now=world.NOW)
    project = world.advance(project)
    assert project.status == Project.Status.CLOSED
    assert statuses(project) == ["dropped"]
    assert (project.escrow.balance, project.escrow.held) == (0, 0)


def test_advancing_asks_the_same_number_of_queries_for_many_items(
    django_assert_max_num_queries,
) -> None:
    client = world.new_client()
    project = client.launched(pictures=12, model=world.new_model())
    with django_assert_max_num_queries(40):
        world.advance(project)
    for _index in range(2):
        world.execute(world.new_node(), world.found())
    with django_assert_max_num_queries(40):
        world.advance(project)
    assert site.OPEN_AHEAD >= 12
