"""The sweep that asks Pi again about every deposit whose answer was lost."""

from datetime import datetime, timedelta

import structlog

from accounts.models import Person
from rewards.deposits import platform, queries, rows, steps
from rewards.errors import DepositRefused, PiUnreachable
from rewards.models import Deposit
from rewards.pi_network import Network, backend

A_SWEEP = 200  # of the longest not looked at: one that is stuck holds up nobody
FORGOTTEN_AFTER = timedelta(days=1)

log = structlog.get_logger(__name__)


def sweep_deposits(*, now: datetime) -> None:
    """Finish, or cancel, what is in doubt; close what was never begun at Pi."""
    network = backend()
    for deposit in queries.in_doubt(network.name, limit=A_SWEEP):
        rows.note_looked(deposit, now=now)
        try:
            _look_again(deposit, network, now=now)
        except PiUnreachable:
            continue
        except DepositRefused as refusal:
            log.warning(
                "deposit_not_settled",
                deposit=str(deposit.uuid),
                code=refusal.get_codes(),
            )
        except Exception:
            log.exception("deposit_not_settled", deposit=str(deposit.uuid))
    for deposit in queries.never_begun(now - FORGOTTEN_AFTER, limit=A_SWEEP):
        rows.note_cancelled(deposit, now=now)


def look_again(deposit: Deposit, actor: Person, *, now: datetime) -> Deposit:
    """Ask Pi about one deposit because staff want it; only Pi's answer moves money.

    Raises DepositRefused for what Pi still refuses, PiUnreachable.
    """
    network = backend()
    row = rows.reopen(deposit, actor, now=now)
    if row.status in Deposit.IN_DOUBT and row.network == network.name:
        _look_again(row, network, now=now)
    row.refresh_from_db()
    return row


def _look_again(deposit: Deposit, network: Network, *, now: datetime) -> None:
    assert deposit.payment_id is not None
    payment = platform.look_up(network.platform, deposit.payment_id)
    window = (
        steps.APPROVAL_WINDOW
        if deposit.status == Deposit.Status.APPROVING
        else steps.SIGNING_WINDOW
    )
    waited = now - deposit.moved_at
    steps.settle(deposit, payment, network, now=now, give_up=waited > window)
