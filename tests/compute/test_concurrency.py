"""Many nodes at once: no unit is given too often, nothing is paid twice or lost."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from compute import actions
from compute.agent import protocol
from compute.models import Lease, Node, Result, Unit
from rewards.models import Transfer
from rewards.queries import ledger_problems
from tests.compute.net import FEE, PRICE, box, boxes, new_job, new_node, open_units

pytestmark = pytest.mark.django_db(transaction=True)
THREADS, UNITS = 8, 40
DOG = boxes(box())


def in_threads(work, arguments) -> list:
    def closing(argument):
        try:
            return work(argument)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(closing, arguments))


def nodes_of(*, persons: int, each: int) -> list[Node]:
    made = []
    for _ in range(persons):
        first = new_node()
        made += [first, *(new_node(first.person) for _ in range(each - 1))]
    return [Node.objects.select_related("person").get(uuid=node.uuid) for node in made]


def test_claims_at_the_same_moment_never_give_a_unit_too_often() -> None:
    job = new_job()
    open_units(job, UNITS)
    nodes = nodes_of(persons=4, each=2)

    def work(node: Node) -> int:
        return sum(
            len(actions.claim(node, max_units=7, now=timezone.now())) for _ in range(12)
        )

    given = sum(in_threads(work, nodes))
    while given < 2 * UNITS:  # locked rows were passed over: ask once more
        more = sum(work(node) for node in nodes)
        assert more > 0
        given += more
    per_unit = Lease.objects.values("unit").annotate(n=Count("id"))
    assert Counter(row["n"] for row in per_unit) == {2: UNITS}
    twice = Lease.objects.values("unit", "person").annotate(n=Count("id"))
    assert all(row["n"] == 1 for row in twice)
    assert not Unit.objects.filter(free__gt=0).exists()


def test_one_persons_nodes_at_the_same_moment_see_each_unit_once() -> None:
    open_units(new_job(replicas=THREADS), UNITS)
    nodes = nodes_of(persons=1, each=THREADS)

    def work(node: Node) -> int:
        return sum(
            len(actions.claim(node, max_units=1, now=timezone.now()))
            for _ in range(UNITS)
        )

    assert sum(in_threads(work, nodes)) <= UNITS
    assert all(
        row["n"] == 1 for row in Lease.objects.values("unit").annotate(n=Count("id"))
    )


def work_badly(node: Node) -> None:
    """Claim, answer, answer again, give back, be late, have others run out of time."""
    chance = random.Random(node.pk)
    for _ in range(14):
        now = timezone.now() + timedelta(seconds=chance.choice([0, 0, 0, 61]))
        granted = actions.claim(node, max_units=chance.randint(1, 6), now=now)
        items = [
            {"lease": str(each.lease.uuid), "seconds": 0.1, "output": DOG}
            for each in granted
        ]
        deed = chance.random()
        if deed < 0.15:
            actions.release(node, {each.lease.uuid for each in granted}, now=now)
        elif deed < 0.3:
            actions.expire_leases(now + timedelta(seconds=61))
        actions.accept_results(node, items, now=now)
        if deed > 0.7:
            actions.accept_results(node, items, now=now)


def test_nodes_that_claim_repeat_release_and_expire_lose_and_double_nothing() -> None:
    job = new_job()
    open_units(job, UNITS)
    nodes = nodes_of(persons=4, each=2)
    in_threads(work_badly, nodes)
    for _ in range(20):
        actions.expire_leases(timezone.now() + timedelta(seconds=600))
        for node in nodes:
            work_badly(node)
        if not Unit.objects.filter(status=Unit.Status.OPEN).exists():
            break
    assert Counter(Unit.objects.values_list("status", flat=True)) == {"final": UNITS}
    per_unit = Result.objects.values("lease__unit").annotate(n=Count("id"))
    assert Counter(row["n"] for row in per_unit) == {2: UNITS}
    kinds = Counter(Transfer.objects.values_list("kind", flat=True))
    assert (kinds["inference"], kinds["fee"]) == (2 * UNITS, 2 * UNITS)
    job.account.refresh_from_db()
    assert job.account.held == 0
    assert job.account.debits == 2 * UNITS * (PRICE + FEE)
    assert list(ledger_problems()) == []


def test_one_request_sent_by_many_threads_is_accepted_once() -> None:
    open_units(new_job())
    node = new_node()
    body = b'{"max_units": 1}'
    headers = node.headers(protocol.CLAIM, body)

    def work(_number: int) -> int:
        return node.send_signed(protocol.CLAIM, body, headers).status

    statuses = Counter(in_threads(work, range(THREADS)))
    assert statuses == {200: 1, 401: THREADS - 1}
