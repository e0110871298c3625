"""The only place that compares a payment, as Pi tells it, with our own deposit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from accounts.pi_platform import PaymentDTO
from rewards.errors import DepositRefused
from rewards.models import Deposit
from rewards.pi_network import Network

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

# Where a payment from a user to the app carries which of our deposits it pays.
METADATA_KEY = "deposit_id"
USER_TO_APP = "user_to_app"
MEMO_LENGTH = 60

REFUSALS: Mapping[str, StrPromise] = {
    "payment_unknown": _("Pi knows no such payment to us."),
    "not_your_payment": _("This payment was made with another Pi account."),
    "wrong_direction": _("This is a payment from us, not one to us."),
    "wrong_network": _("This payment was made on another network."),
    "wrong_deposit": _("This payment is not for this deposit."),
    "wrong_amount": _("The amount of this payment is not the deposit's."),
    "payment_cancelled": _("This payment was cancelled. Start again."),
    "payment_not_approved": _("This payment was not approved here."),
    "deposit_has_payment": _("Another payment was made for this deposit."),
    "deposit_over": _("This deposit is over. Start a new one."),
    "wrong_transaction": _("This transaction is not the one that paid."),
    "transaction_used": _("This transaction already paid another deposit."),
    "not_verified": _("Pi has not verified this payment. No Pi was counted."),
    "too_many_deposits": _("You started many deposits. Try again in an hour."),
    "pi_account_needed": _("Link your Pi account first: it is the one that pays."),
}


STATUSES = {
    "payment_unknown": 404,
    "not_your_payment": 403,
    "pi_account_needed": 403,
    "too_many_deposits": 429,
}


def refused(code: str) -> DepositRefused:
    refusal = DepositRefused(REFUSALS[code], code)
    refusal.status_code = STATUSES.get(code, DepositRefused.status_code)
    return refusal


def payment_data(deposit: Deposit) -> dict[str, object]:
    """Return what Pi.createPayment is given beside the amount; the memo is shown."""
    return {
        "memo": f"Tessera: {deposit.organization.name}"[:MEMO_LENGTH],
        "metadata": {METADATA_KEY: str(deposit.uuid)},
    }


def check_payer(payment: PaymentDTO, uid: str) -> None:
    """Refuse what another Pi account paid, before anything else of it is looked at."""
    if not uid or payment.user_uid != uid:
        raise refused("not_your_payment")


def check_fields(payment: PaymentDTO, deposit: Deposit, network: Network) -> None:
    """Raise DepositRefused for the first field that is not our row's."""
    check_payer(payment, deposit.uid)
    differs: dict[str, Callable[[], bool]] = {
        "wrong_direction": lambda: payment.direction != USER_TO_APP,
        "wrong_network": lambda: (
            (payment.network, network.name) != (network.passphrase, deposit.network)
        ),
        "wrong_deposit": lambda: deposit_named(payment) != deposit.uuid,
        "wrong_amount": lambda: payment.amount != deposit.amount,
    }
    for code, is_wrong in differs.items():
        if is_wrong():
            raise refused(code)


def deposit_named(payment: PaymentDTO) -> UUID | None:
    """Return the deposit that a payment says it is for; anybody may say anything."""
    said = payment.metadata.get(METADATA_KEY)
    try:
        return UUID(said) if isinstance(said, str) else None
    except ValueError:
        return None


def is_cancelled(payment: PaymentDTO) -> bool:
    return payment.status.cancelled or payment.status.user_cancelled


def is_proven(payment: PaymentDTO, txid: str) -> bool:
    """Say whether Pi verified this very transaction and closed the payment with it."""
    done = payment.transaction
    return (
        payment.status.transaction_verified
        and payment.status.developer_completed
        and not is_cancelled(payment)
        and done is not None
        and done.txid.lower() == txid
    )
