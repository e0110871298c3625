"""Horizon's part of the HTTP: the root, submitting, and looking up."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from rewards.simulator.chain import BASE_FEE, LEDGER_SECONDS, Chain, Outcome
from rewards.simulator.http import (
    Answer,
    Refusal,
    Request,
    decimal_text,
    horizon_problem,
    json_answer,
)
from rewards.simulator.keys import PASSPHRASE
from rewards.simulator.records import ChainTransaction, Operation
from rewards.simulator.results import result_xdr

LARGEST_PAGE = 200


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Horizon:
    def __init__(self, chain: Chain) -> None:
        self.chain = chain

    def root(self, _request: Request) -> Answer:
        ledger = self.chain.ledger
        return json_answer(
            200,
            {
                "horizon_version": "simulation",
                "core_version": "simulation",
                "history_latest_ledger": ledger,
                "history_latest_ledger_closed_at": moment(self.chain.closed_at),
                "history_elder_ledger": 1,
                "core_latest_ledger": ledger,
                "network_passphrase": PASSPHRASE,
                "current_protocol_version": 19,
                "supported_protocol_version": 19,
                "core_supported_protocol_version": 19,
            },
        )

    def fee_stats(self, _request: Request) -> Answer:
        names = ("min", "max", "mode", "p10", "p50", "p90", "p99")
        fees = dict.fromkeys(names, str(BASE_FEE))
        return json_answer(
            200,
            {
                "last_ledger": str(self.chain.ledger),
                "last_ledger_base_fee": str(BASE_FEE),
                "ledger_capacity_usage": "0.01",
                "fee_charged": fees,
                "max_fee": fees,
            },
        )

    def ledgers(self, request: Request) -> Answer:
        newest = self.chain.ledger
        count = min(_limit(request), newest)
        rows = [self._ledger(newest - index) for index in range(count)]
        return json_answer(200, _page(request, rows))

    def _ledger(self, sequence: int) -> dict[str, Any]:
        return {
            "id": str(sequence),
            "paging_token": str(sequence << 32),
            "sequence": sequence,
            "closed_at": moment((sequence - 1) * LEDGER_SECONDS),
            "base_fee_in_stroops": BASE_FEE,
        }

    # --- Submitting

    def submit(self, request: Request) -> Answer:
        """Answer when it is settled, as POST /transactions does."""
        outcome = self.chain.submit(request.form.get("tx", ""))
        if outcome.transaction is not None and not outcome.code:
            return json_answer(200, transaction_document(outcome.transaction))
        return refused(outcome, request.form.get("tx", ""))

    def submit_async(self, request: Request) -> Answer:
        """Answer at once, as POST /transactions_async does."""
        outcome = self.chain.submit(request.form.get("tx", ""))
        if outcome.code == "tx_malformed":
            return refused(outcome, request.form.get("tx", ""))
        row = outcome.transaction
        if row is None:
            return json_answer(400, {"tx_status": "ERROR", "error": outcome.code})
        status = "DUPLICATE" if outcome.is_repeat else "PENDING"
        return json_answer(
            409 if outcome.is_repeat else 201, {"tx_status": status, "hash": row.hash}
        )

    # --- Looking up

    def transaction(self, _request: Request, found: str) -> Answer:
        row = self.chain.state.transactions.get(found.lower())
        if row is None:
            raise _missing()
        return json_answer(200, transaction_document(row))

    def account(self, _request: Request, address: str) -> Answer:
        row = self.chain.state.accounts.get(address)
        if row is None:
            raise _missing()
        return json_answer(
            200,
            {
                "id": address,
                "account_id": address,
                "sequence": str(row.sequence),
                "subentry_count": 0,
                "last_modified_ledger": self.chain.ledger,
                "balances": [
                    {
                        "balance": decimal_text(row.balance),
                        "buying_liabilities": "0.0000000",
                        "selling_liabilities": "0.0000000",
                        "asset_type": "native",
                    }
                ],
                "signers": [
                    {"weight": 1, "key": address, "type": "ed25519_public_key"}
                ],
                "paging_token": address,
            },
        )

    def account_transactions(self, request: Request, address: str) -> Answer:
        rows = [row for row in self._history(request, address) if row.source == address]
        documents = _paged(request, rows, lambda row: [transaction_document(row)])
        return json_answer(200, _page(request, documents))

    def account_payments(self, request: Request, address: str) -> Answer:
        def lines(row: ChainTransaction) -> list[dict[str, Any]]:
            joined = request.query.get("join") == "transactions"
            return [
                _payment_document(row, index, operation, joined=joined)
                for index, operation in enumerate(row.operations, start=1)
                if address in {operation.source, operation.destination}
            ]

        rows = self._history(request, address)
        return json_answer(200, _page(request, _paged(request, rows, lines)))

    def _history(self, request: Request, address: str) -> list[ChainTransaction]:
        if address not in self.chain.state.accounts:
            raise _missing()
        failed_too = request.query.get("include_failed") == "true"
        return [
            row
            for row in self.chain.history.get(address, [])
            if row.successful or failed_too
        ]


def refused(outcome: Outcome, envelope: str) -> Answer:
    """Return Horizon's 400 for what was not applied, or applied and failed."""
    if outcome.code == "tx_malformed":
        return horizon_problem(
            400,
            "transaction_malformed",
            "Transaction Malformed",
            {"envelope_xdr": envelope},
        )
    codes: dict[str, Any] = {"transaction": outcome.code}
    if outcome.operation_codes:
        codes["operations"] = list(outcome.operation_codes)
    extras: dict[str, Any] = {"envelope_xdr": envelope, "result_codes": codes}
    if outcome.transaction is not None:
        extras["hash"] = outcome.transaction.hash
    return horizon_problem(400, "transaction_failed", "Transaction Failed", extras)


