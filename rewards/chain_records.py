"""What Pi's chain answers, as records, and how it fails, as errors."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn

import httpx

from rewards.money import PLACES

Document = dict[str, Any]


class ChainError(Exception):
    """The chain could not be asked, or its answer is not what was asked for."""


class ChainUnreachable(ChainError):
    """No answer, or one that says to come back: nothing is known."""


class ChainUnreadable(ChainError):
    """An answer that this client does not understand: nothing is known either."""


class WrongNetwork(ChainError):
    """Another chain answers at this address: nothing may be sent to it."""


class NoSuchAccount(ChainError):
    """This address has never received anything on this chain."""


@dataclass(frozen=True)
class ChainAccount:
    address: str
    sequence: int
    balance: int  # 1e-7 Pi


@dataclass(frozen=True)
class ChainTransaction:
    """A transaction in a closed ledger; a failed one took its fee and sequence too."""

    hash: str
    successful: bool
    ledger: int
    created_at: datetime
    source: str
    sequence: int
    fee_charged: int
    memo: str
    result: str  # of the transaction or its operation; "" where Horizon leaves it out


@dataclass(frozen=True)
class ChainPayment:
    """Pi that moved from one address to another, in a transaction that succeeded."""

    hash: str
    source: str
    destination: str
    amount: int  # 1e-7 Pi
    memo: str


@dataclass(frozen=True)
class Accepted:
    """The chain took the envelope into a ledger."""

    hash: str


@dataclass(frozen=True)
class Rejected:
    """The chain said no; only a look-up says whether this cost a sequence number."""

    transaction_code: str
    operation_codes: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        failed = [code for code in self.operation_codes if code != "op_success"]
        return failed[0] if failed else self.transaction_code


@dataclass(frozen=True)
class Unknown:
    """The envelope may land, or may not."""

    reason: str


def not_understood(answer: httpx.Response) -> NoReturn:
    raise ChainUnreadable(f"HTTP {answer.status_code} at {answer.url.path}")


def read(answer: httpx.Response) -> Document:
    try:
        found = answer.json(parse_float=Decimal)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ChainUnreadable(f"HTTP {answer.status_code} without a JSON object")
    return found


def transaction(row: Document) -> ChainTransaction:
    return ChainTransaction(
        hash=text(row, "hash"),
        successful=row.get("successful") is True,
        ledger=whole(row, "ledger"),
        created_at=moment(row, "created_at"),
        source=text(row, "source_account"),
        sequence=whole(row, "source_account_sequence"),
        fee_charged=whole(row, "fee_charged"),
        memo=str(row.get("memo") or ""),
        result=result_code(row.get("result_xdr")),
    )


def payment(row: Document) -> ChainPayment:
    """Read an operation that moves Pi; what moves no Pi we can count has amount 0."""
    kind = str(row.get("type"))
    joined = row.get("transaction")
    source, destination, amount = "from", "to", 0
    if kind == "create_account":
        source, destination = "funder", "account"
        amount = units(row.get("starting_balance"))
    elif kind == "account_merge":  # Horizon does not say how much
        source, destination = "account", "into"
    elif row.get("asset_type") == "native":
        amount = units(row.get("amount"))
    return ChainPayment(
        hash=text(row, "transaction_hash"),
        source=text(row, source),
        destination=text(row, destination),
        amount=amount,
        memo=str((joined or {}).get("memo") or ""),
    )


def result_code(result_xdr: object) -> str:
    """Return why a transaction failed, as Horizon would say it: ``op_underfunded``."""
    from stellar_sdk import xdr  # noqa: PLC0415

    if not isinstance(result_xdr, str) or not result_xdr:
        return ""
    try:
        result = xdr.TransactionResult.from_xdr(result_xdr).result
        if result.code != xdr.TransactionResultCode.txFAILED:
            return result.code.name.replace("tx", "tx_", 1).lower()
        operation = (result.results or [])[0]
        if operation.tr is None or operation.tr.payment_result is None:
            return operation.code.name.replace("op", "op_", 1).lower()
        name = operation.tr.payment_result.code.name
        return name.replace("PAYMENT_", "op_").lower()
    except Exception:  # noqa: BLE001 (an explanation, not a proof: it may be missing)
        return ""


def native_balance(found: Document) -> int:
    for balance in found.get("balances") or []:
        if balance.get("asset_type") == "native":
            return units(balance.get("balance"))
    raise ChainUnreadable("an account without a balance")


def units(text: object) -> int:
    try:
        return int(Decimal(str(text)).scaleb(PLACES).to_integral_exact())
    except (ArithmeticError, ValueError):
        raise ChainUnreadable("an amount that is not a number") from None


def text(found: Document, name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not value:
        raise ChainUnreadable(f"{name} is missing")
    return value


def whole(found: Document, name: str) -> int:
    try:
        return int(str(found.get(name)))
    except ValueError:
        raise ChainUnreadable(f"{name} is not a whole number") from None


def moment(found: Document, name: str) -> datetime:
    try:
        return datetime.fromisoformat(text(found, name))
    except ValueError:
        raise ChainUnreadable(f"{name} is not a time") from None
