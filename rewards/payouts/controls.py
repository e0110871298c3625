"""What may stop payouts: the kill switch, the circuit breaker, caps and the floor."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.actions import record_audit
from accounts.models import Person
from rewards import limits
from rewards.models import Payout, Stop
from rewards.payouts import queries, rules


def why_stopped() -> str:
    """Return why nothing may be sent now; "" when payouts run."""
    if not settings.PAYOUTS_ENABLED:
        return "PAYOUTS_ENABLED is off"
    stop = queries.open_stops().first()
    return f"{stop.kind}: {stop.reason}" if stop else ""


@transaction.atomic
def stop(
    kind: Stop.Kind, *, reason: str, now: datetime, actor: Person | None = None
) -> Stop:
    """Stop payouts until somebody lifts it; a second stop of a kind changes nothing."""
    row, created = Stop.objects.get_or_create(
        kind=kind,
        lifted_at=None,
        defaults={"reason": reason[:500], "raised_by": actor, "created": now},
    )
    if created:
        record_audit(actor, "stop_payouts", f"stop:{row.pk}", kind=kind, reason=reason)
    return row


@transaction.atomic
def lift(row: Stop, *, actor: Person, now: datetime, reason: str = "") -> None:
    lifted = Stop.objects.filter(pk=row.pk, lifted_at=None).update(
        lifted_at=now, lifted_by=actor
    )
    if lifted:
        record_audit(actor, "lift_stop", f"stop:{row.pk}", kind=row.kind, reason=reason)


def cap_reached(payout: Payout, now: datetime) -> limits.Wait | None:
    """Say which cap on everything that leaves holds this payout back."""
    return limits.cap_reached(
        payout.amount,
        last_hour=queries.outflow(payout.network, now, 1),
        last_day=queries.outflow(payout.network, now, 24),
        rules=rules.current(),
    )
