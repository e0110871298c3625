"""The only writer of deposits: each arrow is one short transaction, committed at once.

``durable`` refuses to run inside another transaction: what is written here is on the
disk before Pi hears of it.
"""

from datetime import datetime

import structlog
from django.db import IntegrityError, transaction

from accounts import linking
from accounts.actions import record_audit
from accounts.errors import WalletTaken
from accounts.models import Person
from accounts.pi_platform import PaymentDTO
from rewards import ledger
from rewards.deposits import checks, queries
from rewards.models import Deposit, Transfer
from rewards.pi_network import Network

Status = Deposit.Status
log = structlog.get_logger(__name__)


def _locked(deposit: Deposit) -> Deposit:
    return (
        Deposit.objects.select_for_update(of=("self",))
        .select_related("organization", "payer")
        .get(pk=deposit.pk)
    )


def _move(row: Deposit, to: Status, *, now: datetime) -> Deposit:
    row.status = to
    row.moved_at = now
    row.save()
    return row


@transaction.atomic(durable=True)
def begin_approval(
    deposit: Deposit, payment: PaymentDTO, network: Network, *, now: datetime
) -> Deposit:
    """Bind a payment to its deposit; one that is bound already stays as it is."""
    row = _locked(deposit)
    checks.check_fields(payment, row, network)
    if row.payment_id not in {None, payment.identifier}:
        raise checks.refused("deposit_has_payment")
    if row.payment_id and row.status in {*Deposit.IN_DOUBT, Status.COMPLETED}:
        return row
    if checks.is_cancelled(payment):
        raise checks.refused("payment_cancelled")
    if row.status != Status.CREATED:
        raise checks.refused("deposit_over")
    _note_wallet(row, payment, now=now)
    row.payment_id = payment.identifier
    return _move(row, Status.APPROVING, now=now)


def _note_wallet(
    row: Deposit, payment: PaymentDTO, *, now: datetime, has_moved: bool = False
) -> None:
    """Keep whose wallet pays. Raises WalletTaken, while nothing is paid yet."""
    if payment.from_address:
        linking.record_wallet(
            row.payer,
            network=row.network,
            address=payment.from_address,
            source=f"deposit:{row.uuid}",
            now=now,
            has_moved=has_moved,
        )


@transaction.atomic(durable=True)
def note_approved(deposit: Deposit, *, now: datetime) -> Deposit:
    row = _locked(deposit)
    return (
        _move(row, Status.APPROVED, now=now) if row.status == Status.APPROVING else row
    )


@transaction.atomic(durable=True)
def begin_completion(
    deposit: Deposit,
    payment: PaymentDTO,
    network: Network,
    *,
    txid: str,
    now: datetime,
) -> Deposit:
    """Store by which transaction a payment is said to be made, before Pi is asked."""
    row = _locked(deposit)
    checks.check_fields(payment, row, network)
    if row.status == Status.COMPLETED and row.txid == txid:
        return row
    _check_claim(row, payment, txid)
    if (row.status, row.txid) == (Status.COMPLETING, txid):
        return row
    row.txid = txid
    try:
        with transaction.atomic():
            return _move(row, Status.COMPLETING, now=now)
    except IntegrityError:  # another deposit claimed it at the same moment
        raise checks.refused("transaction_used") from None


def _check_claim(row: Deposit, payment: PaymentDTO, txid: str) -> None:
    """Refuse a transaction that cannot be this deposit's, by Pi's word or by ours."""
    if row.payment_id != payment.identifier:
        raise checks.refused("payment_not_approved")
    told = payment.transaction.txid.lower() if payment.transaction else None
    # What somebody claimed before, Pi may correct; a second claim may not.
    if txid != (told or row.txid or txid):
        raise checks.refused("wrong_transaction")
    if row.status not in Deposit.IN_DOUBT:
        raise checks.refused("deposit_over")
    if queries.knows_transaction(txid, but=row):
        raise checks.refused("transaction_used")


@transaction.atomic(durable=True)
def withdraw_claim(deposit: Deposit, *, txid: str, now: datetime) -> None:
    """Forget a transaction that Pi says is not this payment's: its owner needs it."""
    row = _locked(deposit)
    if (row.status, row.txid) == (Status.COMPLETING, txid):
        row.txid = None
        _move(row, Status.APPROVED, now=now)


@transaction.atomic(durable=True)
def credit(
    deposit: Deposit, payment: PaymentDTO, *, txid: str, now: datetime
) -> Deposit:
    """Count a proven deposit as the client's; saying it again does nothing."""
    row = _locked(deposit)
    if row.status == Status.COMPLETED:
        return row
    assert (row.status, row.txid) == (Status.COMPLETING, txid)
    row.completed_at = now
    row.refusal = ""
    _move(row, Status.COMPLETED, now=now)
    record_audit(
        row.payer, "pay_in", f"deposit:{row.uuid}", txid=txid, amount=row.amount
    )
    try:
        _note_wallet(row, payment, now=now, has_moved=True)
    except WalletTaken:  # paid without our approval: it is credited all the same
        log.warning("deposit_from_anothers_wallet", deposit=str(row.uuid))
    ledger.post([movement(row)])
    return row


def movement(deposit: Deposit) -> ledger.Movement:
    return ledger.Movement(
        key=f"deposit:{deposit.uuid}",
        debit=ledger.pi_in_account().pk,
        credit=ledger.wallet_account(deposit.organization).pk,
        amount=deposit.amount,
        kind=Transfer.Kind.DEPOSIT,
        group=f"deposit:{deposit.uuid}",
    )


@transaction.atomic(durable=True)
def note_cancelled(deposit: Deposit, *, now: datetime) -> Deposit:
    """Close a deposit whose payment Pi says is cancelled, or was never begun."""
    row = _locked(deposit)
    if row.status in {Status.COMPLETED, Status.CANCELLED, Status.REFUSED}:
        return row
    row.txid = None
    return _move(row, Status.CANCELLED, now=now)


@transaction.atomic(durable=True)
def note_refused(deposit: Deposit, *, code: str, now: datetime) -> Deposit:
    """Hand a deposit to staff: Pi's answers contradict our row, or each other."""
    row = _locked(deposit)
    if row.status == Status.COMPLETED:
        return row
    row.refusal = code[:40]
    record_audit(None, "refuse_deposit", f"deposit:{row.uuid}", code=code)
    return _move(row, Status.REFUSED, now=now)


@transaction.atomic(durable=True)
def reopen(deposit: Deposit, actor: Person, *, now: datetime) -> Deposit:
    """Let Pi be asked once more about what was handed to staff."""
    row = _locked(deposit)
    if row.status != Status.REFUSED or row.txid is None:
        return row
    record_audit(actor, "reopen_deposit", f"deposit:{row.uuid}", code=row.refusal)
    return _move(row, Status.COMPLETING, now=now)


def note_looked(deposit: Deposit, *, now: datetime) -> None:
    Deposit.objects.filter(pk=deposit.pk).update(looked_at=now)
