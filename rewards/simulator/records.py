"""What the simulation remembers, and its form in a file."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self


@dataclass
class ChainAccount:
    address: str
    balance: int  # stroops, which are 1e-7 Pi
    sequence: int


@dataclass
class Operation:
    kind: str  # payment | create_account
    source: str
    destination: str
    amount: int


@dataclass
class ChainTransaction:
    hash: str
    envelope: str
    source: str
    sequence: int
    memo: str
    fee_charged: int
    max_fee: int
    min_time: int
    max_time: int
    operations: list[Operation]
    successful: bool
    codes: list[str]  # of the operations, when it failed
    ledger: int
    created: float
    token: int  # its place among all transactions


@dataclass
class PiUser:
    username: str
    uid: str
    address: str
    scopes: list[str]
    has_wallet: bool = True


@dataclass
class Token:
    username: str
    scopes: list[str]
    until: float


@dataclass
class PiPayment:
    identifier: str
    uid: str
    amount: int
    memo: str
    metadata: dict[str, Any]
    from_address: str
    to_address: str
    direction: str
    created: float
    approved: bool = False
    verified: bool = False
    completed: bool = False
    cancelled: bool = False
    user_cancelled: bool = False
    txid: str = ""

    @property
    def is_open(self) -> bool:
        return not (self.completed or self.cancelled or self.user_cancelled)


@dataclass
class State:
    seed: str = "0"
    made: int = 0  # identifiers made so far
    accounts: dict[str, ChainAccount] = field(default_factory=dict)
    transactions: dict[str, ChainTransaction] = field(default_factory=dict)
    pending: list[tuple[float, str]] = field(default_factory=list)
    users: dict[str, PiUser] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    payments: dict[str, PiPayment] = field(default_factory=dict)
    ads: dict[str, str] = field(default_factory=dict)
    notified: list[dict[str, Any]] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write all of it beside the old file, then put it in its place."""
        draft = path.with_name(f".{path.name}.draft")
        draft.write_text(json.dumps(asdict(self), separators=(",", ":")))
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        found = json.loads(path.read_text())
        return cls(
            seed=found["seed"],
            made=found["made"],
            accounts=_each(found["accounts"], ChainAccount),
            transactions=_each(found["transactions"], _transaction),
            pending=[(due, envelope) for due, envelope in found["pending"]],
            users=_each(found["users"], PiUser),
            tokens=_each(found["tokens"], Token),
            payments=_each(found["payments"], PiPayment),
            ads=found["ads"],
            notified=found["notified"],
        )


def _each(rows: dict[str, Any], make: Callable[..., Any]) -> dict[str, Any]:
    return {key: make(**row) for key, row in rows.items()}


def _transaction(**row: Any) -> ChainTransaction:
    operations = [Operation(**operation) for operation in row.pop("operations")]
    return ChainTransaction(**row, operations=operations)
