"""Killed in the middle and started again, the product loses and doubles nothing."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from tests.site.orders import Client, Labeler
from tests.site.photos import derived
from tests.site.stack import Stack, wait_for

pytestmark = pytest.mark.processes

PHOTOS = 90
UNDECIDED = "SELECT count(*) FROM compute_unit WHERE status IN ('open', 'disputed')"
DECIDED = "SELECT count(*) FROM compute_unit WHERE status = 'final'"
# Short leases, so that what a killed agent held comes back soon.
QUICK = {"LEASE_SECONDS": "4", "API_KEY_RATE": "6000/min"}


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path / "a folder", env=QUICK) as running:
        running.prepare("--agents=3", "--no-project", "--api-key")
        running.start_server()
        yield running


def kill_in_the_middle(stack: Stack, name: str, *, decided: int) -> None:
    """Kill a process once so much is decided, and start it again."""
    wait_for(
        lambda: stack.count(DECIDED) >= decided,
        seconds=60,
        what=f"{decided} units are decided",
        pause=0.01,
    )
    stack.kill(name)
    assert stack.count(UNDECIDED), f"the work had ended before {name} was killed"
    stack.start(name)


def test_killed_processes_lose_and_double_nothing(stack: Stack, tmp_path: Path) -> None:
    client = Client(stack)
    dataset = client.upload(derived(tmp_path / "photos", count=PHOTOS), name="crops")
    project = client.order(dataset, name="kill -9")
    client.launch(project)
    campaign = wait_for(
        lambda: stack.rows("SELECT uuid FROM labeling_campaign"),
        seconds=20,
        what="a campaign is open",
    )[0][0]
    people = [
        Labeler(
            stack, email=f"person{number}@tessera.demo", campaign=str(UUID(campaign))
        )
        for number in (1, 2)
    ]
    for person in people:
        person.start()
    stack.start_agents(stack.prepared["codes"])

    kill_in_the_middle(stack, "agent1", decided=3)
    kill_in_the_middle(stack, "worker", decided=15)
    kill_in_the_middle(stack, "web", decided=30)
    stack.wait_until_up()

    def closed() -> bool:
        assert not [person.failure for person in people if person.failure]
        return bool(client.project(project)["project"]["status"] == "closed")

    wait_for(
        closed,
        seconds=120,
        what="every item is labelled and the project is closed",
        pause=0.5,
    )
    for person in people:
        person.done.set()
        person.join(20)
        assert person.failure is None, person.failure

    assert_everything_once(stack)
    assert_money_is_right(client, project)
    assert "adds up" in stack.manage("check_ledger")


def assert_everything_once(stack: Stack) -> None:
    statuses = dict(stack.rows("SELECT status, count(*) FROM compute_unit GROUP BY 1"))
    assert statuses == {"final": PHOTOS}
    statuses = dict(stack.rows("SELECT status, count(*) FROM labeling_task GROUP BY 1"))
    assert statuses == {"settled": PHOTOS}
    accepted = "SELECT count(*) FROM compute_result WHERE accepted"
    assert stack.count(accepted) == 2 * PHOTOS
    assert stack.count("SELECT count(*) FROM labeling_verdict") == PHOTOS
    paid = dict(stack.rows("SELECT kind, count(*) FROM rewards_transfer GROUP BY kind"))
    assert paid["inference"] == 2 * PHOTOS
    assert paid["answer"] == 2 * PHOTOS
    assert paid["fee"] == 4 * PHOTOS
    held = "SELECT sum(held) FROM rewards_account"
    assert stack.count(held) == 0


def assert_money_is_right(client: Client, project: str) -> None:
    spend = {
        name: float(amount) for name, amount in client.project(project)["spend"].items()
    }
    assert spend["held"] == spend["available"] == 0
    assert spend["funded"] == pytest.approx(spend["spent"] + spend["refunded"])
    each = 2 * (0.05 + 0.004) * 1.1
    assert spend["spent"] == pytest.approx(PHOTOS * each)
