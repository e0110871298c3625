"""Laws of chaos: whatever fails and whoever dies, each payout is paid once or not."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction

from benchmarks import payout_chaos
from rewards.errors import PayoutRefused, RewardsError
from rewards.models import Envelope, Payout
from rewards.payouts import approvals, requests
from rewards.payouts.leases import LeaseLost
from tests.rewards.payouts import PI, Scene, playing

ROOT = Path(settings.BASE_DIR)


def play(seed: int) -> payout_chaos.Result:
    """Run one world and leave nothing of it behind."""
    with transaction.atomic():
        result = payout_chaos.run(seed)
        transaction.set_rollback(True)
    return result


@pytest.mark.parametrize("first", range(0, 40, 10))
def test_no_seed_pays_twice_loses_or_leaves_anything(db: None, first: int) -> None:
    results = [play(seed) for seed in range(first, first + 10)]
    assert [result.seed for result in results if not result.is_clean] == []
    assert sum(result.completed for result in results) > 20


def test_a_seed_is_replayed_exactly(db: None) -> None:
    first, second = play(7), play(7)
    assert first.trace == second.trace
    assert len(first.trace) > 20


@pytest.mark.processes
def test_workers_that_are_killed_pay_once() -> None:
    answer = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.payout_chaos"),
            *("--runs", "0", "--kill-runs", "2", "--seed", "3"),
        ],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    figures = json.loads(answer.stdout.splitlines()[-1])
    assert figures == {
        "runs": 2,
        "double_paid": 0,
        "drift": 0,
        "stuck": 0,
        "wrong_cancels": 0,
    }


# --- At the same moment


@pytest.fixture
def crowd(transactional_db: None, settings) -> Scene:
    settings.PI_BACKEND = "simulated"
    settings.PAYOUTS_ENABLED = True
    settings.PAYOUT_DAILY_BY_LEVEL_PI = ["0", "0", "50", "200"]
    with playing() as scene:
        yield scene


def in_threads(count: int, work) -> list[object]:
    def one(number: int) -> object:
        try:
            return work(number)
        except (RewardsError, LeaseLost) as error:
            return type(error)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_asked_at_the_same_moment_only_one_payout_is_opened(crowd: Scene) -> None:
    person, account = crowd.person()

    def ask(_number: int) -> object:
        return requests.request_payout(person, account, 2 * PI, now=crowd.now).status

    answers = in_threads(6, ask)
    assert answers.count("requested") == 1
    assert answers.count(PayoutRefused) == 5
    account.refresh_from_db()
    assert account.held == 2 * PI


def test_approved_at_the_same_moment_one_member_of_staff_is_the_second(
    crowd: Scene,
) -> None:
    person, account = crowd.person()
    payout = requests.request_payout(person, account, 2 * PI, now=crowd.now)
    approvals.prepare(payout.uuid, crowd.staff(), now=crowd.now)
    staff = [crowd.staff() for _ in range(4)]
    answers = in_threads(
        4, lambda n: approvals.approve(payout.uuid, staff[n], now=crowd.now).status
    )
    assert answers.count("approved") == 1


def test_workers_at_the_same_moment_land_one_envelope_a_payout(crowd: Scene) -> None:
    from rewards.payouts import engine, leases

    payouts = [crowd.approved(*crowd.person()) for _ in range(3)]
    # The same holder on purpose: a lease that failed must not be the only guard.
    teller = leases.take(crowd.network, crowd.wallet, holder="both", now=crowd.now)
    assert teller is not None
    in_threads(4, lambda _n: engine.work(teller, crowd.now))
    for _ in range(3):
        crowd.work(holder="both")
        crowd.wait(30)
    for payout in payouts:
        payout.refresh_from_db()
        assert payout.status == Payout.Status.COMPLETED
        assert len(crowd.simulator.debits(payout.payment_id or "")) == 1
        # One signed on a sequence that another payout used meanwhile can never land:
        # it is proven dead before the next one is signed.
        fates = sorted(Envelope.objects.filter(payout=payout).values_list("fate"))
        assert fates.count((Envelope.Fate.LANDED,)) == 1
        assert set(fates) <= {(Envelope.Fate.LANDED,), (Envelope.Fate.DEAD,)}
    assert crowd.drift() == 0
