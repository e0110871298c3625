"""The day's money for the treasurer: what came and went each hour, and the caps."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from rewards.limits import Rules
from rewards.models import Deposit, Payout
from rewards.payouts import queries, rules

HOURS = 24
HEIGHT = 100


@dataclass(frozen=True, kw_only=True)
class Hour:
    """One pair of bars; heights in percent of the day's largest hour."""

    starts: datetime
    came: int
    went: int
    came_height: int
    went_height: int
    x: int

    @property
    def came_top(self) -> int:
        return HEIGHT - self.came_height

    @property
    def went_top(self) -> int:
        return HEIGHT - self.went_height

    @property
    def has_label(self) -> bool:
        return self.starts.hour % 3 == 0


@dataclass(frozen=True, kw_only=True)
class Day:
    hours: list[Hour]
    came: int
    went: int
    last_hour: int
    last_day: int
    rules: Rules


def day(network: str, now: datetime) -> Day:
    """Return the last 24 hours, the current one last."""
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    came, went = [0] * HOURS, [0] * HOURS
    deposits = Deposit.objects.filter(network=network, completed_at__gte=first)
    for at, amount in deposits.values_list("completed_at", "amount"):
        came[_slot(at, first)] += amount
    payouts = Payout.objects.filter(
        network=network, status=Payout.Status.COMPLETED, finished_at__gte=first
    )
    for at, amount in payouts.values_list("finished_at", "amount"):
        went[_slot(at, first)] += amount
    largest = max(*came, *went, 1)
    hours = [
        Hour(
            starts=first + timedelta(hours=slot),
            came=came[slot],
            went=went[slot],
            came_height=came[slot] * HEIGHT // largest,
            went_height=went[slot] * HEIGHT // largest,
            x=slot * 20,
        )
        for slot in range(HOURS)
    ]
    return Day(
        hours=hours,
        came=sum(came),
        went=sum(went),
        last_hour=queries.outflow(network, now, 1),
        last_day=queries.outflow(network, now, 24),
        rules=rules.current(),
    )


def _slot(at: datetime | None, first: datetime) -> int:
    assert at is not None
    return min(int((at - first).total_seconds() // 3600), HOURS - 1)
