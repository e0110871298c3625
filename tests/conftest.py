"""What every test shares: tables that can be emptied, and the bundled photos."""

from pathlib import Path

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


@pytest.fixture
def photos() -> Path:
    """Return the folder of the bundled photos."""
    return Path(settings.BASE_DIR) / "marketplace" / "demo_photos"
