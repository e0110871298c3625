"""Where ``benchmarks.ledger`` measures: a database of its own, filled for every way."""

import json
import os
import sqlite3
import subprocess
import sys
import venv
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
from psycopg2.extras import execute_values

from benchmarks import ledger_clients as clients

ROOT = Path(__file__).resolve().parents[1]
PEERS = Path(__file__).parent / ".peers"
DATABASE = "tessera_bench"
MONEY = 10**15
HOLD = clients.REWARD + clients.FEE
NOW = "2026-11-22T00:00:00+00:00"
Fill = list[tuple[str, list[tuple[object, ...]]]]
RAW = """
CREATE SCHEMA raw;
CREATE TABLE raw.account (
  id bigint PRIMARY KEY, debits bigint NOT NULL DEFAULT 0,
  credits bigint NOT NULL DEFAULT 0, held bigint NOT NULL DEFAULT 0,
  CHECK (credits >= debits + held), CHECK (debits >= 0 AND held >= 0));
CREATE TABLE raw.hold (
  id bigint PRIMARY KEY, account bigint NOT NULL REFERENCES raw.account,
  amount bigint NOT NULL CHECK (amount > 0));
CREATE TABLE raw.hold_end (
  hold bigint PRIMARY KEY REFERENCES raw.hold, outcome text NOT NULL,
  created timestamptz NOT NULL);
CREATE TABLE raw.transfer (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL UNIQUE,
  debit bigint NOT NULL REFERENCES raw.account,
  credit bigint NOT NULL REFERENCES raw.account,
  amount bigint NOT NULL CHECK (amount > 0), kind text NOT NULL, grp text NOT NULL,
  reverses bigint UNIQUE REFERENCES raw.transfer, created timestamptz NOT NULL,
  CHECK (debit <> credit));
CREATE INDEX ON raw.transfer (grp);
CREATE INDEX ON raw.transfer (debit, id);
CREATE INDEX ON raw.transfer (credit, id);
CREATE FUNCTION raw.accept(
  the_hold bigint, escrow bigint, fees bigint, person bigint, the_key text,
  the_group text, reward bigint, fee bigint) RETURNS boolean AS $$
DECLARE
  kept bigint;
BEGIN
  INSERT INTO raw.hold_end VALUES (the_hold, 'post', now()) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN false; END IF;
  SELECT amount INTO kept FROM raw.hold WHERE id = the_hold;
  UPDATE raw.account SET debits = debits + reward + fee, held = held - kept
    WHERE id = escrow;
  UPDATE raw.account SET credits = credits + fee WHERE id = fees;
  UPDATE raw.account SET credits = credits + reward WHERE id = person;
  INSERT INTO raw.transfer (key, debit, credit, amount, kind, grp, created) VALUES
    (the_key, escrow, person, reward, 'answer', the_group, now()),
    (the_key || ':fee', escrow, fees, fee, 'fee', the_group, now());
  RETURN true;
END $$ LANGUAGE plpgsql;
"""
RAW_SQLITE = """
PRAGMA journal_mode=WAL;
CREATE TABLE raw_account (
  id INTEGER PRIMARY KEY, debits INTEGER NOT NULL DEFAULT 0,
  credits INTEGER NOT NULL DEFAULT 0, held INTEGER NOT NULL DEFAULT 0,
  CHECK (credits >= debits + held), CHECK (debits >= 0 AND held >= 0));
CREATE TABLE raw_hold (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES raw_account,
  amount INTEGER NOT NULL CHECK (amount > 0));
CREATE TABLE raw_hold_end (
  hold INTEGER PRIMARY KEY REFERENCES raw_hold, outcome TEXT NOT NULL,
  created TEXT NOT NULL);
CREATE TABLE raw_transfer (
  id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,
  debit INTEGER NOT NULL REFERENCES raw_account,
  credit INTEGER NOT NULL REFERENCES raw_account,
  amount INTEGER NOT NULL CHECK (amount > 0), kind TEXT NOT NULL, grp TEXT NOT NULL,
  reverses INTEGER UNIQUE REFERENCES raw_transfer, created TEXT NOT NULL,
  CHECK (debit <> credit));
CREATE INDEX raw_grp ON raw_transfer (grp);
CREATE INDEX raw_debit ON raw_transfer (debit, id);
CREATE INDEX raw_credit ON raw_transfer (credit, id);
"""


