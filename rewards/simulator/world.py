"""The simulation as one object: a request in, an answer out, faults by a script."""

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from rewards.simulator.chain import Chain, Outcome
from rewards.simulator.faults import Action, Crash, Dropped, Fault, Script, fault_of
from rewards.simulator.horizon import Horizon, refused
from rewards.simulator.http import (
    Answer,
    Refusal,
    Request,
    gateway_timeout,
    html_answer,
    json_answer,
    platform_error,
)
from rewards.simulator.keys import INCOMING, OUTGOING, PASSPHRASE
from rewards.simulator.names import Names
from rewards.simulator.platform import Platform
from rewards.simulator.records import State
from rewards.simulator.wallet import Wallet

UNITS_PER_PI = 10_000_000
INCOMING_BALANCE = 1_000 * UNITS_PER_PI
OUTGOING_BALANCE = 100_000 * UNITS_PER_PI
# What a client waits for an answer; a longer delay is never heard of.
PATIENCE_SECONDS = 20.0

Raw = tuple[int, Mapping[str, str], bytes]
Handler = Callable[..., Answer]


class Simulator:
    """All of simulated Pi.

    ``clock`` gives Unix seconds, ``wait`` lets seconds pass; tests give their own. With
    ``state_path`` every change is in that file before it is answered.
    """

    def __init__(
        self,
        state_path: Path | None = None,
        clock: Callable[[], float] = time.time,
        *,
        seed: str = "0",
        api_key: str | None = None,
        wait: Callable[[float], None] = time.sleep,
        script: Script | None = None,
    ) -> None:
        self.state_path = state_path
        self.script = script or Script()
        self._wait = wait
        self._lock = threading.RLock()
        known = state_path is not None and state_path.exists()
        self.state = State.load(state_path) if known and state_path else State(seed)
        self.chain = Chain(self.state, clock)
        self.platform = Platform(self.chain, Names(self.state), api_key=api_key)
        self.wallet = Wallet(self.platform)
        self.horizon = Horizon(self.chain)
        self._routes = [(m, re.compile(path), do) for m, path, do in self._table()]
        self.chain.open_account(INCOMING.public_key, INCOMING_BALANCE)
        self.chain.open_account(OUTGOING.public_key, OUTGOING_BALANCE)

    def _table(self) -> list[tuple[str, str, Handler]]:
        platform, horizon, wallet = self.platform, self.horizon, self.wallet
        payment = r"/v2/payments/([^/]+)"
        return [
            ("GET", "/v2/me", platform.me),
            ("POST", "/v2/payments", platform.create),
            ("GET", "/v2/payments/incomplete_server_payments", platform.incomplete),
            ("GET", payment, platform.get),
            ("POST", f"{payment}/approve", platform.approve),
            ("POST", f"{payment}/complete", platform.complete),
            ("POST", f"{payment}/cancel", platform.cancel),
            ("GET", r"/v2/ads_network/status/([^/]+)", platform.ad_status),
            ("POST", "/v2/in_app_notifications/notify", platform.notify),
            ("GET", "/", horizon.root),
            ("GET", "/fee_stats", horizon.fee_stats),
            ("GET", "/ledgers", horizon.ledgers),
            ("POST", "/transactions", horizon.submit),
            ("POST", "/transactions_async", horizon.submit_async),
            ("GET", r"/transactions/([0-9a-fA-F]+)", horizon.transaction),
            ("GET", r"/accounts/([A-Z0-9]+)", horizon.account),
            (
                "GET",
                r"/accounts/([A-Z0-9]+)/transactions",
                horizon.account_transactions,
            ),
            ("GET", r"/accounts/([A-Z0-9]+)/payments", horizon.account_payments),
            ("GET", "/simulated/", wallet.page),
            ("POST", "/simulated/users", wallet.authenticate),
            ("POST", r"/simulated/users/(\w+)/revoke", wallet.revoke),
            ("GET", "/simulated/wallet", wallet.show),
            ("POST", "/simulated/payments", wallet.open_payment),
            ("POST", "/simulated/wallet/pay", wallet.pay),
            ("POST", "/simulated/wallet/cancel", wallet.cancel),
            ("POST", "/simulated/faults", self._add_faults),
        ]

    # --- Asking

    def handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Raw:
        """Do what is asked and answer, with nothing going wrong on the way."""
        lower = {name.lower(): value for name, value in headers.items()}
        request = Request(method, path, lower, body)
        with self._lock:
            has_landed = self.chain.land_pending()
            answer = self._answer(request)
            if has_landed or method != "GET":
                self._save()
        return answer.status, answer.headers, answer.body

    def exchange(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Raw:
        """Do the same by the script. Raises Dropped and Crash as the script says."""
        request = Request(method, path, {}, body)
        with self._lock:
            fault = self.script.take(method, request.path)
        if fault is None:
            return self.handle(method, path, headers, body)
        return self._gone_wrong(
            fault, request, lambda: self.handle(method, path, headers, body)
        )

    def _save(self) -> None:
        if self.state_path is not None:
            self.state.save(self.state_path)

    def _gone_wrong(self, fault: Fault, request: Request, do: Callable[[], Raw]) -> Raw:
        if fault.action is Action.DELAY:
            self._wait(fault.seconds)
        answer = do() if fault.is_done_first else None
        match fault.action:
            case Action.DROP_REQUEST | Action.DROP_ANSWER:
                raise Dropped(arrived=answer is not None)
            case Action.CRASH:
                raise Crash
            case Action.DUPLICATE:
                return do()
            case Action.DELAY if fault.seconds > PATIENCE_SECONDS:
                raise Dropped(arrived=True)
            case Action.LANDS_LATE:
                due = self.chain.now() + fault.seconds
                with self._lock:
                    self.state.pending.append((due, request.form.get("tx", "")))
                    self._save()
        return self._wrong_answer(fault, request, answer)

    def _wrong_answer(self, fault: Fault, request: Request, answer: Raw | None) -> Raw:
        match fault.action:
            case Action.HTML_500:
                wrong = html_answer(500, "<!doctype html><h1>Something went wrong</h1>")
            case Action.BAD_SEQUENCE:
                envelope = request.form.get("tx", "")
                wrong = refused(Outcome(code="tx_bad_seq"), envelope)
            case Action.REFUSE:
                wrong = platform_error(fault.status, fault.code, "as the script says")
            case Action.HTTP_504 | Action.LANDED_UNKNOWN | Action.LANDS_LATE:
                wrong = gateway_timeout()
            case _:
                assert answer is not None
                status, headers, body = answer
                half = fault.action is Action.TRUNCATED
                return status, headers, body[: len(body) // 2] if half else body
        return wrong.status, wrong.headers, wrong.body

    def _answer(self, request: Request) -> Answer:
        for method, pattern, do in self._routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                try:
                    return do(request, *match.groups())
                except Refusal as refusal:
                    return refusal.answer
        if request.path.startswith("/v2/"):  # Pi answers with a page here
            return html_answer(404, "<!doctype html><h1>Not found</h1>")
        return platform_error(404, "not_found", "There is nothing here")

    def _add_faults(self, request: Request) -> Answer:
        rows: list[dict[str, Any]] = request.document.get("faults", [])
        self.add_faults(fault_of(row) for row in rows)
        return json_answer(200, {"faults": len(self.script.faults)})

    def add_faults(self, faults: Iterable[Fault]) -> None:
        with self._lock:
            self.script.add(faults)

    # --- For tests and chaos runs

    passphrase = PASSPHRASE

    def balance(self, address: str) -> int:
        account = self.state.accounts.get(address)
        return account.balance if account else 0

    def debits(self, payment_id: str) -> list[str]:
        """Return the hashes of the app's landed transactions with this memo."""
        return [
            row.hash
            for row in self.chain.history.get(OUTGOING.public_key, [])
            if row.successful
            and row.memo == payment_id
            and row.source == OUTGOING.public_key
        ]

    def cancelled_though_landed(self) -> list[str]:
        """Return the payments that were cancelled while their money had moved."""
        return [
            payment.identifier
            for payment in self.state.payments.values()
            if payment.cancelled and self.debits(payment.identifier)
        ]
