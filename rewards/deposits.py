"""How a client's Pi comes in: a deposit is credited once, after it was verified."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization, Person
from rewards import ledger
from rewards.errors import DepositRefused
from rewards.models import Deposit, Transfer
from rewards.money import to_text
from rewards.pi_network import backend

LARGEST_DEPOSIT = 1_000_000 * 10_000_000


def start_deposit(organization: Organization, person: Person, amount: int) -> Deposit:
    """Open a deposit of ``amount`` (1e-7 Pi) that the person is going to pay.

    Raises DepositRefused for an amount that is not above 0 or too large.
    """
    if not 0 < amount <= LARGEST_DEPOSIT:
        raise DepositRefused(
            _("A deposit is more than 0 and at most %(limit)s Pi.")
            % {"limit": to_text(LARGEST_DEPOSIT)}
        )
    return Deposit.objects.create(
        organization=organization,
        payer=person,
        amount=amount,
        network=backend().name,
    )


@transaction.atomic
def complete_deposit(deposit_uuid: UUID, *, txid: str, now: datetime) -> Deposit:
    """Credit a paid deposit to the client's wallet; saying it again does nothing.

    Every field of the network's answer is checked against our own row first. Raises
    DepositRefused when they differ, or when the transaction already paid another one.
    """
    deposit = (
        Deposit.objects.select_for_update(of=("self",))
        .select_related("organization")
        .filter(uuid=deposit_uuid)
        .first()
    )
    if deposit is None or deposit.status == Deposit.Status.CANCELLED:
        raise DepositRefused
    if deposit.status == Deposit.Status.COMPLETED:
        if deposit.txid != txid:
            raise DepositRefused(_("This deposit was paid by another transaction."))
        return deposit
    payment = backend().payment(str(deposit.uuid), txid=txid, amount=deposit.amount)
    matches = (
        payment.verified
        and payment.identifier == str(deposit.uuid)
        and payment.amount == deposit.amount
        and payment.network == deposit.network
        and payment.txid == txid
    )
    if not matches or Deposit.objects.filter(txid=txid).exists():
        raise DepositRefused
    deposit.status = Deposit.Status.COMPLETED
    deposit.txid = txid
    deposit.completed_at = now
    deposit.save(update_fields=["status", "txid", "completed_at"])
    ledger.post(
        [
            ledger.Movement(
                key=f"deposit:{deposit.uuid}",
                debit=ledger.pi_in_account().pk,
                credit=ledger.wallet_account(deposit.organization).pk,
                amount=deposit.amount,
                kind=Transfer.Kind.DEPOSIT,
                group=f"deposit:{deposit.uuid}",
            )
        ]
    )
    return deposit
