"""The arrows that sign and send: one envelope at a time, stored before it is sent."""

from datetime import datetime

from rewards import limits
from rewards.chain import Rejected
from rewards.envelopes import SignedEnvelope, build_payment
from rewards.models import Envelope, Payout, Stop
from rewards.payouts import controls, creating, proofs, queries, rules, transitions
from rewards.payouts.leases import Teller, writing
from rewards.payouts.transitions import Status

# The chain refuses us, not this payment: nothing more is to be sent before a look.
OURS_TO_MEND = {
    *("tx_bad_auth", "tx_bad_auth_extra", "tx_no_source_account", "tx_malformed"),
    *("tx_insufficient_balance", "op_underfunded", "op_src_not_authorized"),
}
# Answers that are part of the plan; the look-up by hash says what follows from them.
EXPECTED = {
    *("tx_bad_seq", "tx_too_late", "tx_too_early", "tx_insufficient_fee", "tx_failed"),
    *("op_no_destination", "op_not_authorized", "op_line_full", "op_no_trust"),
}
# A dearer fee than this is an accident; the payout waits for it to pass.
DEAREST_FEE = 10 * limits.NETWORK_FEE


def sign(payout: Payout, teller: Teller, now: datetime) -> bool:
    """created → signed: every field checked once more, the envelope stored."""
    if queries.wallet_is_busy(teller.wallet.address):
        return False
    assert payout.payment_id is not None
    payment = teller.network.platform.payment(payout.payment_id)
    if payment.status.cancelled or payment.status.user_cancelled:
        return _fail(payout, teller, now, "cancelled_payment")
    objection = creating.objection_to(payout, payment, teller)
    if objection or payment.to_address != payout.to_address:
        reason = objection or "to_address"
        return creating.to_review(payout, teller, now, reason=reason)
    chain = teller.network.chain
    account = chain.account(teller.wallet.address)
    fee = max(chain.base_fee(), limits.NETWORK_FEE)
    if fee > DEAREST_FEE:
        return _rest(payout, teller, now, limits.Wait.CHAIN)
    if limits.breaks_floor(
        account.balance, amount=payout.amount, fee=fee, rules=rules.current()
    ):
        return _rest(payout, teller, now, limits.Wait.WALLET_FLOOR)
    until = limits.max_time(now, chain.latest_close())
    sequence = account.sequence + 1
    signed = build_payment(
        teller.wallet,
        passphrase=teller.network.passphrase,
        sequence=sequence,
        destination=payout.to_address,
        amount=payout.amount,
        memo=payout.payment_id,
        fee=fee,
        max_time=until,
    )
    return _store(payout, teller, now, signed, sequence=sequence, fee=fee, until=until)


def submit(payout: Payout, teller: Teller, now: datetime) -> bool:
    """signed → submitted: the envelope may be on the chain from now on.

    One that was left lying too long is not sent; it may have been, before a crash.
    """
    envelope = queries.open_envelope(payout)
    assert envelope is not None
    reason = "not sent: too late"
    if limits.may_send(envelope.max_time, now):
        reason = _send(envelope, teller, now)
    with writing(teller, payout) as row:
        transitions.move(row, Status.SUBMITTED, now=now, reason=reason)
    return True


def follow(payout: Payout, teller: Teller, now: datetime) -> bool:
    """submitted → confirmed | created, on proof; until then the same envelope again."""
    envelope = queries.open_envelope(payout)
    assert envelope is not None
    fate = proofs.fate_of(envelope, teller.network.chain)
    if isinstance(fate, proofs.Landed):
        return _confirm(payout, envelope, fate, teller, now)
    if isinstance(fate, proofs.Dead):
        return _bury(payout, envelope, fate, teller, now)
    if limits.may_send(envelope.max_time, now) and not controls.why_stopped():
        _send(envelope, teller, now)
    return _rest(payout, teller, now, limits.Wait.CHAIN)


def _store(
    payout: Payout,
    teller: Teller,
    now: datetime,
    signed: SignedEnvelope,
    *,
    sequence: int,
    fee: int,
    until: datetime,
) -> bool:
    with writing(teller, payout) as row:
        if queries.wallet_is_busy(teller.wallet.address):
            return False
        Envelope.objects.create(
            payout=row,
            hash=signed.hash,
            xdr=signed.xdr,
            wallet=teller.wallet.address,
            sequence=sequence,
            fee=fee,
            max_time=until,
            created=now,
        )
        transitions.move(row, Status.SIGNED, now=now, reason=signed.hash)
    return True


def _send(envelope: Envelope, teller: Teller, now: datetime) -> str:
    """Send the stored envelope; return what was answered, which proves nothing."""
    outcome = teller.network.chain.submit(envelope.xdr)
    if not isinstance(outcome, Rejected):
        return type(outcome).__name__.lower()
    if outcome.code in OURS_TO_MEND:
        reason = f"the chain refuses our wallet: {outcome.code}"
        controls.stop(Stop.Kind.CIRCUIT_BREAKER, reason=reason, now=now)
    elif outcome.code not in EXPECTED:
        reason = f"the chain answers {outcome.code}"
        controls.stop(Stop.Kind.CIRCUIT_BREAKER, reason=reason, now=now)
    return outcome.code


def _confirm(
    payout: Payout,
    envelope: Envelope,
    fate: proofs.Landed,
    teller: Teller,
    now: datetime,
) -> bool:
    found = fate.transaction
    with writing(teller, payout) as row:
        envelope.fate = Envelope.Fate.LANDED
        envelope.proof = {"ledger": found.ledger, "fee_charged": found.fee_charged}
        envelope.save(update_fields=["fate", "proof"])
        transitions.move(row, Status.CONFIRMED, now=now, reason=found.hash)
        transitions.book_fee(row, charged=found.fee_charged)
    return True


def _bury(
    payout: Payout,
    envelope: Envelope,
    fate: proofs.Dead,
    teller: Teller,
    now: datetime,
) -> bool:
    """The envelope can never land: sign anew, or give the money back."""
    failed = fate.transaction
    code = (failed.result or "tx_failed") if failed else ""
    if code in OURS_TO_MEND:
        reason = f"the chain refuses our wallet: {code}"
        controls.stop(Stop.Kind.CIRCUIT_BREAKER, reason=reason, now=now)
        code = ""
    with writing(teller, payout) as row:
        envelope.fate = Envelope.Fate.DEAD
        envelope.proof = fate.proof
        envelope.save(update_fields=["fate", "proof"])
        row.failure = code[:40]
        reason = ", ".join(f"{key}: {value}" for key, value in fate.proof.items())
        transitions.move(row, Status.CREATED, now=now, reason=reason)
        if failed:
            transitions.book_fee(
                row, charged=failed.fee_charged, failed_hash=failed.hash
            )
    return True


def _fail(payout: Payout, teller: Teller, now: datetime, failure: str) -> bool:
    """Note that this payout is to be given back; the next arrow brings the proof."""
    with writing(teller, payout) as row:
        row.failure = failure
        row.save(update_fields=["failure"])
        transitions.note(row, before=row.status, now=now, reason=failure)
    return True


def _rest(payout: Payout, teller: Teller, now: datetime, why: limits.Wait) -> bool:
    with writing(teller, payout) as row:
        until = limits.retry_at(row.attempts, now)
        transitions.wait(row, why=why, until=until, tried=True)
    return False
