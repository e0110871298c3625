"""Reads what the Pi Platform answers, and writes amounts, without any surprise."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts.pi_records import (
    KINDS,
    PaymentDTO,
    PlatformAnswerUnreadable,
    PlatformError,
    PlatformUnavailable,
    RewardedAdStatusDTO,
    StatusDTO,
    TransactionDTO,
    UserDTO,
)

UNITS_PER_PI = 10_000_000
LARGEST_UNITS = 2**63 - 1

Document = dict[str, Any]


def units_of(amount: object) -> int:
    """Return whole 1e-7 Pi for a JSON number; nothing is rounded.

    Raises PlatformAnswerUnreadable for what is not a number, negative, too large, or
    finer than 1e-7 Pi. ``1e-7`` is how Pi writes the smallest amount.
    """
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal):
        raise PlatformAnswerUnreadable(message="an amount is not a number")
    exact = Decimal(amount)
    # Looked at before it is expanded: 1e999999 has a million digits.
    if not exact.is_finite() or not -40 < exact.adjusted() < 40:
        raise PlatformAnswerUnreadable(message="an amount is out of range")
    numerator, denominator = exact.as_integer_ratio()
    units, rest = divmod(numerator * UNITS_PER_PI, denominator)
    if rest or not 0 <= units <= LARGEST_UNITS:
        raise PlatformAnswerUnreadable(message="an amount is finer than 0.0000001 Pi")
    return units


def pi_text(units: int) -> str:
    """Return Pi with exactly seven decimals, as the chain and the Platform take it."""
    whole, rest = divmod(units, UNITS_PER_PI)
    return f"{whole}.{rest:07d}"


def payment_body(
    *, uid: str, amount: int, memo: str, metadata: Mapping[str, Any]
) -> str:
    """Return the body of a new payment, its amount written without a float."""
    if not 0 < amount <= LARGEST_UNITS:
        raise ValueError("a payment is more than 0")
    fields = json.dumps({"memo": memo, "metadata": dict(metadata), "uid": uid})
    return f'{{"payment":{{"amount":{pi_text(amount)},{fields[1:]}}}'


def is_header_safe(token: str) -> bool:
    return (
        0 < len(token) <= 4096
        and token.isascii()
        and token.isprintable()
        and " " not in token
    )


def document(content: bytes, *, status: int) -> Document:
    """Return the JSON object of an answer. Raises PlatformAnswerUnreadable."""
    try:
        found = json.loads(content, parse_float=Decimal, parse_constant=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise PlatformAnswerUnreadable(
            status=status, message="the answer is not a JSON object"
        )
    return found


def error(content: bytes, *, status: int) -> PlatformError:
    """Return the error that an answer carries, by its code and not by its status."""
    try:
        found = document(content, status=status)
    except PlatformAnswerUnreadable as unreadable:
        return unreadable
    code = _text_or_empty(found.get("error"))
    kind = KINDS.get(code)
    if kind is None:
        waits = status >= 500 or status == 429
        kind = PlatformUnavailable if waits else PlatformError
    return kind(
        code=code,
        status=status,
        message=_text_or_empty(found.get("error_message")),
        payment=_payment_or_none(found.get("payment")),
        verification_error=_text_or_empty(found.get("verification_error")),
    )


def user(found: Document) -> UserDTO:
    credentials = _part(found, "credentials")
    scopes = credentials.get("scopes")
    if not isinstance(scopes, list):
        raise PlatformAnswerUnreadable(message="scopes is not a list")
    until = credentials.get("valid_until")
    return UserDTO(
        uid=_text(found, "uid"),
        username=_text_or_empty(found.get("username")),
        scopes=frozenset(scope for scope in scopes if isinstance(scope, str)),
        valid_until=_moment(until.get("iso8601")) if isinstance(until, dict) else None,
        app_id=_text_or_empty(found.get("app_id")),
    )


def payment(found: Document) -> PaymentDTO:
    status = _part(found, "status")
    done = found.get("transaction")
    metadata = found.get("metadata")
    return PaymentDTO(
        identifier=_text(found, "identifier"),
        user_uid=_text(found, "user_uid"),
        amount=units_of(found.get("amount")),
        memo=_text_or_empty(found.get("memo")),
        metadata=metadata if isinstance(metadata, dict) else {},
        from_address=_text_or_empty(found.get("from_address")),
        to_address=_text_or_empty(found.get("to_address")),
        direction=_text(found, "direction"),
        network=_text(found, "network"),
        created_at=_text_or_empty(found.get("created_at")),
        status=StatusDTO(
            developer_approved=_flag(status, "developer_approved"),
            transaction_verified=_flag(status, "transaction_verified"),
            developer_completed=_flag(status, "developer_completed"),
            cancelled=_flag(status, "cancelled"),
            user_cancelled=_flag(status, "user_cancelled"),
        ),
        transaction=_transaction(done) if done is not None else None,
    )


def payments(found: Document, name: str) -> list[PaymentDTO]:
    rows = found.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise PlatformAnswerUnreadable(message=f"{name} is not a list of payments")
    return [payment(row) for row in rows]


def ad_status(found: Document) -> RewardedAdStatusDTO:
    return RewardedAdStatusDTO(
        identifier=_text(found, "identifier"),
        mediator_ack_status=_text_or_empty(found.get("mediator_ack_status")) or None,
        mediator_granted_at=_text_or_empty(found.get("mediator_granted_at")) or None,
        mediator_revoked_at=_text_or_empty(found.get("mediator_revoked_at")) or None,
    )


def _transaction(found: object) -> TransactionDTO:
    if not isinstance(found, dict):
        raise PlatformAnswerUnreadable(message="transaction is not an object")
    return TransactionDTO(txid=_text(found, "txid"), verified=_flag(found, "verified"))


def _payment_or_none(found: object) -> PaymentDTO | None:
    try:
        return payment(found) if isinstance(found, dict) else None
    except PlatformAnswerUnreadable:
        return None


def _part(found: Document, name: str) -> Document:
    part = found.get(name)
    if not isinstance(part, dict):
        raise PlatformAnswerUnreadable(message=f"{name} is missing")
    return part


def _text(found: Document, name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not value:
        raise PlatformAnswerUnreadable(message=f"{name} is missing")
    return value


def _flag(found: Document, name: str) -> bool:
    value = found.get(name)
    if not isinstance(value, bool):
        raise PlatformAnswerUnreadable(message=f"{name} is not true or false")
    return value


def _text_or_empty(value: object) -> str:
    return value if isinstance(value, str) else ""


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_text_or_empty(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
