"""A deposit's way through Pi: approve, complete, cancel, each as often as is liked.

Our row is committed before each call to Pi and again after its answer. A call whose
answer is lost leaves the row in doubt, and the sweep asks again. Of what a browser
sends, only identifiers are read; everything else is what Pi says of them.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.utils.translation import gettext as _

from accounts import queries as people
from accounts.models import Organization, Person
from accounts.pi_platform import PaymentDTO
from rewards.deposits import checks, platform, queries, rows
from rewards.errors import DepositRefused, PiUnreachable
from rewards.models import Deposit
from rewards.money import to_text
from rewards.pi_network import Network, backend

LARGEST_DEPOSIT = 1_000_000 * 10_000_000
BEGUN_AN_HOUR = 30  # of one person: a page that starts more has gone wrong
# Pi itself cancels what is not approved after a minute.
APPROVAL_WINDOW = timedelta(minutes=2)
# An approved payment waits this long for its payer's signature.
SIGNING_WINDOW = timedelta(minutes=15)
# So long may Pi refuse to verify what it shows as the payment's own transaction.
VERIFICATION_WINDOW = timedelta(hours=24)

Status = Deposit.Status


def start_deposit(
    organization: Organization, person: Person, amount: int, *, now: datetime
) -> Deposit:
    """Open a deposit of ``amount`` (1e-7 Pi) that the person is going to pay.

    Raises DepositRefused for an amount that is not above 0 or too large, and for a
    person without a Pi account to pay from.
    """
    if not 0 < amount <= LARGEST_DEPOSIT:
        raise DepositRefused(
            _("A deposit is more than 0 and at most %(limit)s Pi.")
            % {"limit": to_text(LARGEST_DEPOSIT)},
            "amount_out_of_range",
        )
    network = backend().name
    if queries.begun_since(person, now - timedelta(hours=1)) >= BEGUN_AN_HOUR:
        raise checks.refused("too_many_deposits")
    return Deposit.objects.create(
        organization=organization,
        payer=person,
        amount=amount,
        network=network,
        uid=_uid(person, network),
        created=now,
        moved_at=now,
    )


def approve_payment(
    person: Person, payment_id: str, *, now: datetime, deposit_uuid: UUID | None = None
) -> Deposit:
    """Let the payer go on with the payment they opened in their Pi wallet."""
    network = backend()
    payment = _their_payment(person, payment_id, network)
    deposit = _their_deposit(person, payment, said=deposit_uuid)
    row = rows.begin_approval(deposit, payment, network, now=now)
    if row.status == Status.APPROVING:
        row = _approve(row, network, now=now)
    if row.status == Status.CANCELLED:
        raise checks.refused("payment_cancelled")
    if row.status == Status.APPROVING:
        raise PiUnreachable
    return row


def _approve(row: Deposit, network: Network, *, now: datetime) -> Deposit:
    assert row.payment_id is not None
    payment = platform.approve(network.platform, row.payment_id)
    if _is_dead(payment):
        return rows.note_cancelled(row, now=now)
    if payment.status.developer_approved:
        return rows.note_approved(row, now=now)
    return row


def complete_payment(
    person: Person, payment_id: str, txid: str, *, now: datetime
) -> Deposit:
    """Credit the payment that this transaction made, once Pi has verified it."""
    network = backend()
    payment = _their_payment(person, payment_id, network)
    deposit = _their_deposit(person, payment)
    return _settle_by(deposit, payment, network, txid=txid.lower(), now=now)


def settle_incomplete(person: Person, payment_id: str, *, now: datetime) -> None:
    """Finish or cancel what a person left open at Pi, so that they can pay again."""
    network = backend()
    payment = _their_payment(person, payment_id, network)
    if payment.direction != checks.USER_TO_APP:
        raise checks.refused("wrong_direction")
    if payment.transaction is None and checks.deposit_named(payment) is None:
        # Of no deposit and not paid: nothing can be lost by giving it up.
        platform.cancel(network.platform, payment_id)
        return
    settle(_their_deposit(person, payment), payment, network, now=now, give_up=True)


def note_cancel(
    person: Person,
    *,
    now: datetime,
    payment_id: str | None = None,
    deposit_uuid: UUID | None = None,
) -> None:
    """Close a deposit that its payer gave up; that they did is asked of Pi."""
    if payment_id is None:
        deposit = queries.deposit_paid_by(person, deposit_uuid)
        if deposit is not None and deposit.status == Status.CREATED:
            rows.note_cancelled(deposit, now=now)
        return
    network = backend()
    payment = _their_payment(person, payment_id, network)
    deposit = _their_deposit(person, payment, said=deposit_uuid)
    if checks.is_cancelled(payment):
        checks.check_fields(payment, deposit, network)
        rows.note_cancelled(deposit, now=now)


def settle(
    deposit: Deposit,
    payment: PaymentDTO,
    network: Network,
    *,
    now: datetime,
    give_up: bool,
) -> Deposit:
    """Bring a deposit to where Pi says its payment is; the sweep's step as well."""
    checks.check_fields(payment, deposit, network)
    if payment.transaction is not None:
        bound = rows.begin_approval(deposit, payment, network, now=now)
        txid = payment.transaction.txid.lower()
        return _settle_by(bound, payment, network, txid=txid, now=now)
    if checks.is_cancelled(payment):
        return rows.note_cancelled(deposit, now=now)
    if deposit.status == Status.COMPLETING and deposit.txid:
        return _finish(deposit, network, now=now)
    if give_up:
        after = platform.cancel(network.platform, payment.identifier)
        return rows.note_cancelled(deposit, now=now) if _is_dead(after) else deposit
    if deposit.status == Status.APPROVING:
        return _approve(deposit, network, now=now)
    return deposit


