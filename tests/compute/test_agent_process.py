"""Real agents, as a volunteer starts them: photos in, money out; killed, they go on."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import Person
from compute import actions, queries
from compute.models import Lease, Result, Unit
from rewards.queries import ledger_problems
from tests.compute.net import (
    PHOTOS,
    PRICE,
    earned,
    new_job,
    new_person,
    real_model,
    stored,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(live_server, tmp_path) -> Iterator[Start]:
    running: list[subprocess.Popen[bytes]] = []

    def begin(person: Person | None, home: str, *more: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "compute.agent", "--home", tmp_path / home]
        if person is not None:
            code = actions.issue_code(person, now=timezone.now())
            command += ["--server", live_server.url, "--code", code]
        process = subprocess.Popen(
            [*map(str, command), *more], cwd=settings.BASE_DIR, stderr=subprocess.PIPE
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
            process.communicate()


def until(condition: Callable[[], bool], *, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def photos(count: int) -> list[list[dict]]:
    found: list[Path] = sorted(PHOTOS.glob("*.jpg"))
    return [[stored(found[n % len(found)])] for n in range(count)]


def test_two_agents_of_two_operators_settle_all_photos(start: Start) -> None:
    job, people = new_job(model=real_model()), [new_person(), new_person()]
    agents = [start(person, f"home-{n}") for n, person in enumerate(people)]
    until(lambda: queries.online_nodes(timezone.now()) == 2)
    units = actions.open_units(job, photos(13), now=timezone.now())
    until(lambda: queries.open_unit_count(job) == 0)
    assert {unit.status for unit in Unit.objects.all()} == {Unit.Status.FINAL}
    assert not Unit.objects.filter(reexecuted=True).exists()
    assert [earned(person) for person in people] == [len(units) * PRICE] * 2
    assert list(ledger_problems()) == []
    for process in agents:
        process.send_signal(signal.SIGTERM)
        _out, err = process.communicate(timeout=20)
        assert process.returncode == 0, err
        assert b"is paired with" in err


def test_a_stopped_agent_leaves_no_lease_behind(start: Start) -> None:
    job = new_job(model=real_model(), replicas=1)
    agent = start(new_person(), "home")
    actions.open_units(job, photos(200), now=timezone.now())
    until(lambda: Result.objects.count() > 3)
    agent.send_signal(signal.SIGTERM)
    agent.communicate(timeout=30)
    assert agent.returncode == 0
    assert not Lease.objects.filter(status=Lease.Status.ACTIVE).exists()
    assert Lease.objects.filter(status=Lease.Status.RELEASED).exists()


def test_a_killed_agent_goes_on_where_it_was_and_nothing_is_paid_twice(
    start: Start,
) -> None:
    job, person = new_job(model=real_model(), replicas=1), new_person()
    units = actions.open_units(job, photos(60), now=timezone.now())
    agent = start(person, "home")
    until(lambda: Result.objects.count() > 3)
    agent.kill()
    agent.communicate()
    assert queries.open_unit_count(job) > 0
    start(None, "home", "--once")
    until(lambda: queries.open_unit_count(job) == 0)
    assert Result.objects.count() == len(units)
    assert earned(person) == len(units) * PRICE
    assert list(ledger_problems()) == []
