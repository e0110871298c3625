"""Laws that must hold when the same thing is done by several at the same time."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from compute.models import Unit
from labeling.models import Task
from marketplace import ledger_check
from marketplace.actions import projects as actions
from marketplace.models import Project, Step
from rewards.errors import InsufficientFunds
from rewards.models import Transfer
from rewards.money import parse
from tests.marketplace import world

pytestmark = pytest.mark.django_db(transaction=True)


def together(call: Callable[[], object], *, times: int = 4) -> list[Exception]:
    gate = threading.Barrier(times)
    raised: list[Exception] = []

    def run() -> None:
        try:
            gate.wait()
            call()
        except Exception as error:  # noqa: BLE001
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _index in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_a_project_advanced_by_four_at_once_moves_once() -> None:
    client = world.new_client()
    project = client.launched(pictures=5, model=world.new_model())
    assert together(lambda: world.advance(project)) == []
    assert Unit.objects.count() == Step.objects.count() == 5
    for _index in range(2):
        world.execute(world.new_node(), world.found())
    assert together(lambda: world.advance(project)) == []
    assert Task.objects.count() == 5
    project = Project.objects.get()
    for _index in range(2):
        world.label_all(world.new_person()[1], project)
    assert together(lambda: world.advance(project)) == []
    project = world.advance(project)
    assert project.status == Project.Status.CLOSED
    assert Transfer.objects.filter(kind=Transfer.Kind.REFUND).count() == 1
    assert list(ledger_check.problems()) == []


def test_closing_while_people_answer_loses_nobodys_pay() -> None:
    client = world.new_client()
    project = world.advance(client.launched(pictures=6))
    browsers = [world.new_person()[1] for _index in range(3)]
    waiting = list(browsers)

    def answer_or_close() -> None:
        try:
            browser = waiting.pop()
        except IndexError:
            actions.close_project(project, client.person)
            world.advance(project)
        else:
            world.label_all(browser, project)

    assert together(answer_or_close) == []
    project = world.advance(project)
    assert project.status == Project.Status.CLOSED
    assert (project.escrow.balance, project.escrow.held) == (0, 0)
    assert list(ledger_check.problems()) == []


def test_one_funding_sent_four_times_at_once_pays_once() -> None:
    client = world.new_client()
    project = client.project(client.dataset())

    def fund() -> None:
        actions.fund_project(project, client.person, amount=parse("7"), number=1)

    assert together(fund) == []
    assert client.wallet.balance == parse("993")


def test_fundings_at_once_never_overdraw_the_wallet() -> None:
    client = world.new_client(pi="10")
    projects = [client.project(client.dataset()) for _index in range(4)]

    def fund() -> None:
        actions.fund_project(projects.pop(), client.person, amount=parse("4"))

    raised = together(fund)
    assert [type(error) for error in raised] == [InsufficientFunds] * 2
    assert client.wallet.balance == parse("2")


def test_a_project_launched_four_times_at_once_is_launched_once() -> None:
    client = world.new_client()
    project = client.project(client.dataset(pictures=3), model=world.new_model())
    actions.fund_project(project, client.person, amount=parse("5"))
    raised = together(
        lambda: actions.launch_project(project, client.person, now=world.NOW)
    )
    assert len(raised) == 3
    assert Project.objects.get().project_items.count() == 3
