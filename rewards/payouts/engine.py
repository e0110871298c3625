"""Drives payouts one arrow at a time; may be killed anywhere and started again."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from accounts.pi_platform import (
    MoneyAtRisk,
    PaymentNotFound,
    PlatformAnswerUnreadable,
    PlatformError,
    PlatformUnavailable,
    StopTheLine,
)
from rewards import limits
from rewards.chain import ChainError, ChainUnreachable, NoSuchAccount
from rewards.errors import PayoutMoved
from rewards.models import Payout, Stop
from rewards.payouts import (
    completing,
    controls,
    creating,
    leases,
    queries,
    sending,
    transitions,
)
from rewards.payouts.leases import Teller
from rewards.payouts.transitions import Status

Arrow = Callable[[Payout, Teller, datetime], bool]

# What sends something to Pi or to the chain, and stands still while payouts are
# stopped. What has been sent is still looked up and completed.
SENDING = {Status.APPROVED, Status.RESERVED, Status.CREATED, Status.SIGNED}


def step(payout_uuid: UUID, teller: Teller, now: datetime) -> bool:
    """Take at most one arrow; True when the payout moved.

    Each arrow reads the row, speaks to the outside, and writes once, in a transaction
    that checks the fence and that the row is still as it was read. Raises LeaseLost.
    """
    payout = queries.to_step(payout_uuid)
    if payout is None or (payout.next_try_at and payout.next_try_at > now):
        return False
    arrow = _arrow(payout)
    if arrow is None or (payout.status in SENDING and controls.why_stopped()):
        return False
    try:
        moved = arrow(payout, teller, now)
    except PayoutMoved:
        return False
    except (PlatformError, ChainError) as error:
        return _recover(payout, error, teller, now)
    leases.understood(teller)
    return moved


def due(teller: Teller, now: datetime) -> list[UUID]:
    return queries.due(teller.network.name, now)


def walk(payout_uuid: UUID, teller: Teller, clock: Callable[[], datetime]) -> int:
    """Take a payout as far as it goes now; return the arrows taken."""
    taken = 0
    while step(payout_uuid, teller, clock()):
        taken += 1
    return taken


def work(teller: Teller, now: datetime) -> int:
    """Take every payout that is due as far as it goes now; return the arrows taken."""
    return sum(walk(uuid, teller, lambda: now) for uuid in due(teller, now))


def tidy(teller: Teller, now: datetime) -> int:
    """Cancel what Pi made twice for one payout and nobody will ever pay."""
    ended = 0
    if controls.why_stopped():
        return ended
    try:
        for payment in teller.network.platform.incomplete_server_payments():
            ended += creating.cancel_orphan(payment, teller, now)
    except (PlatformError, ChainError):
        return ended  # the next round looks again
    return ended


def _arrow(payout: Payout) -> Arrow | None:
    if payout.status == Status.CREATED and payout.failure:
        return creating.give_back
    arrows: dict[str, Arrow] = {
        Status.APPROVED: creating.reserve,
        Status.RESERVED: creating.create,
        Status.CREATED: sending.sign,
        Status.SIGNED: sending.submit,
        Status.SUBMITTED: sending.follow,
        Status.CONFIRMED: completing.complete,
    }
    return arrows.get(payout.status)


def _recover(
    payout: Payout, error: PlatformError | ChainError, teller: Teller, now: datetime
) -> bool:
    """Do what an error asks for: a rest, a stop, or a treasurer's eyes."""
    what = _name(error)
    if isinstance(error, StopTheLine | NoSuchAccount):
        controls.stop(Stop.Kind.CIRCUIT_BREAKER, reason=what, now=now)
    if isinstance(error, MoneyAtRisk | PaymentNotFound):
        try:
            return creating.to_review(payout, teller, now, reason=what)
        except PayoutMoved:
            return False
    understood = _is_understood(error)
    if not understood:
        leases.not_understood(teller, what=what, now=now)
    why = limits.Wait.NO_ANSWER if understood else limits.Wait.NOT_UNDERSTOOD
    try:
        with leases.writing(teller, payout) as row:
            until = limits.retry_at(row.attempts, now)
            transitions.wait(row, why=why, until=until, tried=True)
    except PayoutMoved:
        pass
    return False


def _is_understood(error: PlatformError | ChainError) -> bool:
    """Say whether an error is one of those that pass by waiting, or were expected."""
    if isinstance(error, ChainError):
        return isinstance(error, ChainUnreachable | NoSuchAccount)
    if isinstance(error, PlatformAnswerUnreadable):
        return error.status >= 500 or error.status == 429
    if isinstance(error, PlatformUnavailable):
        return error.code != "unknown_error"
    return isinstance(error, StopTheLine)


def _name(error: PlatformError | ChainError) -> str:
    if isinstance(error, PlatformError) and error.code:
        return error.code
    return f"{type(error).__name__}: {error}"[:200]
