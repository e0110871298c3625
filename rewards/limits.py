"""The rules of paying out as arithmetic: how much, to whom, how soon again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

NETWORK_FEE = 100_000  # 1e-7 Pi: what Pi's chain takes for one transaction
TRUSTED_LEVEL = 2  # from here on a small payout needs no approval
# An envelope lands within this, or never; three minutes, as Pi's own libraries use.
ENVELOPE_SECONDS = 180
# Clocks differ: what ended less than this ago counts as still open.
MARGIN_SECONDS = 30
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 5, 300
# In a row; the second time it is no longer an accident.
UNKNOWN_ANSWERS_ALLOWED = 2


class Refusal(StrEnum):
    """Why somebody cannot take out this amount now."""

    TOO_SMALL = "payout_too_small"
    LEVEL_TOO_LOW = "evidence_needed"
    DAILY_LIMIT = "payout_daily_limit"


class Wait(StrEnum):
    """Why an approved payout stands still, though nothing is wrong with it."""

    STOPPED = "stopped"
    HOURLY_CAP = "hourly_cap"
    DAILY_CAP = "daily_cap"
    WALLET_FLOOR = "wallet_floor"
    OTHER_PAYOUT = "other_payout"
    NO_ANSWER = "no_answer"
    NOT_UNDERSTOOD = "not_understood"
    CHAIN = "chain"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The settings of paying out, in 1e-7 Pi."""

    minimum: int
    automatic_below: int
    daily_by_level: tuple[int, ...]
    hourly_cap: int
    daily_cap: int
    wallet_floor: int
    approval_hours: int


def daily_limit(level: int, rules: Rules) -> int:
    """Return what a person of this evidence level may take out in a day."""
    if not rules.daily_by_level or level < 0:
        return 0
    return rules.daily_by_level[min(level, len(rules.daily_by_level) - 1)]


def refusal(amount: int, *, level: int, taken: int, rules: Rules) -> Refusal | None:
    """Say why a person who took out ``taken`` in the last day cannot take this."""
    if amount < max(rules.minimum, 1):
        return Refusal.TOO_SMALL
    limit = daily_limit(level, rules)
    if limit == 0:
        return Refusal.LEVEL_TOO_LOW
    if taken + amount > limit:
        return Refusal.DAILY_LIMIT
    return None


def is_automatic(amount: int, *, level: int, paid_before: bool, rules: Rules) -> bool:
    """Say whether the rules alone may approve; never the first payout of a person."""
    return paid_before and level >= TRUSTED_LEVEL and amount < rules.automatic_below


def cap_reached(
    amount: int, *, last_hour: int, last_day: int, rules: Rules
) -> Wait | None:
    """Say which cap on everything that leaves this payout would break."""
    if last_hour + amount > rules.hourly_cap:
        return Wait.HOURLY_CAP
    if last_day + amount > rules.daily_cap:
        return Wait.DAILY_CAP
    return None


def breaks_floor(balance: int, *, amount: int, fee: int, rules: Rules) -> bool:
    """Say whether the wallet would keep less than it must."""
    return balance - amount - fee < rules.wallet_floor


def retry_at(attempts: int, now: datetime) -> datetime:
    """Return when to try again after this many attempts in vain: 5 s, 10 s, … 5 min."""
    wait = min(FIRST_RETRY_SECONDS * 2 ** min(attempts, 10), LONGEST_RETRY_SECONDS)
    return now + timedelta(seconds=wait)


def max_time(now: datetime, chain_time: datetime) -> datetime:
    """Return until when a new envelope may land, by whichever clock is ahead."""
    later = max(now, chain_time).replace(microsecond=0)
    return later + timedelta(seconds=ENVELOPE_SECONDS)


def may_send(until: datetime, now: datetime) -> bool:
    """Say whether an envelope has enough of its time left to be sent (again)."""
    return now + timedelta(seconds=MARGIN_SECONDS) < until


def has_expired(until: datetime, chain_time: datetime) -> bool:
    """Say whether an envelope that is not on the chain by now can never be."""
    return chain_time > until + timedelta(seconds=MARGIN_SECONDS)