def transaction_document(row: ChainTransaction) -> dict[str, Any]:
    memo = {"memo": row.memo, "memo_type": "text"} if row.memo else {}
    return {
        "id": row.hash,
        "paging_token": str(row.token),
        "successful": row.successful,
        "hash": row.hash,
        "ledger": row.ledger,
        "created_at": moment(row.created),
        "source_account": row.source,
        "source_account_sequence": str(row.sequence),
        "fee_account": row.source,
        "fee_charged": str(row.fee_charged),
        "max_fee": str(row.max_fee),
        "operation_count": len(row.operations),
        "envelope_xdr": row.envelope,
        "result_xdr": result_xdr(row),
        "memo_type": "none",
        **memo,
        "valid_after": moment(row.min_time),
        **({"valid_before": moment(row.max_time)} if row.max_time else {}),
    }


def _payment_document(
    row: ChainTransaction, index: int, operation: Operation, *, joined: bool
) -> dict[str, Any]:
    ends = (
        {
            "funder": operation.source,
            "account": operation.destination,
            "starting_balance": decimal_text(operation.amount),
        }
        if operation.kind == "create_account"
        else {
            "asset_type": "native",
            "from": operation.source,
            "to": operation.destination,
            "amount": decimal_text(operation.amount),
        }
    )
    return {
        "id": str(row.token + index),
        "paging_token": str(row.token + index),
        "transaction_successful": row.successful,
        "source_account": operation.source,
        "type": operation.kind,
        "created_at": moment(row.created),
        "transaction_hash": row.hash,
        **ends,
        **({"transaction": transaction_document(row)} if joined else {}),
    }


def _paged(
    request: Request,
    rows: Sequence[ChainTransaction],
    lines: Callable[[ChainTransaction], list[dict[str, Any]]],
) -> list[dict[str, Any]]:
    """Return the documents after the cursor, in the order that was asked for."""
    down = request.query.get("order") == "desc"
    documents = [line for row in rows for line in lines(row)]
    cursor = request.query.get("cursor", "")
    if down:
        documents.reverse()
    if cursor == "now":
        return []
    if cursor:
        if not cursor.isdecimal():
            raise Refusal(horizon_problem(400, "bad_request", "Bad Request"))
        after = int(cursor)
        documents = [
            line
            for line in documents
            if (int(line["paging_token"]) < after) is down
            and int(line["paging_token"]) != after
        ]
    return documents[: _limit(request)]


def _page(request: Request, documents: list[dict[str, Any]]) -> dict[str, Any]:
    cursor = documents[-1]["paging_token"] if documents else ""
    order = request.query.get("order", "asc")
    link = f"{request.path}?cursor={cursor}&limit={_limit(request)}&order={order}"
    return {
        "_links": {"self": {"href": request.target}, "next": {"href": link}},
        "_embedded": {"records": documents},
    }


def _limit(request: Request) -> int:
    given = request.query.get("limit", "10")
    if not given.isdecimal() or not 1 <= int(given) <= LARGEST_PAGE:
        raise Refusal(horizon_problem(400, "bad_request", "Bad Request"))
    return int(given)


def _missing() -> Refusal:
    return Refusal(horizon_problem(404, "not_found", "Resource Missing"))
