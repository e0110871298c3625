"""The arrows before anything is signed: reserve, make Pi know it, or give it back."""

from contextlib import suppress
from datetime import datetime

from accounts.linking import record_wallet
from accounts.pi_platform import (
    AlreadyCompleted,
    PaymentCancelled,
    PaymentDTO,
    PaymentOngoing,
    PlatformError,
    RecipientMustAct,
)
from rewards import limits
from rewards.models import Envelope, Payout, Stop
from rewards.payouts import controls, proofs, queries, transitions
from rewards.payouts.leases import Teller, writing
from rewards.payouts.transitions import HELD, Status

MEMO = "Tessera payout"
# Pi refuses these for good: the money goes back, and nobody asks Pi again.
HOPELESS = {"invalid_amount", "altered_amount", "invalid_arguments", "invalid_metadata"}
# What the recipient can mend, by Pi's code or the chain's.
RECIPIENTS = {
    *("missing_scope", "missing_wallet", "user_not_found", "invalid_address"),
    "op_no_destination",
}


def reserve(payout: Payout, teller: Teller, now: datetime) -> bool:
    """approved → reserved: the amount leaves the account, within the caps."""
    with writing(teller, payout) as row:
        if row.approval_expires_at is None or row.approval_expires_at <= now:
            return False  # approvals.expire_approvals sends it back
        cap = controls.cap_reached(row, now)
        if cap is not None:
            until = limits.retry_at(4, now)
            transitions.wait(row, why=cap, until=until, tried=False)
            return False
        row.reserved_at = now
        transitions.move(row, Status.RESERVED, now=now)
        transitions.reserve(row)
    return True


def create(payout: Payout, teller: Teller, now: datetime) -> bool:
    """reserved → created: Pi knows the payment, and we know Pi's name for it.

    An earlier attempt may have arrived although its answer did not: look first.
    """
    platform = teller.network.platform
    ours = [
        payment
        for payment in platform.incomplete_server_payments()
        if payment.metadata.get("payout_id") == str(payout.uuid)
    ]
    if ours:
        return _adopt(payout, min(ours, key=lambda p: p.created_at), teller, now)
    try:
        payment = platform.create_payment(
            uid=payout.uid,
            amount=payout.amount,
            memo=MEMO,
            metadata={"payout_id": str(payout.uuid)},
        )
    except RecipientMustAct as error:
        return _give_back(payout, teller, now, failure=error.code)
    except PaymentOngoing as error:
        return _meet(payout, error.payment, teller, now)
    except PlatformError as error:
        if error.code in HOPELESS:
            return _give_back(payout, teller, now, failure=error.code)
        raise
    return _adopt(payout, payment, teller, now)


def give_back(payout: Payout, teller: Teller, now: datetime) -> bool:
    """created → refunded | needs_recipient, on proof that nothing was or will be paid.

    No envelope of this payout can land any more; one that landed unknown to us would
    be found in the wallet by its memo. Only then is the payment cancelled at Pi.
    """
    assert payout.payment_id is not None
    paid = _paid_already(payout, payout.payment_id, teller)
    if paid is not None:
        return to_review(payout, teller, now, reason=f"paid by {paid}")
    try:
        # An earlier attempt may have been heard, or Pi was quicker.
        with suppress(PaymentCancelled):
            teller.network.platform.cancel(payout.payment_id)
    except PlatformError as error:
        if isinstance(error, AlreadyCompleted) or error.code == "forbidden":
            return to_review(payout, teller, now, reason=error.code)
        raise
    return _give_back(payout, teller, now, failure=payout.failure)


def to_review(payout: Payout, teller: Teller, now: datetime, *, reason: str) -> bool:
    _stop_for_ours(reason, now)
    with writing(teller, payout) as row:
        transitions.move(row, Status.NEEDS_REVIEW, now=now, reason=reason)
    return True


def cancel_orphan(payment: PaymentDTO, teller: Teller, now: datetime) -> bool:
    """Cancel a payment that Pi made twice for one payout, once it is proven unpaid.

    A request that arrived long after we had given up on it leaves one. No envelope
    was ever signed for it; the search of the wallet shows that nothing else paid it.
    """
    owner = _owner_of(payment)
    if owner is None or owner.payment_id == payment.identifier:
        return False
    if owner.status in HELD | {Status.RESERVED}:
        return False  # it may still be adopted
    if _paid_already(owner, payment.identifier, teller) is not None:
        controls.stop(
            Stop.Kind.CIRCUIT_BREAKER,
            reason=f"payment {payment.identifier} was paid beside payout {owner.uuid}",
            now=now,
        )
        return False
    with suppress(PaymentCancelled):
        teller.network.platform.cancel(payment.identifier)
    return True


