"""The only place that speaks to the Pi Platform: its calls, its errors, its amounts."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from accounts import pi_answers as answers
from accounts.pi_answers import Document
from accounts.pi_records import (
    AlreadyCompleted,
    KeyRefused,
    MoneyAtRisk,
    PaymentCancelled,
    PaymentDTO,
    PaymentNotFound,
    PaymentOngoing,
    PlatformAnswerUnreadable,
    PlatformError,
    PlatformUnavailable,
    RecipientMustAct,
    RewardedAdStatusDTO,
    StatusDTO,
    StopTheLine,
    TokenRefused,
    TransactionDTO,
    UserDTO,
)

__all__ = [
    "AlreadyCompleted",
    "KeyRefused",
    "MoneyAtRisk",
    "Notification",
    "PaymentCancelled",
    "PaymentDTO",
    "PaymentNotFound",
    "PaymentOngoing",
    "PlatformAnswerUnreadable",
    "PlatformClient",
    "PlatformError",
    "PlatformUnavailable",
    "RecipientMustAct",
    "RewardedAdStatusDTO",
    "StatusDTO",
    "StopTheLine",
    "TokenRefused",
    "TransactionDTO",
    "UserDTO",
]

TIMEOUT = httpx.Timeout(20.0, connect=5.0)
# An identifier goes into a path: what a stranger posts must not lead elsewhere.
IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")
NOTIFICATIONS_AT_ONCE = 256


@dataclass(frozen=True)
class Notification:
    title: str
    body: str
    user_uid: str
    subroute: str = "/"


@dataclass(frozen=True)
class PlatformClient:
    """The nine calls of the Platform API; every failure is a PlatformError.

    Amounts are whole 1e-7 Pi. Neither the key nor a token is ever logged or shown.
    """

    base_url: str
    api_key: str = field(default="", repr=False)
    transport: httpx.BaseTransport | None = field(default=None, repr=False)
    _http: httpx.Client = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        http = httpx.Client(
            base_url=self.base_url.rstrip("/"),
            timeout=TIMEOUT,
            transport=self.transport,
            headers={"Accept": "application/json"},
            # A machine's proxy settings and .netrc have no say in where the key goes.
            trust_env=False,
        )
        object.__setattr__(self, "_http", http)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- People

    def me(self, access_token: str) -> UserDTO:
        """Return whose token this is. Raises TokenRefused when it is nobody's."""
        if not answers.is_header_safe(access_token):
            raise TokenRefused(status=401, message="this is not a token")
        return answers.user(self._call("GET", "/v2/me", token=access_token))

    def notify(self, notifications: Sequence[Notification]) -> Document:
        """Send messages into people's Pi Browser, at most 256 at once."""
        if not 0 < len(notifications) <= NOTIFICATIONS_AT_ONCE:
            raise ValueError(f"1 to {NOTIFICATIONS_AT_ONCE} notifications at once")
        rows = [vars(notification) for notification in notifications]
        return self._call(
            "POST",
            "/v2/in_app_notifications/notify",
            body=json.dumps({"notifications": rows}),
        )

    def ad_status(self, identifier: str) -> RewardedAdStatusDTO:
        """Return whether a rewarded advertisement was seen to its end."""
        path = f"/v2/ads_network/status/{_in_path(identifier)}"
        return answers.ad_status(self._call("GET", path))

    # --- Payments

    def create_payment(
        self, uid: str, amount: int, memo: str, metadata: Mapping[str, Any]
    ) -> PaymentDTO:
        """Open a payment of ``amount`` (1e-7 Pi) from the app to a user."""
        return answers.payment(
            self._call(
                "POST",
                "/v2/payments",
                body=answers.payment_body(
                    uid=uid, amount=amount, memo=memo, metadata=metadata
                ),
            )
        )

    def payment(self, identifier: str) -> PaymentDTO:
        """Return a payment. Raises PaymentNotFound."""
        return answers.payment(self._call("GET", _payment_path(identifier)))

    def approve(self, identifier: str) -> PaymentDTO:
        """Let a user go on with the payment that they opened to us."""
        path = f"{_payment_path(identifier)}/approve"
        return answers.payment(self._call("POST", path, body="{}"))

    def complete(self, identifier: str, txid: str) -> PaymentDTO:
        """Tell Pi by which transaction a payment was made; Pi verifies it."""
        path = f"{_payment_path(identifier)}/complete"
        body = json.dumps({"txid": txid})
        return answers.payment(self._call("POST", path, body=body))

    def cancel(self, identifier: str) -> PaymentDTO:
        """Give a payment up; never for one whose transaction may have landed."""
        path = f"{_payment_path(identifier)}/cancel"
        return answers.payment(self._call("POST", path, body="{}"))

    def incomplete_server_payments(self) -> list[PaymentDTO]:
        """Return the app's payments to users that are neither complete nor cancelled.

        A payment whose transaction landed looks exactly like one never submitted.
        """
        answer = self._call("GET", "/v2/payments/incomplete_server_payments")
        return answers.payments(answer, "incomplete_server_payments")

    # --- One call

    def _call(
        self, method: str, path: str, *, body: str | None = None, token: str = ""
    ) -> Document:
        headers = {
            "Authorization": f"Bearer {token}" if token else f"Key {self.api_key}"
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            answer = self._http.request(method, path, content=body, headers=headers)
        except httpx.HTTPError as error:
            # The cause may hold the request with its headers: its kind must do.
            raise PlatformUnavailable(message=type(error).__name__) from None
        if answer.is_success:
            return answers.document(answer.content, status=answer.status_code)
        raise _refusal(answer, by_token=bool(token))


def _refusal(answer: httpx.Response, *, by_token: bool) -> PlatformError:
    error = answers.error(answer.content, status=answer.status_code)
    # A 401 is not always a wrong key: `missing_scope` carries it too.
    if answer.status_code == 401 and type(error) in {
        PlatformError,
        PlatformAnswerUnreadable,
    }:
        kind = TokenRefused if by_token else KeyRefused
        return kind(code=error.code, status=401, message=error.message)
    return error


def _payment_path(identifier: str) -> str:
    return f"/v2/payments/{_in_path(identifier)}"


def _in_path(identifier: str) -> str:
    if not IDENTIFIER.fullmatch(identifier):
        raise PaymentNotFound(
            code="payment_not_found", message="this is not a payment's identifier"
        )
    return identifier
