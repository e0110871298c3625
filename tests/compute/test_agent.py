"""The volunteer's program against a live server: what it refuses, keeps, gives back."""

import json
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from blobs.queries import path_of, storage
from compute import actions
from compute.agent import __main__ as agent
from compute.agent import protocol
from compute.agent.client import Client
from compute.agent.inference import Model as RunningModel
from compute.agent.keys import Key
from compute.agent.runner import Runner
from compute.agent.store import AlreadyRunning, Cache, Home, Outbox, Tampered
from compute.models import Lease, Model, Node, Result, Unit
from tests.compute.net import (
    PHOTOS,
    new_job,
    new_person,
    real_model,
    stored,
)

pytestmark = pytest.mark.django_db(transaction=True)


class Volunteer:
    """A home folder paired with the live server, worked by the agent's own parts."""

    def __init__(self, server: str, folder: Path) -> None:
        self.said: list[str] = []
        self.home = Home(folder)
        self.key = Key.of_home(folder)
        self.args = Namespace(
            server=server,
            code=actions.issue_code(new_person(), now=timezone.now()),
            threads=1,
            name="attic",
        )
        self.identity = agent.pair(self.home, self.key, self.args)
        self.client = Client(server, self.key, node=self.identity["node"])

    def runner(self, **changed: object) -> Runner:
        terms = {
            "client": self.client,
            "home": self.home,
            "server_key": self.identity["server_key"],
            "workers": 1,
            "max_units": 64,
            "once": True,
            "say": self.said.append,
        }
        return Runner(**(terms | changed))

    def run(self, **changed: object) -> Runner:
        """Work until there is none, as ``--once`` does."""
        runner = self.runner(**changed)
        runner.run(watch=lambda _desk: None)
        return runner


@pytest.fixture
def volunteer(live_server, tmp_path) -> Iterator[Volunteer]:
    one = Volunteer(live_server.url, tmp_path / "home")
    yield one
    one.client.close()
    one.home.close()


@pytest.fixture
def model() -> Model:
    return real_model()


@pytest.fixture
def spoil() -> Iterator[Callable[[str], None]]:
    """Change stored bytes behind the server's back; put them right afterwards."""
    saved: dict[str, bytes] = {}

    def change(digest: str) -> None:
        path = Path(storage().path(path_of(digest)))
        saved[digest] = path.read_bytes()
        path.write_bytes(saved[digest][:-1] + bytes([saved[digest][-1] ^ 1]))

    yield change
    for digest, data in saved.items():
        Path(storage().path(path_of(digest))).write_bytes(data)


def open_photo(model: Model, name: str = "dog.jpg", **terms: int) -> Unit:
    job = new_job(model=model, **terms)
    (unit,) = actions.open_units(job, [[stored(PHOTOS / name)]], now=timezone.now())
    return unit


def test_a_photo_is_run_and_what_is_in_it_comes_back(volunteer, model) -> None:
    unit = open_photo(model, replicas=1)
    volunteer.run()
    unit.refresh_from_db()
    assert unit.status == Unit.Status.FINAL
    assert {box["class"] for box in unit.output["boxes"]} == {
        "bicycle",
        "car",
        "dog",
        "cat",
    }
    assert len(volunteer.home.outbox) == 0


def test_a_tampered_graph_is_refused_and_the_work_given_back(
    volunteer, model, spoil
) -> None:
    unit = open_photo(model)
    spoil(model.graph_id)
    volunteer.run()
    assert any("model was refused" in line for line in volunteer.said)
    unit.refresh_from_db()
    assert (unit.status, unit.free) == (Unit.Status.OPEN, 2)
    assert Lease.objects.get().status == Lease.Status.RELEASED


def test_a_manifest_that_the_paired_server_did_not_sign_is_refused(
    volunteer, model
) -> None:
    unit = open_photo(model)
    stranger = Key.of_home(volunteer.home.folder).public
    volunteer.run(server_key=stranger)
    assert any("not signed" in line for line in volunteer.said)
    unit.refresh_from_db()
    assert unit.free == 2


def test_a_tampered_photo_is_reported_not_run(volunteer, model, spoil) -> None:
    unit = open_photo(model)
    spoil(unit.inputs[0]["digest"])
    volunteer.run()
    result = Result.objects.get()
    assert (result.error, result.output) == (protocol.BAD_INPUT, None)


