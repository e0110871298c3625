"""Payouts under faults and crashes: ``python -m benchmarks.payout_chaos --runs N``.

Each run is a small world made from its seed alone: people who ask for payouts, a
simulated Pi whose calls are lost, doubled, delayed and refused, and workers that die
before and after each of their calls and commits, or are overtaken in the middle of one.
When all is quiet, the chain is compared with the ledger. ``--only SEED`` replays one
run and prints every step. Then real workers on a real server are ended by ``kill -9``.
The last line is JSON.
"""

import argparse
import json
import multiprocessing
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence

from benchmarks.payout_kills import kill_runs
from benchmarks.payout_result import Result

MOST_ROUNDS = 600


def run(seed: int) -> Result:
    """Drive one world until it is quiet, in whatever database is connected."""
    from django.test.utils import override_settings  # noqa: PLC0415

    from benchmarks.payout_driver import Driver  # noqa: PLC0415
    from benchmarks.payout_world import SETTINGS, build  # noqa: PLC0415

    chance = random.Random(seed)
    result = Result(seed)
    with (
        override_settings(**SETTINGS),
        build(chance, people=chance.randint(2, 4)) as world,
    ):
        driver = Driver(world, chance)
        driver.drive(MOST_ROUNDS)
        driver.judge(result)
    return result


class Database:
    """An SQLite in memory that is as new for every run."""

    def __init__(self) -> None:
        from django.core.management import call_command  # noqa: PLC0415
        from django.db import connection  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        self.live = connection.connection
        self.template = sqlite3.connect(":memory:")
        self.live.backup(self.template)

    def renew(self) -> None:
        self.template.backup(self.live)


def prepare() -> None:
    """Start Django on a database in memory, apart from everybody's data."""
    folder = tempfile.mkdtemp(prefix="tessera-chaos-")
    os.environ |= {
        "TESSERA_DATA": folder,
        "DATABASE_URL": "sqlite://:memory:",
        "HTTPS": "0",
        "LOG_LEVEL": "CRITICAL",
        "REDIS_URL": "",
        "DJANGO_SETTINGS_MODULE": "marketplace.site.settings",
    }
    import django  # noqa: PLC0415

    django.setup()
    from django.conf import settings  # noqa: PLC0415

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def run_many(seeds: Sequence[int]) -> list[Result]:
    """Run worlds one after the other, each in a database as new."""
    prepare()
    database = Database()
    results = []
    for seed in seeds:
        database.renew()
        results.append(run(seed))
        if not results[-1].is_clean:
            print(f"seed {seed}: {_wrongs(results[-1])}", flush=True)
    return results


def run_all(seeds: Sequence[int], jobs: int) -> list[Result]:
    """Spread worlds over processes; which one makes a world does not change it."""
    if jobs == 1:
        return run_many(seeds)
    parts = [seeds[number::jobs] for number in range(jobs)]
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        return [result for part in pool.map(run_many, parts) for result in part]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.payout_chaos")
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1, help="of the first run")
    parser.add_argument("--only", type=int, help="replay one run, and say all of it")
    parser.add_argument("--kill-runs", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    options = parser.parse_args(arguments)
    seeds = range(options.seed, options.seed + options.runs)
    if options.only is not None:
        seeds, options.kill_runs = range(options.only, options.only + 1), 0
    began = time.monotonic()
    results = run_all(seeds, 1 if len(seeds) < 2 else options.jobs) if seeds else []
    for line in results[0].trace if options.only is not None else []:
        print(line)
    print(f"{_told(results)}, {time.monotonic() - began:.0f} s")
    if options.kill_runs:
        killed = kill_runs(options.kill_runs, options.seed)
        print(f"with kill -9: {_told(killed)}")
        results += killed
    print(json.dumps({"runs": len(results), **_wrongs(*results)}))
    return 0 if all(result.is_clean for result in results) else 1


def _told(results: Sequence[Result]) -> str:
    return (
        f"{len(results)} runs, {sum(row.payouts for row in results)} payouts,"
        f" {sum(row.completed for row in results)} completed,"
        f" {sum(row.crashes for row in results)} crashes"
    )


def _wrongs(*results: Result) -> dict[str, int]:
    names = ("double_paid", "drift", "stuck", "wrong_cancels")
    return {name: sum(getattr(row, name) for row in results) for name in names}


if __name__ == "__main__":
    sys.exit(main())
