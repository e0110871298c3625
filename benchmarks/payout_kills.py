"""Real workers on a real simulated Pi, ended by ``kill -9`` at seeded moments."""

import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.payout_result import Result

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_SECONDS = 60.0
# Each look-up takes this long, so that a kill falls between any two calls.
CALL_SECONDS = 0.05
MOST_KILLS = 3
PAYOUTS = 2


def kill_runs(count: int, seed: int) -> list[Result]:
    """Play the runs in a process of their own, with a database of their own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_play, (count, seed))


def _play(count: int, seed: int) -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="tessera-kills-") as name:
        folder = Path(name)
        port = _free_port()
        url = f"http://127.0.0.1:{port}"
        _prepare(folder, url)
        with _process(
            "-m", "rewards.simulator", "--port", str(port), "--data", name + "/pi.json"
        ):
            _wait_for(lambda: _answers(url))
            bench = _Bench(folder / "pi.json", url)
            return [bench.play(number) for number in range(seed, seed + count)]


def _prepare(folder: Path, url: str) -> None:
    from rewards.simulator.keys import OUTGOING  # noqa: PLC0415

    os.environ |= {
        "TESSERA_DATA": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'payouts.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "marketplace.site.settings",
        "HTTPS": "0",
        "LOG_LEVEL": "CRITICAL",
        "REDIS_URL": "",
        "PI_BACKEND": "simulated",
        "PI_SIMULATOR_URL": url,
        "PI_WALLET_SEED": OUTGOING.secret,
        "PAYOUTS_ENABLED": "1",
        "PAYOUT_HOURLY_CAP_PI": "90000",
        "PAYOUT_DAILY_CAP_PI": "90000",
    }
    import django  # noqa: PLC0415

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)


class _Bench:
    """One database and one Pi; each run adds its people and its payouts."""

    def __init__(self, state_path: Path, url: str) -> None:
        from benchmarks.payout_world import fund_the_wallet  # noqa: PLC0415
        from rewards.simulator.world import OUTGOING_BALANCE  # noqa: PLC0415

        self.state_path = state_path
        self.url = url
        fund_the_wallet(OUTGOING_BALANCE)

    def play(self, seed: int) -> Result:
        chance = random.Random(f"kill {seed}")
        result = Result(seed)
        self._make_trouble(chance)
        ids = [self._ask(f"{seed}_{number}") for number in range(PAYOUTS)]
        for _ in range(chance.randint(1, MOST_KILLS)):
            result.crashes += self._kill(chance, ids)
        with _worker() as worker:
            _wait_for(lambda: self._all_ended(ids))
            worker.terminate()
            worker.wait(20)
        self._judge(result, ids)
        return result

    def _make_trouble(self, chance: random.Random) -> None:
        actions = ("drop_answer", "landed_unknown", "http_504", "duplicate")
        faults = [
            {
                "action": chance.choice(actions),
                "method": "POST",
                "path": "^/(v2/payments|transactions)$",
                "nth": chance.randint(1, 2),
            },
            {"action": "delay", "method": "GET", "seconds": CALL_SECONDS, "nth": 0},
        ]
        answer = httpx.post(f"{self.url}/simulated/faults", json={"faults": faults})
        answer.raise_for_status()

    def _ask(self, name: str) -> int:
        from benchmarks.payout_world import approved_payout  # noqa: PLC0415

        answer = httpx.post(
            f"{self.url}/simulated/users", json={"username": f"pioneer{name}"}
        )
        uid = answer.raise_for_status().json()["user"]["uid"]
        return approved_payout(name, uid)

    def _kill(self, chance: random.Random, ids: Sequence[int]) -> int:
        """Start a worker and end it somewhere in the middle; 1 when it was at work."""
        from rewards.models import WalletLease  # noqa: PLC0415

        fence = WalletLease.objects.values_list("fence", flat=True).first() or 0
        with _worker() as worker:
            _wait_for(
                lambda: (
                    WalletLease.objects.filter(fence__gt=fence).exists()
                    or self._all_ended(ids)
                )
            )
            time.sleep(chance.uniform(0, PAYOUTS * 10 * CALL_SECONDS))
            worker.send_signal(signal.SIGKILL)
            worker.wait(20)
        return 1

    def _all_ended(self, ids: Sequence[int]) -> bool:
        from rewards.models import Payout  # noqa: PLC0415
        from rewards.payouts.transitions import FINAL  # noqa: PLC0415

        return not Payout.objects.filter(pk__in=ids).exclude(status__in=FINAL).exists()

    def _judge(self, result: Result, ids: Sequence[int]) -> None:
        from benchmarks.payout_driver import compare  # noqa: PLC0415
        from rewards.models import Payout  # noqa: PLC0415
        from rewards.simulator.world import Simulator  # noqa: PLC0415

        rows = list(Payout.objects.filter(pk__in=ids).order_by("id"))
        compare(Simulator(self.state_path), rows, result)


@contextmanager
def _worker() -> Iterator[subprocess.Popen[bytes]]:
    arguments = ("manage.py", "run_payouts", "--pause", "0.05", "--lease", "3")
    with _process(*arguments) as process:
        yield process


@contextmanager
def _process(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        (sys.executable, *arguments),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # who was killed leaves broken pipes
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return  # what is not there now is judged as stuck
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.HTTPError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
