"""How somebody asks for a payout, and takes the question back."""

from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import pi_app
from accounts.models import Person
from rewards import ledger
from rewards.errors import PayoutMoved, PayoutRefused
from rewards.models import Account, Payout
from rewards.payouts import approvals, eligibility, queries, transitions
from rewards.payouts.transitions import Status


@transaction.atomic
def request_payout(
    person: Person, account: Account, amount: int, *, now: datetime
) -> Payout:
    """Ask for ``amount`` (1e-7 Pi) of an account to be paid to the person's wallet.

    The amount is on hold from now on. Raises PayoutRefused, EvidenceNeeded,
    InsufficientFunds.
    """
    uid = eligibility.recipient(person)
    eligibility.check_limits(person, account, amount, now=now)
    uuid = uuid4()
    # The account's lock makes two questions of the same account wait for each other.
    [hold] = ledger.post(
        reservations=[
            ledger.Reservation(key=f"payout:{uuid}", account=account.pk, amount=amount)
        ]
    )
    if queries.open_payout(account) is not None:
        raise PayoutRefused(
            _("One payout of this account is still on its way."), "payout_open"
        )
    eligibility.check_limits(person, account, amount, now=now)
    payout = Payout.objects.create(
        uuid=uuid,
        account=account,
        person=person,
        organization=account.organization,
        amount=amount,
        network=pi_app.network(),
        uid=uid,
        hold=hold,
        created=now,
    )
    transitions.note(payout, before="", now=now, actor=person)
    approvals.approve_by_rules(payout, now=now)
    return payout


@transaction.atomic
def cancel_payout(person: Person, payout_uuid: UUID, *, now: datetime) -> Payout:
    """Take a payout back that has not left yet. Raises PayoutMoved, Http404."""
    payout = transitions.locked(queries.payout_of(person, payout_uuid))
    eligibility.check_owner(person, payout.account)
    if not queries.can_be_taken_back(payout):
        raise PayoutMoved
    transitions.move(payout, Status.CANCELLED, now=now, actor=person)
    transitions.free_hold(payout)
    return payout
