"""How deposits ask Pi: what Pi refuses becomes ours, what it does not say is a 503."""

from collections.abc import Callable

import structlog

from accounts.pi_platform import (
    AlreadyCompleted,
    MoneyAtRisk,
    PaymentCancelled,
    PaymentDTO,
    PaymentNotFound,
    PlatformClient,
    PlatformError,
)
from rewards.deposits import checks
from rewards.errors import PiUnreachable

log = structlog.get_logger(__name__)


def look_up(platform: PlatformClient, payment_id: str) -> PaymentDTO:
    """Return a payment as Pi tells it. Raises DepositRefused, PiUnreachable."""
    try:
        return platform.payment(payment_id)
    except PaymentNotFound:
        raise checks.refused("payment_unknown") from None
    except PlatformError as error:
        raise _unreachable("payment", error) from None


def approve(platform: PlatformClient, payment_id: str) -> PaymentDTO:
    """Approve, however often; what Pi then says of the payment decides."""
    return _told(platform, payment_id, "approve", lambda: platform.approve(payment_id))


def cancel(platform: PlatformClient, payment_id: str) -> PaymentDTO:
    """Cancel; Pi refuses where a transaction is, and then tells which."""
    return _told(platform, payment_id, "cancel", lambda: platform.cancel(payment_id))


def complete(
    platform: PlatformClient, payment_id: str, txid: str
) -> tuple[PaymentDTO, MoneyAtRisk | None]:
    """Complete; return the payment as it is now, and why Pi did not verify it."""
    try:
        return platform.complete(payment_id, txid), None
    except (AlreadyCompleted, PaymentCancelled):
        return look_up(platform, payment_id), None
    except MoneyAtRisk as error:
        return look_up(platform, payment_id), error
    except PlatformError as error:
        raise _unreachable("complete", error) from None


def _told(
    platform: PlatformClient,
    payment_id: str,
    what: str,
    call: Callable[[], PaymentDTO],
) -> PaymentDTO:
    try:
        return call()
    except PlatformError as error:
        if error.transient or error.status == 401:
            raise _unreachable(what, error) from None
        # Refused: it was done before, or cannot be; the payment itself says which.
        return look_up(platform, payment_id)


def _unreachable(what: str, error: PlatformError) -> PiUnreachable:
    log.warning("pi_not_understood", call=what, code=error.code, status=error.status)
    return PiUnreachable()
