# ruff: noqa: PLC0415, PLR0917 — a client pays only for the imports of its own way
"""One client of ``benchmarks.ledger``: accepts answers for some seconds when told to.

    python -m benchmarks.ledger_clients tessera|raw|sqlite ADDRESS NUMBER

Speaks JSON lines with its parent. An acceptance ends the hold of its task and pays a
reward and a fee from one escrow, each under a key of its own, all or nothing, durably.
"""

import itertools
import json
import os
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

NUMBERS = 9  # one client alone, then eight
REWARD, FEE = 100_000, 10_000
PROJECTS, PEOPLE = 100, 1_000
ESCROW, FEES, PERSON = 10, 1_010, 2_010  # the first account's id of each kind
HOLDS_EACH = 12_000  # holds of one client and case
CASES = ("random", "hot")
Accept = Callable[[int, int, int, int, str, str], None]


def first_hold(case: str, number: int) -> int:
    return 1 + (CASES.index(case) * NUMBERS + number) * HOLDS_EACH


def project_of(case: str, hold: int) -> int:
    """Return the project a hold belongs to: scattered, or the first for all."""
    return 0 if case == "hot" else hold * 7919 % PROJECTS


def tessera() -> Accept:
    import django

    django.setup()
    from django.db import transaction

    from rewards import ledger
    from rewards.models import HoldEnd, Transfer

    def accept(
        hold: int, escrow: int, fees: int, person: int, key: str, group: str
    ) -> None:
        with transaction.atomic():
            ledger.post(
                [
                    ledger.Movement(
                        key=key,
                        debit=escrow,
                        credit=person,
                        amount=REWARD,
                        kind=Transfer.Kind.ANSWER,
                        group=group,
                    ),
                    ledger.Movement(
                        key=f"{key}:fee",
                        debit=escrow,
                        credit=fees,
                        amount=FEE,
                        kind=Transfer.Kind.FEE,
                        group=group,
                    ),
                ],
                resolutions=[
                    ledger.Resolution(hold=hold, outcome=HoldEnd.Outcome.POST)
                ],
            )

    return accept


def raw(address: str) -> Accept:
    import psycopg2

    connection = psycopg2.connect(address)
    connection.autocommit = True
    cursor = connection.cursor()

    def accept(
        hold: int, escrow: int, fees: int, person: int, key: str, group: str
    ) -> None:
        cursor.execute(
            "SELECT raw.accept(%s, %s, %s, %s, %s, %s, %s, %s)",
            (hold, escrow, fees, person, key, group, REWARD, FEE),
        )
        assert cursor.fetchone() == (True,)

    return accept


def sqlite(address: str) -> Accept:
    import sqlite3

    connection = sqlite3.connect(address, isolation_level=None, timeout=30)
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")

    def accept(
        hold: int, escrow: int, fees: int, person: int, key: str, group: str
    ) -> None:
        run = connection.execute
        run("BEGIN IMMEDIATE")
        now = datetime.now(UTC).isoformat()
        run("INSERT INTO raw_hold_end VALUES (?, 'post', ?)", (hold, now))
        run(
            "INSERT INTO raw_transfer (key, debit, credit, amount, kind, grp, created)"
            " VALUES (?, ?, ?, ?, 'answer', ?, ?), (?, ?, ?, ?, 'fee', ?, ?)",
            (
                key,
                escrow,
                person,
                REWARD,
                group,
                now,
                f"{key}:fee",
                escrow,
                fees,
                FEE,
                group,
                now,
            ),
        )
        run(
            "UPDATE raw_account SET debits = debits + ?, held = held - ? WHERE id = ?",
            (REWARD + FEE, REWARD + FEE, escrow),
        )
        add = "UPDATE raw_account SET credits = credits + ? WHERE id = ?"
        run(add, (FEE, fees))
        run(add, (REWARD, person))
        run("COMMIT")

    return accept


def serve(accept: Accept, number: int) -> None:
    """Accept for as long as each line says; answer how many, and how slow they were."""
    chance = random.Random(number)
    done = {case: itertools.count() for case in CASES}
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        case, taken = order["case"], []
        end = time.perf_counter() + order["seconds"]
        begun = time.perf_counter()
        while begun < end:
            turn = next(done[case])
            if turn >= HOLDS_EACH:
                break
            hold = first_hold(case, number) + turn
            project = project_of(case, hold)
            person = PERSON + chance.randrange(PEOPLE)
            accept(
                hold,
                ESCROW + project,
                FEES + project,
                person,
                f"decision:{hold}",
                f"task:{hold:036d}",
            )
            finished = time.perf_counter()
            taken.append(finished - begun)
            begun = finished
        print(json.dumps({"taken": [round(each * 1e6) for each in taken]}), flush=True)


def main() -> None:
    kind, address, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.site.settings")
    accept = (
        tessera()
        if kind == "tessera"
        else {"raw": raw, "sqlite": sqlite}[kind](address)
    )
    serve(accept, number)


if __name__ == "__main__":
    main()
