"""The Platform's part of the HTTP: all nine calls, with the documented refusals."""

from datetime import UTC, datetime
from typing import Any, NoReturn

from rewards.simulator.chain import Chain
from rewards.simulator.http import (
    Answer,
    Refusal,
    Request,
    json_answer,
    number,
    platform_error,
    units_of,
)
from rewards.simulator.keys import OUTGOING, PASSPHRASE
from rewards.simulator.names import Names
from rewards.simulator.records import PiPayment, PiUser

TO_USER, TO_APP = "app_to_user", "user_to_app"
APPROVAL_SECONDS = 60
MOST_NOTIFICATIONS, MOST_A_DAY = 256, 48


def payment_document(payment: PiPayment) -> dict[str, Any]:
    """Return a PaymentDTO: of a payout, ``transaction`` is there only at the end."""
    done = None
    if payment.txid:
        done = {
            "txid": payment.txid,
            "verified": payment.verified,
            "_link": f"http://horizon.invalid/transactions/{payment.txid}",
        }
    return {
        "identifier": payment.identifier,
        "user_uid": payment.uid,
        "amount": number(payment.amount),
        "memo": payment.memo,
        "metadata": payment.metadata,
        "from_address": payment.from_address,
        "to_address": payment.to_address,
        "direction": payment.direction,
        "created_at": datetime.fromtimestamp(payment.created, UTC).isoformat(),
        "network": PASSPHRASE,
        "status": {
            "developer_approved": payment.approved,
            "transaction_verified": payment.verified,
            "developer_completed": payment.completed,
            "cancelled": payment.cancelled,
            "user_cancelled": payment.user_cancelled,
        },
        "transaction": done,
    }


def refuse(
    status: int, code: str, message: str, payment: PiPayment | None = None, **more: Any
) -> NoReturn:
    if payment is not None:
        more["payment"] = payment_document(payment)
    raise Refusal(platform_error(status, code, message, **more))