def test_a_server_with_another_key_than_the_code_names_is_not_paired_with(
    live_server, tmp_path
) -> None:
    code = actions.issue_code(new_person(), now=timezone.now())
    false = code.partition(".")[0] + "." + "0" * protocol.FINGERPRINT_LENGTH
    home = Home(tmp_path / "home")
    args = Namespace(server=live_server.url, code=false, threads=1, name="attic")
    with pytest.raises(agent.CannotStart, match="key"):
        agent.pair(home, Key.of_home(home.folder), args)
    assert home.identity() == {}
    home.close()


def test_a_wrong_clock_corrects_itself(volunteer, monkeypatch) -> None:
    real = time.time
    monkeypatch.setattr("compute.agent.keys.time.time", lambda: real() - 900)
    # The server runs in this process: it must keep the right time.
    monkeypatch.setattr("compute.authentication.time", Namespace(time=real))
    reply = volunteer.client.get(protocol.WHY, protocol.WhyReply)
    assert reply.reasons


def test_results_that_could_not_be_sent_are_sent_by_the_next_run(
    volunteer, model, monkeypatch
) -> None:
    unit = open_photo(model, replicas=1)
    nowhere = Client("http://127.0.0.1:9", volunteer.key)
    with monkeypatch.context() as patch:
        patch.setattr("compute.agent.delivery.LAST_SECONDS", 0.0)
        patch.setattr(
            "compute.agent.delivery.Delivery.run", lambda self: self._desk.stop.wait()
        )
        volunteer.run()
    nowhere.close()
    assert len(volunteer.home.outbox) == 1
    # The lease is kept: it is answered, only not yet sent.
    assert Lease.objects.get().status == Lease.Status.ACTIVE
    again = Outbox(volunteer.home.folder / "outbox")
    assert again.leases() == [str(Lease.objects.get().uuid)]
    agent.greet(volunteer.client, volunteer.home, volunteer.args)
    volunteer.run()
    unit.refresh_from_db()
    assert unit.status == Unit.Status.FINAL


def test_a_removed_node_ends_by_itself_and_says_why(volunteer) -> None:
    node = Node.objects.get(uuid=volunteer.identity["node"])
    actions.revoke_node(node, actor=None, now=timezone.now())
    runner = volunteer.run()
    assert "node_revoked" in runner.desk.problem


def test_one_home_is_used_by_one_agent_at_a_time(volunteer) -> None:
    with pytest.raises(AlreadyRunning):
        Home(volunteer.home.folder)


def test_the_key_is_readable_by_its_owner_only(volunteer) -> None:
    assert (volunteer.home.folder / "node.ed25519").stat().st_mode & 0o077 == 0


def test_the_cache_checks_what_it_reads_and_what_it_fetches(tmp_path) -> None:
    cache = Cache(tmp_path)
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert cache.get(digest, lambda: b"hello") == b"hello"
    (tmp_path / digest).write_bytes(b"hullo")
    assert cache.get(digest, lambda: b"hello") == b"hello"
    for bad in ("../../etc/passwd", digest.upper(), "0" * 64):
        with pytest.raises(Tampered):
            cache.get(bad, lambda: b"hello")


def test_a_half_written_result_is_dropped(tmp_path) -> None:
    (tmp_path / "x.json").write_bytes(b'{"lease": "x", "sec')
    (tmp_path / "y.json").write_bytes(json.dumps({"lease": "y"}).encode())
    assert len(Outbox(tmp_path)) == 0


def test_a_busy_node_renews_what_it_holds_however_rarely_it_is_to_poll(
    volunteer, model, monkeypatch, settings
) -> None:
    settings.LEASE_SECONDS = 3
    monkeypatch.setattr("compute.scheduling.POLL_SECONDS_MIN", 60.0)
    run, started = RunningModel.run, []

    def run_slowly(self, picture, **size):
        started.append(time.monotonic())
        while time.monotonic() - started[0] < 5 and not renewed():
            time.sleep(0.05)
        return run(self, picture, **size)

    def renewed() -> bool:
        now = timezone.now()
        assert actions.expire_leases(now) == 0
        return Lease.objects.filter(created__lt=now - timedelta(seconds=4)).exists()

    monkeypatch.setattr(RunningModel, "run", run_slowly)
    unit = open_photo(model, replicas=1)
    runner = volunteer.runner(once=False)
    runner.run(watch=lambda desk: desk.done and desk.stop.set())
    unit.refresh_from_db()
    assert unit.status == Unit.Status.FINAL
