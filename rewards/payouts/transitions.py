"""Every arrow a payout may take, and the only function that takes one."""

from datetime import datetime

from accounts.models import Person
from rewards import ledger
from rewards.errors import PayoutMoved
from rewards.models import Account, HoldEnd, Payout, PayoutEvent, Transfer

Status = Payout.Status

ARROWS: dict[Status, frozenset[Status]] = {
    Status.REQUESTED: frozenset(
        {Status.PREPARED, Status.APPROVED, Status.REJECTED, Status.CANCELLED}
    ),
    Status.PREPARED: frozenset(
        {Status.APPROVED, Status.REJECTED, Status.CANCELLED, Status.REQUESTED}
    ),
    Status.APPROVED: frozenset(
        {Status.RESERVED, Status.REJECTED, Status.CANCELLED, Status.REQUESTED}
    ),
    Status.RESERVED: frozenset(
        {
            Status.CREATED,
            Status.REFUNDED,
            Status.NEEDS_RECIPIENT,
            Status.NEEDS_REVIEW,
        }
    ),
    Status.CREATED: frozenset(
        {
            Status.SIGNED,
            Status.REFUNDED,
            Status.NEEDS_RECIPIENT,
            Status.NEEDS_REVIEW,
        }
    ),
    Status.SIGNED: frozenset({Status.SUBMITTED, Status.CREATED}),
    Status.SUBMITTED: frozenset({Status.CONFIRMED, Status.CREATED}),
    Status.CONFIRMED: frozenset({Status.COMPLETED, Status.NEEDS_REVIEW}),
    Status.NEEDS_REVIEW: frozenset(
        {Status.RESERVED, Status.CREATED, Status.CONFIRMED, Status.COMPLETED}
    ),
}
# No arrow leads out of these: the payout is over, for good or ill.
FINAL = frozenset(set(Status) - set(ARROWS))
# The amount is on a hold of the payer's account.
HELD = frozenset({Status.REQUESTED, Status.PREPARED, Status.APPROVED})
# The amount is in payouts:in_flight.
IN_FLIGHT = frozenset(set(ARROWS) - HELD)


def locked(seen: Payout) -> Payout:
    """Return the row under lock. Raises PayoutMoved when it is not as it was seen."""
    row = (
        Payout.objects.select_for_update(of=("self",))
        .select_related("account", "person", "organization")
        .get(pk=seen.pk)
    )
    if (row.status, row.failure) != (seen.status, seen.failure):
        raise PayoutMoved
    return row


def move(
    payout: Payout,
    to: Status,
    *,
    now: datetime,
    actor: Person | None = None,
    reason: str = "",
) -> None:
    """Take one arrow and append it to the audit; call it under the row's lock."""
    before = Status(payout.status)
    if to not in ARROWS.get(before, frozenset()):
        raise PayoutMoved
    payout.status = to
    payout.attempts, payout.next_try_at, payout.waits_for = 0, None, ""
    if to in FINAL:
        payout.finished_at = now
    payout.save()
    note(payout, before=before, now=now, actor=actor, reason=reason)


def note(
    payout: Payout,
    *,
    before: str,
    now: datetime,
    actor: Person | None = None,
    reason: str = "",
) -> None:
    PayoutEvent.objects.create(
        payout=payout,
        actor=actor,
        from_status=before,
        to_status=payout.status,
        reason=reason[:300],
        created=now,
    )


def wait(payout: Payout, *, why: str, until: datetime, tried: bool) -> None:
    """Let a payout rest; ``tried`` makes the next rest longer."""
    payout.waits_for = why[:40]
    payout.next_try_at = until
    payout.attempts = min(payout.attempts + tried, 1000)
    payout.save(update_fields=["waits_for", "next_try_at", "attempts"])


# --- What the arrows do to the money --------------------------------------------------


def in_flight_account() -> Account:
    return ledger.open_account("payouts:in_flight", Account.Kind.IN_FLIGHT)


def pi_out_account() -> Account:
    return ledger.open_account("asset:pi_out", Account.Kind.ASSET)


def free_hold(payout: Payout) -> None:
    """Free what was held for a payout that will not leave."""
    ledger.post(resolutions=[_resolution(payout, HoldEnd.Outcome.VOID)])


def reserve(payout: Payout) -> None:
    """Move the amount from the payer to payouts:in_flight, out of its hold."""
    movement = _movement(
        payout,
        "reserve",
        Transfer.Kind.PAYOUT,
        debit=payout.account.pk,
        credit=in_flight_account().pk,
    )
    ledger.post([movement], resolutions=[_resolution(payout, HoldEnd.Outcome.POST)])


def give_back(payout: Payout) -> None:
    movement = _movement(
        payout,
        "void",
        Transfer.Kind.PAYOUT_VOID,
        debit=in_flight_account().pk,
        credit=payout.account.pk,
    )
    ledger.post([movement])


def book_arrival(payout: Payout) -> None:
    movement = _movement(
        payout,
        "done",
        Transfer.Kind.PAYOUT_DONE,
        debit=in_flight_account().pk,
        credit=pi_out_account().pk,
    )
    ledger.post([movement])


def book_fee(payout: Payout, *, charged: int, failed_hash: str = "") -> None:
    """Book what the chain took, as it says; a failed envelope is charged too."""
    if charged <= 0:
        return
    what = f"fee:{failed_hash[:16]}" if failed_hash else "fee"
    expense = ledger.open_account("expense:network_fee", Account.Kind.EXPENSE)
    ledger.post(
        [
            ledger.Movement(
                key=f"payout:{payout.uuid}:{what}",
                debit=expense.pk,
                credit=pi_out_account().pk,
                amount=charged,
                kind=Transfer.Kind.NETWORK_FEE,
                group=f"payout:{payout.uuid}",
            )
        ]
    )


def _movement(
    payout: Payout, what: str, kind: Transfer.Kind, *, debit: int, credit: int
) -> ledger.Movement:
    return ledger.Movement(
        key=f"payout:{payout.uuid}:{what}",
        debit=debit,
        credit=credit,
        amount=payout.amount,
        kind=kind,
        group=f"payout:{payout.uuid}",
    )


def _resolution(payout: Payout, outcome: HoldEnd.Outcome) -> ledger.Resolution:
    return ledger.Resolution(hold=payout.hold_id, outcome=outcome)
