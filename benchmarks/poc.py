"""The published proof of concept, measured: ``python -m benchmarks.poc``.

Seven agents of seven operators, 14 photos, every agent executes. The clock runs from
the launch until a person can read every photo's proposal by the work API: first with
empty agent caches, then with model and photos cached (results never are). Everything
is real and on loopback: web, worker, beat, broker, agents. The last line is JSON.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

from tests.site.orders import Client
from tests.site.photos import bundled, derived
from tests.site.stack import Stack, wait_for

AGENTS = 7
PHOTOS = 14
LIMIT_SECONDS = 60.0
SETTLE_SECONDS = 12.0
PEOPLE = 5  # who read the proposals; each takes three tasks at most at a time
EXECUTED = """
    SELECT count(DISTINCT lease.node_id) FROM compute_result result
    JOIN compute_lease lease ON lease.id = result.lease_id
    JOIN compute_unit unit ON unit.id = lease.unit_id
    JOIN compute_job job ON job.id = unit.job_id
    JOIN marketplace_project project ON project.job_id = job.id
    WHERE replace(project.uuid, '-', '') = ?
"""


class Readers:
    """Signed-in people who take tasks of a campaign and read their proposals."""

    def __init__(self, stack: Stack) -> None:
        self._people = [
            stack.client(f"person{number}@tessera.demo")
            for number in range(1, PEOPLE + 1)
        ]

    def campaign(self, title: str) -> str:
        answer = self._people[0].get("/api/v1/work/campaigns/").raise_for_status()
        rows = answer.json()["campaigns"]
        return next((row["uuid"] for row in rows if row["title"] == title), "")

    def read(self, campaign: str) -> dict[str, int]:
        """Read until all photos were seen; return how many boxes each one has."""
        seen: dict[str, int] = {}
        turn = 0

        def all_seen() -> bool:
            nonlocal turn
            person = self._people[turn % PEOPLE]
            turn += 1
            answer = person.post(
                f"/api/v1/work/campaigns/{campaign}/assignments/", json={"count": 3}
            )
            for assignment in answer.raise_for_status().json()["assignments"]:
                task = assignment["task"]
                assert task["proposal"] is not None, "no proposal"
                seen[task["uuid"]] = len(task["proposal"]["boxes"])
            return len(seen) == PHOTOS

        wait_for(all_seen, seconds=LIMIT_SECONDS, what="14 proposals", pause=0.05)
        return seen


def photos(folder: Path) -> list[Path]:
    """Return the 13 bundled photos and one crop of them."""
    return [*bundled(), *derived(folder, count=1)]


def run(
    stack: Stack, client: Client, readers: Readers, dataset: str
) -> tuple[float, int]:
    """Launch a project on this dataset; return the seconds to the last proposal and
    how many agents executed a unit of it."""
    title = f"poc {time.monotonic_ns()}"
    project = client.order(dataset, name=title)
    begun = time.perf_counter()
    client.launch(project)
    campaign = wait_for(
        lambda: readers.campaign(title), seconds=LIMIT_SECONDS, what="a campaign"
    )
    boxes = readers.read(campaign)
    seconds = time.perf_counter() - begun
    executed = stack.count(EXECUTED, project.replace("-", ""))
    print(f"{seconds:.2f} s, {executed} agents, {sum(boxes.values())} boxes")
    return seconds, executed


def main() -> int:
    with (
        tempfile.TemporaryDirectory(prefix="tessera-poc-") as name,
        Stack(Path(name) / "data", env={"API_KEY_RATE": "6000/min"}) as stack,
    ):
        stack.prepare(f"--agents={AGENTS}", "--no-project", "--api-key")
        stack.start_server()
        client, readers = Client(stack), Readers(stack)
        dataset = client.upload(photos(Path(name) / "photos"), name="poc")
        stack.start_agents(stack.prepared["codes"])
        wait_for(
            lambda: stack.count("SELECT count(*) FROM compute_node") == AGENTS,
            seconds=LIMIT_SECONDS,
            what="all agents are paired",
        )
        # The server counts every ten seconds who is there, to share work out fairly.
        time.sleep(SETTLE_SECONDS)
        cold_s, cold_agents = run(stack, client, readers, dataset)
        warm_s, warm_agents = run(stack, client, readers, dataset)
    agents = min(cold_agents, warm_agents)
    if agents < AGENTS:
        print(f"FAILED: only {agents} of {AGENTS} agents executed a unit")
    print(
        json.dumps(
            {"agents": agents, "cold_s": round(cold_s, 3), "warm_s": round(warm_s, 3)}
        )
    )
    return 0 if agents == AGENTS else 1


if __name__ == "__main__":
    sys.exit(main())
