"""Durable acceptances per second: the ledger, one raw SQL call, and django-hordak.

    python -m benchmarks.ledger [--seconds 2] [--rounds 3] [--no-peers]

An acceptance ends the hold of its task and pays a reward and a fee from one escrow,
each under a key of its own, all or nothing. The ledger's way is that of the product's
actions: ``ledger.post`` in a transaction. The raw way is one call of one SQL function
by psycopg2, on tables with the same keys, indexes and constraints and no trigger: what
the same PostgreSQL can do at most. Contestants take turns, so that a computer that
gets slower favours none; the middle of the rounds counts. Random: 100 projects. Hot:
one escrow. On SQLite the raw way is Python's own sqlite3. The last line is JSON.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack

import psycopg2

from benchmarks import ledger_clients as clients
from benchmarks import ledger_places as places
from tests.site.found import postgres

CLIENTS = (1, 8)


class Contestant:
    """Nine client processes of one kind: the first alone, or the other eight."""

    def __init__(self, command: Sequence[str], env: dict[str, str]) -> None:
        self._processes = [
            subprocess.Popen(
                [*command, str(number)],
                cwd=places.ROOT,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(clients.NUMBERS)
        ]
        for process in self._processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"

    def accept(self, case: str, count: int, seconds: float) -> list[int]:
        """Let so many clients accept for a while; return what each took, in µs."""
        chosen = self._processes[:1] if count == 1 else self._processes[1 : count + 1]
        for process in chosen:
            assert process.stdin
            process.stdin.write(json.dumps({"case": case, "seconds": seconds}) + "\n")
            process.stdin.flush()
        taken: list[int] = []
        for process in chosen:
            assert process.stdout
            taken += json.loads(process.stdout.readline())["taken"]
        return taken

    def close(self) -> None:
        for process in self._processes:
            process.communicate("")


def compare(
    commands: dict[str, tuple[Sequence[str], dict[str, str]]],
    *,
    seconds: float,
    rounds: int,
) -> dict[str, float]:
    """Return acceptances per second by ``name case clients``, the middle of rounds."""
    rates: dict[str, list[float]] = {}
    slow: dict[str, list[int]] = {}
    with ExitStack() as stack:
        contestants = {}
        for name, (command, env) in commands.items():
            contestants[name] = Contestant(command, env)
            stack.callback(contestants[name].close)
        for turn in range(rounds + 1):
            for case in clients.CASES:
                for count in CLIENTS:
                    for name, contestant in contestants.items():
                        # The first turn warms caches and plans up and does not count.
                        length = seconds if turn else seconds / 4
                        taken = contestant.accept(case, count, length)
                        if turn:
                            label = f"{name} {case} {count}"
                            rates.setdefault(label, []).append(len(taken) / length)
                            slow.setdefault(label, []).extend(taken)
    for label, found in sorted(rates.items()):
        times = sorted(slow[label])
        print(
            f"{label:18} {statistics.median(found):7.0f} /s   "
            f"p50 {times[len(times) // 2] / 1000:6.2f} ms   "
            f"p99 {times[len(times) * 99 // 100] / 1000:6.2f} ms   "
            f"rounds {', '.join(f'{each:.0f}' for each in found)}"
        )
    return {label: statistics.median(found) for label, found in rates.items()}


def client(kind: str, address: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.ledger_clients", kind, address]


def is_durable(address: str) -> bool:
    connection = psycopg2.connect(address)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('fsync') = 'on'"
            " AND current_setting('synchronous_commit') = 'on'"
        )
        (durable,) = cursor.fetchone()
    connection.close()
    return durable


def on_postgres(server: str, arguments: argparse.Namespace) -> dict[str, object]:
    with places.postgres_place(server) as address:
        durable = is_durable(address)
        print(f"PostgreSQL{'' if durable else ', NOT DURABLE: fsync is off'}")
        commands = {
            "tessera": (client("tessera", address), places.environment(address)),
            "raw": (client("raw", address), dict(os.environ)),
        }
        if not arguments.no_peers:
            commands["hordak"] = (places.hordak(address), dict(os.environ))
        rates = compare(commands, seconds=arguments.seconds, rounds=arguments.rounds)
        drift = places.problems(address)

    def ratio(peer: str, case: str, count: int) -> float | None:
        theirs = rates.get(f"{peer} {case} {count}")
        return theirs and round(rates[f"tessera {case} {count}"] / theirs, 3)

    peers = [
        ratio("hordak", case, count) for case in clients.CASES for count in CLIENTS
    ]
    return {
        "ratio_to_raw_1": ratio("raw", "random", 1),
        "ratio_to_raw_8": ratio("raw", "random", 8),
        "ratio_to_raw_1_hot": ratio("raw", "hot", 1),
        "ratio_to_raw_8_hot": ratio("raw", "hot", 8),
        "ratio_to_hordak": min((each for each in peers if each), default=None),
        "durable": durable,
        "problems": drift,
        "per_s": {label: round(rate) for label, rate in rates.items()},
    }


def on_sqlite(arguments: argparse.Namespace) -> dict[str, object]:
    print("SQLite, WAL, synchronous=NORMAL: a power cut may take the last moments")
    with (
        tempfile.TemporaryDirectory(prefix="tessera-bench-") as folder,
        places.sqlite_place(folder) as path,
    ):
        address = f"sqlite:///{path}"
        commands = {
            "tessera": (client("tessera", address), places.environment(address)),
            "raw": (client("sqlite", path), dict(os.environ)),
        }
        rates = compare(commands, seconds=arguments.seconds, rounds=arguments.rounds)
        drift = places.problems(address)
    return {
        "sqlite_problems": drift,
        "sqlite_per_s": {label: round(rate) for label, rate in rates.items()},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--no-sqlite", action="store_true")
    arguments = parser.parse_args()
    figures: dict[str, object] = {}
    if server := postgres():
        figures |= on_postgres(server, arguments)
    else:
        print("NOT RUN: PostgreSQL (set TEST_DATABASE_URL)")
    if not arguments.no_sqlite:
        figures |= on_sqlite(arguments)
    print(json.dumps(figures))
    return 1 if figures.get("problems") or figures.get("sqlite_problems") else 0


if __name__ == "__main__":
    sys.exit(main())
