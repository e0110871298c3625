"""What every test shares: a data folder of its own, and tables that can be emptied."""

import os
import tempfile
from pathlib import Path

# Before Django reads its settings: tests never touch the demo's data.
os.environ["TESSERA_DATA"] = tempfile.mkdtemp(prefix="tessera-tests-")
os.environ["HTTPS"] = "0"
os.environ["LOG_LEVEL"] = "ERROR"
os.environ["REDIS_URL"] = ""
os.environ.setdefault("DATABASE_URL", f"sqlite:///{os.environ['TESSERA_DATA']}/t.sqlite3")

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase

from rewards import triggers

_empty_tables = TransactionTestCase._fixture_teardown


def _empty_guarded_tables(self: TransactionTestCase) -> None:
    """Take the ledger's guard off to empty the tables; post_migrate puts it back."""
    triggers.remove(connection)
    _empty_tables(self)
    triggers.install(connection)


TransactionTestCase._fixture_teardown = _empty_guarded_tables  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    cache.clear()


@pytest.fixture(autouse=True, scope="session")
def _quick_passwords() -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def photos() -> Path:
    """Return the folder of the bundled photos."""
    return Path(settings.BASE_DIR) / "marketplace" / "demo_photos"