def rows() -> tuple[list[tuple[int, str, str]], list[tuple[int, int]]]:
    """Return the accounts (id, code, kind) and the holds (id, account)."""
    accounts = [(1, "asset:pi_in", "asset")]
    for kind, first, count in (
        ("escrow", clients.ESCROW, clients.PROJECTS),
        ("fees", clients.FEES, clients.PROJECTS),
        ("pending", clients.PERSON, clients.PEOPLE),
    ):
        accounts += [(first + n, f"{kind}:{n}", kind) for n in range(count)]
    holds = [
        (hold, clients.ESCROW + clients.project_of(case, hold))
        for case in clients.CASES
        for hold in range(
            clients.first_hold(case, 0), clients.first_hold(case, clients.NUMBERS)
        )
    ]
    return accounts, holds


def raw_rows(prefix: str) -> Fill:
    accounts, holds = rows()
    held = Counter(account for _hold, account in holds)
    return [
        (
            f"INSERT INTO {prefix}account (id, credits, held) VALUES",
            [
                (pk, MONEY * (kind == "escrow"), HOLD * held[pk])
                for pk, _code, kind in accounts
            ],
        ),
        (f"INSERT INTO {prefix}hold VALUES", [(*each, HOLD) for each in holds]),
    ]


def own_rows() -> Fill:
    """Return what fills the product's tables; its triggers keep the balances."""
    accounts, holds = rows()
    return [
        (
            (
                "INSERT INTO rewards_account (id, code, kind, floor, debits, credits,"
                " held, closed) VALUES"
            ),
            [
                (pk, code, kind, None if pk == 1 else 0, 0, 0, 0, False)
                for pk, code, kind in accounts
            ],
        ),
        (
            (
                "INSERT INTO rewards_transfer (key, debit_id, credit_id, amount, kind,"
                ' "group", created) VALUES'
            ),
            [
                (f"fund:{pk}", 1, pk, MONEY, "fund", "", NOW)
                for pk, _code, kind in accounts
                if kind == "escrow"
            ],
        ),
        (
            "INSERT INTO rewards_hold (id, account_id, key, amount, created) VALUES",
            [(pk, account, f"task:{pk}", HOLD, NOW) for pk, account in holds],
        ),
    ]


@contextmanager
def postgres_place(server: str) -> Iterator[str]:
    """Make the database, fill it, yield its address, drop it."""
    admin = psycopg2.connect(server)
    admin.autocommit = True
    address = urlsplit(server)._replace(path=f"/{DATABASE}").geturl()
    with admin.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {DATABASE}")
        try:
            migrate(address)
            run(address, RAW)
            for insert, values in raw_rows("raw.") + own_rows():
                run(address, f"{insert} %s", values)
            run(address, "ANALYZE")
            yield address
        finally:
            cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    admin.close()


def run(address: str, sql: str, values: list[tuple[object, ...]] | None = None) -> None:
    connection = psycopg2.connect(address)
    with connection, connection.cursor() as cursor:
        if values is None:
            cursor.execute(sql)
        else:
            execute_values(cursor, sql, values, page_size=5_000)
    connection.close()


@contextmanager
def sqlite_place(folder: str) -> Iterator[str]:
    path = Path(folder) / "bench.sqlite3"
    migrate(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    connection.executescript(RAW_SQLITE)
    with connection:
        for insert, values in raw_rows("raw_") + own_rows():
            marks = ", ".join("?" * len(values[0]))
            connection.executemany(f"{insert} ({marks})", values)
    connection.close()
    yield str(path)


def environment(address: str) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": address,
        "DJANGO_SETTINGS_MODULE": "marketplace.site.settings",
        "HTTPS": "0",
        "DEBUG": "0",
        "LOG_LEVEL": "ERROR",
        "REDIS_URL": "",
    }


def migrate(address: str) -> None:
    command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env=environment(address), check=True)


def problems(address: str) -> str:
    """Return what does not add up in the product's tables afterwards."""
    code = (
        "import django; django.setup(); from rewards.queries import ledger_problems;"
        "print(*list(ledger_problems())[:5], sep='; ')"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(address),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def hordak(address: str) -> list[str]:
    """Return the command of django-hordak's client, installed and prepared."""
    python = PEERS / "hordak" / "bin" / "python"
    if not python.exists():
        print("installing django-hordak 2.0.0 in benchmarks/.peers/hordak")
        venv.create(PEERS / "hordak", with_pip=True)
        needed = ["django-hordak==2.0.0", "Django==5.2.*", "psycopg2-binary"]
        subprocess.run([python, "-m", "pip", "install", "-q", *needed], check=True)
    parts = urlsplit(address)
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": DATABASE,
        "USER": parts.username or "",
        "PASSWORD": parts.password or "",
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        "OPTIONS": {"options": "-c search_path=hordak"},
    }
    run(address, "CREATE SCHEMA hordak")
    script = str(Path(__file__).with_name("ledger_hordak.py"))
    command = [str(python), script, json.dumps(database)]
    subprocess.run([*command, "-1"], check=True)
    return command
