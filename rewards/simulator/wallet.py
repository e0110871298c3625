"""The wallet that people play with: what the Pi Browser and Pi itself do for a user."""

from typing import Any

from stellar_sdk import Account, Asset, TransactionBuilder

from rewards.simulator.chain import BASE_FEE, Outcome
from rewards.simulator.http import (
    Answer,
    Request,
    decimal_text,
    html_answer,
    json_answer,
)
from rewards.simulator.keys import INCOMING, PASSPHRASE, user_keypair
from rewards.simulator.platform import (
    TO_APP,
    Platform,
    checked,
    payment_document,
    refuse,
)
from rewards.simulator.records import PiPayment, PiUser, Token

START_BALANCE = 10_000 * 10_000_000
TOKEN_SECONDS = 30 * 86_400
SIGNING_SECONDS = 180
SCOPES = ("username", "payments", "wallet_address")
LONGEST_NAME = 30


class Wallet:
    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.chain = platform.chain
        self.state = platform.state

    # --- People

    def authenticate(self, request: Request) -> Answer:
        """Play Pi.authenticate: make the user on first use, grant, give a token."""
        asked = request.document
        username = str(asked.get("username") or "")
        scopes = asked.get("scopes") or list(SCOPES)
        if not username.isidentifier() or len(username) > LONGEST_NAME:
            refuse(400, "invalid_arguments", "username is not a Pi user name")
        if not isinstance(scopes, list) or set(scopes) - set(SCOPES):
            refuse(400, "invalid_arguments", "unknown scopes")
        user = self.user(username)
        user.scopes = sorted({*user.scopes, *scopes})
        token = self.platform.names.token()
        self.state.tokens[token] = Token(
            username, sorted(scopes), self.chain.now() + TOKEN_SECONDS
        )
        return json_answer(
            200,
            {
                "accessToken": token,
                "user": {"uid": user.uid, "username": username},
                "wallet_address": user.address,
                "incomplete": self._incomplete(user),
            },
        )

    def user(self, username: str) -> PiUser:
        """Return the user of this name, with a funded wallet; made the first time."""
        user = self.state.users.get(username)
        if user is None:
            address = user_keypair(username).public_key
            user = PiUser(username, self.platform.names.uid(), address, scopes=[])
            self.state.users[username] = user
            self.chain.open_account(address, START_BALANCE)
        return user

    def revoke(self, request: Request, username: str) -> Answer:
        """Take the app's permissions back: Pi then gives the user another uid."""
        user = self.state.users.get(username)
        if user is None:
            refuse(404, "user_not_found", "No such user")
        user.uid, user.scopes = self.platform.names.uid(), []
        for token in [
            t for t, row in self.state.tokens.items() if row.username == username
        ]:
            del self.state.tokens[token]
        return json_answer(200, {"uid": user.uid})

    def show(self, request: Request) -> Answer:
        user = self.platform.caller(request)
        account = self.state.accounts[user.address]
        return json_answer(
            200,
            {
                "username": user.username,
                "wallet_address": user.address,
                "balance": decimal_text(account.balance),
                "network_fee": decimal_text(BASE_FEE),
                "incomplete": self._incomplete(user),
            },
        )

    # --- Paying the app

    def open_payment(self, request: Request) -> Answer:
        """Play Pi.createPayment: one open payment a user, as Pi has it."""
        user = self.platform.caller(request)
        token = self.state.tokens[request.credential("Bearer") or ""]
        if "payments" not in token.scopes:
            refuse(401, "missing_scope", "The scope payments was not granted")
        amount, memo, metadata = checked(request.document)
        for earlier in self._open_payments(user):
            if earlier.txid:
                refuse(400, "ongoing_payment_found", "An earlier is open", earlier)
            earlier.cancelled = True
        payment = PiPayment(
            identifier=self.platform.names.identifier(),
            uid=user.uid,
            amount=amount,
            memo=memo,
            metadata=metadata,
            from_address=user.address,
            to_address=INCOMING.public_key,
            direction=TO_APP,
            created=self.chain.now(),
        )
        self.state.payments[payment.identifier] = payment
        return json_answer(200, payment_document(payment))

    def pay(self, request: Request) -> Answer:
        """Sign and submit what the app approved, as a user in the Pi wallet does."""
        payment = self._own(request)
        if not payment.approved or not payment.is_open:
            refuse(400, "invalid_arguments", "The app has not approved this", payment)
        if not payment.txid:
            outcome = self._submit(payment)
            if outcome.code or outcome.transaction is None:
                refuse(400, "transaction_failed", _why(outcome), payment)
            payment.txid, payment.verified = outcome.transaction.hash, True
        return json_answer(
            200, {"txid": payment.txid, "payment": payment_document(payment)}
        )

    def cancel(self, request: Request) -> Answer:
        """Play a user who closes the wallet without paying."""
        payment = self._own(request)
        if payment.txid:
            refuse(400, "payment_tx_present", "It was paid already", payment)
        payment.user_cancelled = True
        return json_answer(200, payment_document(payment))

    def _submit(self, payment: PiPayment) -> Outcome:
        user = next(u for u in self.state.users.values() if u.uid == payment.uid)
        account = self.state.accounts[user.address]
        now = int(self.chain.now())
        builder = TransactionBuilder(
            Account(user.address, account.sequence), PASSPHRASE, base_fee=BASE_FEE
        )
        builder.add_text_memo(payment.identifier)
        builder.append_payment_op(
            payment.to_address, Asset.native(), decimal_text(payment.amount)
        )
        envelope = builder.add_time_bounds(0, now + SIGNING_SECONDS).build()
        envelope.sign(user_keypair(user.username))
        return self.chain.submit(envelope.to_xdr())

    def _own(self, request: Request) -> PiPayment:
        user = self.platform.caller(request)
        payment = self.platform.found(str(request.document.get("payment_id")))
        if payment.uid != user.uid or payment.direction != TO_APP:
            refuse(404, "payment_not_found", "Payment not found")
        return payment

    def _open_payments(self, user: PiUser) -> list[PiPayment]:
        return [
            row
            for row in self.state.payments.values()
            if row.uid == user.uid and row.direction == TO_APP and row.is_open
        ]

    def _incomplete(self, user: PiUser) -> dict[str, Any] | None:
        """Return what Pi.authenticate reports: paid by the user, open with us."""
        paid = [row for row in self._open_payments(user) if row.txid]
        return payment_document(paid[0]) if paid else None

    # --- For whoever looks

    def page(self, _request: Request) -> Answer:
        rows = "".join(
            f"<tr><td>{user.username}</td><td><code>{user.address}</code></td>"
            f"<td>{decimal_text(self.state.accounts[user.address].balance)}</td></tr>"
            for user in self.state.users.values()
        )
        return html_answer(
            200,
            "<!doctype html><html lang=en><title>Simulated Pi</title>"
            "<h1>Simulated Pi</h1><p>Play money: nothing here touches the Pi Network."
            f"<table><tr><th>user<th>wallet<th>Pi</tr>{rows}</table>",
        )


def _why(outcome: Outcome) -> str:
    return ", ".join((outcome.code, *outcome.operation_codes))
