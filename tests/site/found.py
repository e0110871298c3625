"""What this machine has for the tests: ``-m tests.site.found browser|postgres``."""

import os
import shutil
import sys

import psycopg2

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
LOCAL_SERVER = "postgres://postgres@127.0.0.1:5432/postgres"


def browser() -> str:
    """Return the path of a Chromium (CHROMIUM names one), or nothing."""
    names = [os.environ.get("CHROMIUM", ""), *BROWSERS]
    return next(filter(None, map(shutil.which, filter(None, names))), "")


def postgres() -> str:
    """Return the address of a PostgreSQL server for the tests, or nothing.

    A server that was named is taken at its word, so that a wrong address is an error
    and never a silent skip.
    """
    named = os.environ.get("TEST_DATABASE_URL", "")
    if named:
        return named
    try:
        connection = psycopg2.connect(LOCAL_SERVER, connect_timeout=3)
    except psycopg2.OperationalError:
        return ""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT rolcreatedb FROM pg_roles WHERE rolname = current_user")
        allowed = cursor.fetchone()
    connection.close()
    return LOCAL_SERVER if allowed and allowed[0] else ""


def main() -> int:
    if sys.argv[1] == "postgres":
        print(postgres())  # noqa: T201
        return 0 if postgres() else 1
    if browser():
        return 0
    print("NOT RUN: the browser tests (no Chromium; Debian: apt-get install chromium)")  # noqa: T201
    return 1 if os.environ.get("TESSERA_NO_SKIPS") else 0


if __name__ == "__main__":
    sys.exit(main())
