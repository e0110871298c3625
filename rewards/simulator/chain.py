"""The simulated chain: accounts, sequences, time bounds, signatures, fees, history."""

from collections.abc import Callable
from dataclasses import dataclass

from stellar_sdk import (
    CreateAccount,
    Keypair,
    Payment,
    TextMemo,
    Transaction,
    TransactionEnvelope,
)
from stellar_sdk.exceptions import BadSignatureError

from rewards.simulator.http import units_of
from rewards.simulator.keys import PASSPHRASE
from rewards.simulator.records import ChainAccount, ChainTransaction, Operation, State

BASE_FEE = 100_000  # 0.01 Pi, as on both networks of Pi
LEDGER_SECONDS = 5
# Pi publishes none; Stellar's rule of two base reserves, so that there is a floor.
RESERVE = 10_000_000
MOST_OPERATIONS = 100


@dataclass(frozen=True)
class Outcome:
    """What a submission came to; with a code, nothing was applied but maybe the fee."""

    transaction: ChainTransaction | None = None
    code: str = ""  # tx_… of Horizon's result codes
    operation_codes: tuple[str, ...] = ()
    is_repeat: bool = False


class Chain:
    def __init__(self, state: State, now: Callable[[], float]) -> None:
        self.state = state
        self.now = now
        self.history: dict[str, list[ChainTransaction]] = {}
        for transaction in state.transactions.values():
            self._index(transaction)

    @property
    def ledger(self) -> int:
        return int(self.now() // LEDGER_SECONDS) + 1

    @property
    def closed_at(self) -> float:
        """Return when the latest ledger closed; what closed before it is settled."""
        return self.now() // LEDGER_SECONDS * LEDGER_SECONDS

    def open_account(self, address: str, balance: int) -> ChainAccount:
        """Return the account, made with ``balance`` where there was none."""
        account = self.state.accounts.get(address)
        if account is None:
            account = ChainAccount(address, balance, self.ledger << 32)
            self.state.accounts[address] = account
        return account

    def land_pending(self) -> bool:
        """Apply what was held back and is due by now; return whether there was any."""
        due = [row for row in self.state.pending if row[0] <= self.now()]
        if due:
            self.state.pending = [r for r in self.state.pending if r not in due]
            for _, envelope in due:
                self.submit(envelope)
        return bool(due)

    def submit(self, envelope_xdr: str) -> Outcome:
        """Apply a signed envelope once, or say with Horizon's code why not."""
        try:
            envelope = TransactionEnvelope.from_xdr(envelope_xdr, PASSPHRASE)
        except Exception:  # noqa: BLE001 (the parser's many ways to be unhappy)
            return Outcome(code="tx_malformed")
        known = self.state.transactions.get(envelope.hash_hex())
        if known is not None:
            code = "" if known.successful else "tx_failed"
            return Outcome(known, code, tuple(known.codes), is_repeat=True)
        code = self._objection(envelope)
        if code:
            return Outcome(code=code)
        return self._apply(envelope, envelope_xdr)

    def _objection(self, envelope: TransactionEnvelope) -> str:
        """Return why a transaction may not enter a ledger, in the chain's order."""
        transaction = envelope.transaction
        account = self.state.accounts.get(transaction.source.account_id)
        code = self._untimely(transaction)
        if code or account is None:
            return code or "tx_no_source_account"
        if transaction.sequence != account.sequence + 1:
            return "tx_bad_seq"
        if not _is_signed(envelope, account.address):
            return "tx_bad_auth"
        affords = account.balance >= BASE_FEE * len(transaction.operations)
        return "" if affords else "tx_insufficient_balance"

    def _untimely(self, transaction: Transaction) -> str:
        low, high = _bounds(transaction)
        if not 0 < len(transaction.operations) <= MOST_OPERATIONS:
            return "tx_missing_operation"
        if self.now() < low:
            return "tx_too_early"
        if high and self.now() > high:
            return "tx_too_late"
        cheap = transaction.fee < BASE_FEE * len(transaction.operations)
        return "tx_insufficient_fee" if cheap else ""

    def _apply(self, envelope: TransactionEnvelope, envelope_xdr: str) -> Outcome:
        transaction = envelope.transaction
        source = self.state.accounts[transaction.source.account_id]
        fee = BASE_FEE * len(transaction.operations)
        source.sequence += 1
        source.balance -= fee
        operations = [_operation(transaction, op) for op in transaction.operations]
        before = self._balances(operations)
        codes = [self._do(operation) for operation in operations]
        successful = all(code == "op_success" for code in codes)
        if not successful:  # all or nothing, but for the fee and the sequence
            self._restore(before)
        low, high = _bounds(transaction)
        row = ChainTransaction(
            hash=envelope.hash_hex(),
            envelope=envelope_xdr,
            source=source.address,
            sequence=transaction.sequence,
            memo=_memo(transaction),
            fee_charged=fee,
            max_fee=transaction.fee,
            min_time=low,
            max_time=high,
            operations=operations,
            successful=successful,
            codes=[] if successful else codes,
            ledger=self.ledger,
            created=self.now(),
            token=(self.ledger << 32) + (len(self.state.transactions) + 1 << 12),
        )
        self.state.transactions[row.hash] = row
        self._index(row)
        return Outcome(row, "" if successful else "tx_failed", tuple(row.codes))

    def _balances(self, operations: list[Operation]) -> dict[str, int | None]:
        accounts = self.state.accounts
        concerned = {op.source for op in operations}
        concerned |= {op.destination for op in operations}
        return {
            address: accounts[address].balance if address in accounts else None
            for address in concerned
        }

    def _restore(self, balances: dict[str, int | None]) -> None:
        for address, balance in balances.items():
            if balance is not None:
                self.state.accounts[address].balance = balance
            else:
                self.state.accounts.pop(address, None)

    def _do(self, operation: Operation) -> str:
        source = self.state.accounts.get(operation.source)
        destination = self.state.accounts.get(operation.destination)
        if operation.kind not in {"payment", "create_account"} or source is None:
            return "op_not_supported"
        if operation.amount <= 0:
            return "op_malformed"
        if operation.kind == "create_account":
            if destination is not None:
                return "op_already_exists"
            destination = self.open_account(operation.destination, 0)
        if destination is None:
            return "op_no_destination"
        if source.balance - operation.amount < RESERVE:
            return "op_underfunded"
        source.balance -= operation.amount
        destination.balance += operation.amount
        return "op_success"

    def _index(self, row: ChainTransaction) -> None:
        concerned = {row.source}
        for operation in row.operations:
            concerned |= {operation.source, operation.destination}
        for address in concerned:
            self.history.setdefault(address, []).append(row)


def _bounds(transaction: Transaction) -> tuple[int, int]:
    found = transaction.preconditions
    if found is None or found.time_bounds is None:
        return 0, 0
    return found.time_bounds.min_time, found.time_bounds.max_time


def _is_signed(envelope: TransactionEnvelope, address: str) -> bool:
    """Return whether the source, which is the only payer, signed for this network."""
    payers = {
        operation.source.account_id
        for operation in envelope.transaction.operations
        if operation.source is not None
    }
    if payers - {address} or len(envelope.signatures) != 1:
        return False
    try:
        Keypair.from_public_key(address).verify(
            envelope.hash(), envelope.signatures[0].signature
        )
    except BadSignatureError:
        return False
    return True


def _memo(transaction: Transaction) -> str:
    memo = transaction.memo
    if not isinstance(memo, TextMemo):
        return ""
    return memo.memo_text.decode("utf-8", "replace")


def _operation(transaction: Transaction, operation: object) -> Operation:
    payer = getattr(operation, "source", None) or transaction.source
    if isinstance(operation, Payment) and operation.asset.is_native():
        return Operation(
            "payment",
            payer.account_id,
            operation.destination.account_id,
            units_of(operation.amount) or 0,
        )
    if isinstance(operation, CreateAccount):
        return Operation(
            "create_account",
            payer.account_id,
            operation.destination,
            units_of(operation.starting_balance) or 0,
        )
    return Operation("other", payer.account_id, payer.account_id, 0)
