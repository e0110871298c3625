"""What every test shares: tables that can be emptied, and the bundled photos."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase

from accounts import pi_app
from rewards import triggers
from rewards.simulator.server import Server
from rewards.simulator.world import Simulator

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


@pytest.fixture
def simulated_pi(settings: pytest.FixtureRequest) -> Iterator[Simulator]:
    """Serve a fresh simulation of Pi to the site under test."""
    simulator = Simulator()
    with Server(simulator, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        settings.PI_SIMULATOR_URL = server.url  # type: ignore[attr-defined]
        yield simulator
        pi_app.platform_client().close()
        pi_app.forget_clients()
        server.shutdown()
        thread.join()