def _is_dead(payment: PaymentDTO) -> bool:
    return checks.is_cancelled(payment) and payment.transaction is None


def _settle_by(
    deposit: Deposit, payment: PaymentDTO, network: Network, *, txid: str, now: datetime
) -> Deposit:
    row = rows.begin_completion(deposit, payment, network, txid=txid, now=now)
    return row if row.status == Status.COMPLETED else _finish(row, network, now=now)


def _finish(row: Deposit, network: Network, *, now: datetime) -> Deposit:
    """Have Pi verify the transaction, and credit what it did verify."""
    assert row.payment_id is not None
    assert row.txid is not None
    payment, doubt = platform.complete(network.platform, row.payment_id, row.txid)
    if checks.is_proven(payment, row.txid):
        try:
            checks.check_fields(payment, row, network)
        except DepositRefused as refusal:
            rows.note_refused(row, code=str(refusal.get_codes()), now=now)
            raise
        return rows.credit(row, payment, txid=row.txid, now=now)
    if _is_dead(payment):
        rows.note_cancelled(row, now=now)
        raise checks.refused("payment_cancelled")
    _doubt(row, payment, code=doubt.code if doubt else "not_verified", now=now)
    raise checks.refused("not_verified")


def _doubt(row: Deposit, payment: PaymentDTO, *, code: str, now: datetime) -> None:
    """Free a transaction that was only claimed; give staff what Pi itself tells."""
    assert row.txid is not None
    told = payment.transaction.txid.lower() if payment.transaction else None
    if told != row.txid:
        rows.withdraw_claim(row, txid=row.txid, now=now)
    elif checks.is_cancelled(payment):
        rows.note_refused(row, code="cancelled_with_transaction", now=now)
    elif now - row.moved_at > VERIFICATION_WINDOW:
        rows.note_refused(row, code=code, now=now)


def _uid(person: Person, network: str) -> str:
    identity = people.pi_identity_of(person, network)
    if identity is None:
        raise checks.refused("pi_account_needed")
    return identity.uid


def _their_payment(person: Person, payment_id: str, network: Network) -> PaymentDTO:
    uid = _uid(person, network.name)
    payment = platform.look_up(network.platform, payment_id)
    checks.check_payer(payment, uid)
    return payment


def _their_deposit(
    person: Person, payment: PaymentDTO, *, said: UUID | None = None
) -> Deposit:
    """Return the person's own deposit that this payment names, and they name too."""
    named = checks.deposit_named(payment)
    deposit = queries.deposit_paid_by(person, named)
    if deposit is None or said not in {None, named}:
        raise checks.refused("wrong_deposit")
    return deposit
