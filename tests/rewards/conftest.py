"""What tests of money share: a day on which payouts are made, in a world of its own."""

from collections.abc import Iterator

import pytest

from tests.rewards.payouts import Scene, playing


@pytest.fixture
def payday(db: None, settings) -> Iterator[Scene]:
    settings.PI_BACKEND = "simulated"
    settings.PAYOUTS_ENABLED = True
    settings.PAYOUT_DAILY_BY_LEVEL_PI = ["0", "0", "50", "200"]
    with playing() as scene:
        yield scene
