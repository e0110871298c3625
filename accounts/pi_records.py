"""The records and the errors of the Pi Platform, as the project knows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar


@dataclass(frozen=True)
class UserDTO:
    uid: str
    username: str  # empty where the user did not grant `username`
    scopes: frozenset[str]  # as granted: may hold more than was asked for
    valid_until: datetime | None
    app_id: str


@dataclass(frozen=True)
class StatusDTO:
    developer_approved: bool
    transaction_verified: bool
    developer_completed: bool
    cancelled: bool  # by the developer or by Pi
    user_cancelled: bool


@dataclass(frozen=True)
class TransactionDTO:
    """``_link`` is left out: it is an address that somebody else chose."""

    txid: str
    verified: bool


@dataclass(frozen=True)
class PaymentDTO:
    identifier: str
    user_uid: str
    amount: int  # 1e-7 Pi
    memo: str
    metadata: Mapping[str, Any]
    from_address: str
    to_address: str
    direction: str  # user_to_app | app_to_user
    network: str  # the chain's passphrase
    created_at: str
    status: StatusDTO
    transaction: TransactionDTO | None  # None does not mean: not on the chain


@dataclass(frozen=True)
class RewardedAdStatusDTO:
    identifier: str
    mediator_ack_status: str | None  # granted | revoked | failed
    mediator_granted_at: str | None
    mediator_revoked_at: str | None


class PlatformError(Exception):
    """The Platform refused; the subclass says what has to be done about it."""

    # What may be said or asked again without harm, by waiting.
    transient: ClassVar[bool] = False

    def __init__(
        self,
        *,
        code: str = "",
        status: int = 0,
        message: str = "",
        payment: PaymentDTO | None = None,
        verification_error: str = "",
    ) -> None:
        self.code = code
        self.status = status
        self.message = message
        self.payment = payment
        self.verification_error = verification_error
        super().__init__(f"{status} {code}: {message}")


class RecipientMustAct(PlatformError):
    """The user has no wallet for us yet; asking again changes nothing."""


class PaymentOngoing(PlatformError):
    """An earlier payment to this user is open: ``payment`` is to be adopted."""


class AlreadyCompleted(PlatformError):
    """It was completed before: a success, once the transaction is the same one."""


class PaymentCancelled(PlatformError):
    """The payment was cancelled before."""


class StopTheLine(PlatformError):
    """Pi refuses the app as a whole: nothing more is to be sent before staff looked."""


class KeyRefused(StopTheLine):
    """The app's key is not accepted."""


class MoneyAtRisk(PlatformError):
    """What Pi knows of a transaction differs from what we say: staff decide."""


class PaymentNotFound(PlatformError):
    """No payment of the app has this identifier."""


class TokenRefused(PlatformError):
    """The user's access token is not valid, or no longer."""


class PlatformUnavailable(PlatformError):
    """Nobody knows whether the call had its effect; look it up, or say it again."""

    transient = True


class PlatformAnswerUnreadable(PlatformUnavailable):
    """An answer came, but it is not what is documented."""


KINDS: dict[str, type[PlatformError]] = {
    "missing_scope": RecipientMustAct,
    "missing_wallet": RecipientMustAct,
    "user_not_found": RecipientMustAct,
    "invalid_address": RecipientMustAct,
    "ongoing_payment_found": PaymentOngoing,
    "already_completed": AlreadyCompleted,
    "cancelled_payment": PaymentCancelled,
    "feature_not_available": StopTheLine,
    "too_many_payments": StopTheLine,
    "too_many_cancelled_payments": StopTheLine,
    "txid_mismatch": MoneyAtRisk,
    "verification_failed": MoneyAtRisk,
    "payment_tx_present": MoneyAtRisk,
    "not_verified": MoneyAtRisk,
    "payment_not_found": PaymentNotFound,
    "unknown_error": PlatformUnavailable,
}