def _meet(
    payout: Payout, other: PaymentDTO | None, teller: Teller, now: datetime
) -> bool:
    """Pi has another payment open for this user: adopt it, wait for it, or end it."""
    if other is None:
        raise PlatformError(code="ongoing_payment_found", message="without a payment")
    if other.metadata.get("payout_id") == str(payout.uuid):
        return _adopt(payout, other, teller, now)
    known = _owner_of(other)
    if known is None:
        controls.stop(
            Stop.Kind.CIRCUIT_BREAKER,
            reason=f"no payout knows the payment {other.identifier}",
            now=now,
        )
    else:
        cancel_orphan(other, teller, now)
    with writing(teller, payout) as row:
        until = limits.retry_at(row.attempts, now)
        transitions.wait(row, why=limits.Wait.OTHER_PAYOUT, until=until, tried=True)
    return False


def _owner_of(payment: PaymentDTO) -> Payout | None:
    return queries.payout_by_text(str(payment.metadata.get("payout_id") or ""))


def _adopt(payout: Payout, payment: PaymentDTO, teller: Teller, now: datetime) -> bool:
    """Take down Pi's name for the payment, if it is what was asked for."""
    objection = objection_to(payout, payment, teller)
    _stop_for_ours(objection, now)
    with writing(teller, payout) as row:
        row.payment_id = payment.identifier
        row.from_address = payment.from_address
        row.to_address = payment.to_address
        to = Status.NEEDS_REVIEW if objection else Status.CREATED
        if not objection:
            record_wallet(
                row.person,
                network=row.network,
                address=row.to_address,
                source=f"payout:{row.uuid}",
                now=now,
            )
        transitions.move(row, to, now=now, reason=objection)
    return True


def objection_to(payout: Payout, payment: PaymentDTO, teller: Teller) -> str:
    """Return why this payment must not be signed for; "" when nothing speaks against.

    Pi's answer against our row, field by field; cancelled is a matter of its own.
    """
    facts = {
        "direction": payment.direction == "app_to_user",
        "network": payment.network == teller.network.passphrase,
        "amount": payment.amount == payout.amount,
        "user_uid": payment.user_uid == payout.uid,
        "payout_id": payment.metadata.get("payout_id") == str(payout.uuid),
        "from_address": payment.from_address == teller.wallet.address,
        "to_address": payment.to_address not in ("", teller.wallet.address),
        "identifier": 0 < len(payment.identifier.encode()) <= 28,
        "developer_approved": payment.status.developer_approved,
        "transaction": payment.transaction is None,
        "wallet_of_another": not queries.is_anothers_wallet(payout, payment.to_address),
    }
    return ", ".join(name for name, holds in facts.items() if not holds)


def _stop_for_ours(objection: str, now: datetime) -> None:
    """Another wallet or chain than ours: the next payout would fare no better."""
    if {"from_address", "network"} & set(objection.split(", ")):
        reason = f"Pi and our settings differ: {objection}"
        controls.stop(Stop.Kind.CIRCUIT_BREAKER, reason=reason, now=now)


def _paid_already(payout: Payout, payment_id: str, teller: Teller) -> str | None:
    """Return the transaction that paid this, if any. Raises ChainError if unproven."""
    envelopes = Envelope.objects.filter(payout=payout)
    landed = envelopes.exclude(fate=Envelope.Fate.DEAD).first()
    if landed is not None and payment_id == payout.payment_id:
        return landed.hash
    wallets = {teller.wallet.address, *envelopes.values_list("wallet", flat=True)}
    return proofs.landed_with_memo(
        payout, payment_id, wallets=sorted(wallets), chain=teller.network.chain
    )


def _give_back(payout: Payout, teller: Teller, now: datetime, *, failure: str) -> bool:
    with writing(teller, payout) as row:
        living = Envelope.objects.filter(payout=row).exclude(fate=Envelope.Fate.DEAD)
        assert not living.exists(), "money goes back only when no envelope can land"
        row.failure = failure[:40]
        to = Status.NEEDS_RECIPIENT if row.failure in RECIPIENTS else Status.REFUNDED
        transitions.move(row, to, now=now, reason=failure)
        transitions.give_back(row)
    return True