class Platform:
    def __init__(self, chain: Chain, names: Names, *, api_key: str | None) -> None:
        self.chain = chain
        self.state = chain.state
        self.names = names
        self.api_key = api_key

    # --- Who calls

    def require_key(self, request: Request) -> None:
        key = request.credential("Key")
        if key is None or (self.api_key is not None and key != self.api_key):
            refuse(401, "unauthorized", "The API key is not valid")

    def caller(self, request: Request) -> PiUser:
        token = self.state.tokens.get(request.credential("Bearer") or "")
        if token is None or token.until < self.chain.now():
            refuse(401, "unauthorized", "The access token is not valid")
        return self.state.users[token.username]

    def me(self, request: Request) -> Answer:
        user = self.caller(request)
        token = self.state.tokens[request.credential("Bearer") or ""]
        until = datetime.fromtimestamp(token.until, UTC)
        document: dict[str, Any] = {
            "uid": user.uid,
            "credentials": {
                # Pi was seen to grant one scope more than was asked for.
                "scopes": [*token.scopes, "platform"],
                "valid_until": {
                    "timestamp": int(token.until),
                    "iso8601": until.isoformat(),
                },
            },
            "app_id": "tessera-simulation",
        }
        if "username" in token.scopes:
            document["username"] = user.username
        return json_answer(200, document)

    # --- Payments

    def create(self, request: Request) -> Answer:
        """Open a payment to a user."""
        self.require_key(request)
        asked = request.document.get("payment")
        if not isinstance(asked, dict):
            refuse(400, "invalid_arguments", "payment is missing")
        amount, memo, metadata = checked(asked)
        user = self._recipient(asked.get("uid"))
        earlier = next(
            (row for row in self._open_payouts() if row.uid == user.uid), None
        )
        if earlier is not None:
            refuse(400, "ongoing_payment_found", "An earlier one is open", earlier)
        payment = PiPayment(
            identifier=self.names.identifier(),
            uid=user.uid,
            amount=amount,
            memo=memo,
            metadata=metadata,
            from_address=OUTGOING.public_key,
            to_address=user.address,
            direction=TO_USER,
            created=self.chain.now(),
            approved=True,
        )
        self.state.payments[payment.identifier] = payment
        return json_answer(200, payment_document(payment))

    def _recipient(self, uid: object) -> PiUser:
        user = next((u for u in self.state.users.values() if u.uid == uid), None)
        if user is None:
            refuse(404, "user_not_found", "User with uid was not found")
        if "wallet_address" not in user.scopes:
            refuse(
                401,
                "missing_scope",
                'User hasn\'t authorized "wallet_address" scope for you to access'
                " the public key",
            )
        if not user.has_wallet:
            refuse(400, "missing_wallet", "User has no wallet")
        return user

    def get(self, request: Request, identifier: str) -> Answer:
        self.require_key(request)
        return json_answer(200, payment_document(self.found(identifier)))

    def incomplete(self, request: Request) -> Answer:
        self.require_key(request)
        rows = [payment_document(row) for row in self._open_payouts()]
        return json_answer(200, {"incomplete_server_payments": rows})

    def approve(self, request: Request, identifier: str) -> Answer:
        self.require_key(request)
        payment = self.found(identifier)
        if payment.direction != TO_APP:
            refuse(403, "forbidden", "A payment to a user needs no approval")
        if payment.cancelled or payment.user_cancelled:
            refuse(400, "cancelled_payment", "The payment was cancelled", payment)
        payment.approved = True
        return json_answer(200, payment_document(payment))

    def complete(self, request: Request, identifier: str) -> Answer:
        self.require_key(request)
        payment = self.found(identifier)
        if "txid" not in request.document:
            refuse(400, "missing_param", "txid is missing")
        txid = str(request.document["txid"] or "").lower()
        if not txid:
            refuse(400, "missing_txid", "txid is empty")
        if payment.completed:
            refuse(400, "already_completed", "Completed before", payment)
        if payment.cancelled or payment.user_cancelled:
            refuse(400, "cancelled_payment", "The payment was cancelled", payment)
        if payment.txid and payment.txid != txid:
            refuse(400, "txid_mismatch", "Another transaction paid this payment")
        self._verify(payment, txid)
        payment.txid, payment.verified, payment.completed = txid, True, True
        return json_answer(200, payment_document(payment))

    def _verify(self, payment: PiPayment, txid: str) -> None:
        row = self.chain.state.transactions.get(txid)
        if row is None:
            refuse(400, "not_verified", "The transaction is not known yet")
        (operation, *others) = row.operations
        differs = {
            "transaction failed": not row.successful,
            "memo": row.memo != payment.identifier,
            "number of operations": bool(others),
            "from_address": operation.source != payment.from_address,
            "to_address": operation.destination != payment.to_address,
            "amount": operation.amount != payment.amount,
        }
        wrong = [name for name, is_wrong in differs.items() if is_wrong]
        if wrong:
            refuse(
                400,
                "verification_failed",
                "The transaction is not this payment's",
                verification_error=", ".join(wrong),
            )

    def cancel(self, request: Request, identifier: str) -> Answer:
        """Cancel, even a payout that landed: Pi does not look at the chain here."""
        self.require_key(request)
        payment = self.found(identifier)
        if payment.completed:
            refuse(400, "already_completed", "Completed before", payment)
        if payment.cancelled or payment.user_cancelled:
            refuse(400, "cancelled_payment", "Cancelled before", payment)
        if payment.txid:
            refuse(400, "payment_tx_present", "There is a transaction", payment)
        payment.cancelled = True
        return json_answer(200, payment_document(payment))

    def found(self, identifier: str) -> PiPayment:
        payment = self.state.payments.get(identifier)
        if payment is None:
            refuse(404, "payment_not_found", "Payment not found")
        waited = self.chain.now() - payment.created
        if payment.is_open and not payment.approved and waited > APPROVAL_SECONDS:
            payment.cancelled = True
        return payment

    def _open_payouts(self) -> list[PiPayment]:
        return [
            row
            for row in self.state.payments.values()
            if row.direction == TO_USER and row.is_open
        ]

    # --- Advertisements and messages

    def ad_status(self, request: Request, identifier: str) -> Answer:
        self.require_key(request)
        if identifier not in self.state.ads:
            refuse(404, "not_found", "Ad not found")
        status = self.state.ads[identifier]
        return json_answer(
            200,
            {
                "identifier": identifier,
                "mediator_ack_status": status or None,
                "mediator_granted_at": None,
                "mediator_revoked_at": None,
            },
        )

    def notify(self, request: Request) -> Answer:
        self.require_key(request)
        rows = request.document.get("notifications")
        if not isinstance(rows, list) or not all(_is_message(row) for row in rows):
            refuse(422, "invalid_arguments", "notifications are not well formed")
        if len(rows) > MOST_NOTIFICATIONS:
            refuse(400, "invalid_arguments", "too many notifications")
        uids = [row["user_uid"] for row in self.state.notified + rows]
        over = sorted({uid for uid in uids if uids.count(uid) > MOST_A_DAY})
        if over:
            refuse(403, "quota_exceeded", f"Too many a day for {', '.join(over)}")
        self.state.notified += rows
        return json_answer(201, {"success": True, "delivered_notifications": rows})


def checked(asked: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
    """Return amount, memo and metadata of a new payment, or refuse them."""
    amount = units_of(str(asked.get("amount")))
    memo, metadata = asked.get("memo"), asked.get("metadata")
    if amount is None:
        refuse(400, "invalid_amount", "The amount is not valid")
    if not isinstance(memo, str) or not memo:
        refuse(400, "invalid_arguments", "memo is missing")
    if not isinstance(metadata, dict) or not metadata:
        refuse(400, "invalid_metadata", "Metadata can't be empty")
    return amount, memo, metadata


def _is_message(row: object) -> bool:
    return isinstance(row, dict) and all(
        isinstance(row.get(name), str) and row[name]
        for name in ("title", "body", "user_uid")
    )
