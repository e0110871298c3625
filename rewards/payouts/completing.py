"""The last arrow: Pi is told which transaction paid, and the ledger books it."""

from datetime import datetime

from accounts.linking import record_wallet
from accounts.models import Person
from accounts.pi_platform import AlreadyCompleted, PaymentCancelled, PlatformError
from rewards.models import Envelope, Payout
from rewards.payouts import creating, transitions
from rewards.payouts.leases import Teller, writing
from rewards.payouts.transitions import Status


def complete(payout: Payout, teller: Teller, now: datetime) -> bool:
    """confirmed → completed; said again, Pi answers that it knows, and we compare."""
    assert payout.payment_id is not None
    platform = teller.network.platform
    txid = Envelope.objects.get(payout=payout, fate=Envelope.Fate.LANDED).hash
    try:
        payment = platform.complete(payout.payment_id, txid)
    except AlreadyCompleted:
        payment = platform.payment(payout.payment_id)
    except PaymentCancelled as error:
        return creating.to_review(payout, teller, now, reason=error.code)
    if payment.transaction is not None and payment.transaction.txid != txid:
        return creating.to_review(payout, teller, now, reason="txid_mismatch")
    if payment.transaction is None or not payment.status.developer_completed:
        raise PlatformError(message="completed, but Pi does not say so")
    with writing(teller, payout) as row:
        book(row, now=now)
    return True


def book(
    payout: Payout, *, now: datetime, actor: Person | None = None, reason: str = ""
) -> None:
    """Book a paid payout, under its lock; its wallet is evidence from now on."""
    record_wallet(
        payout.person,
        network=payout.network,
        address=payout.to_address,
        source=f"payout:{payout.uuid}",
        now=now,
        has_moved=True,
    )
    transitions.move(payout, Status.COMPLETED, now=now, actor=actor, reason=reason)
    transitions.book_arrival(payout)
