"""Reads of deposits: a payer's own, an organization's, and what is in doubt."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import F, QuerySet

from accounts.models import Organization, Person
from rewards.models import Deposit


def deposit_paid_by(person: Person, uuid: UUID | None) -> Deposit | None:
    if uuid is None:
        return None
    return (
        Deposit.objects.select_related("organization", "payer")
        .filter(uuid=uuid, payer=person)
        .first()
    )


def deposits_of(organizations: Sequence[Organization]) -> QuerySet[Deposit]:
    """Return the organizations' deposits, newest first."""
    return (
        Deposit.objects.filter(organization__in=organizations)
        .select_related("organization", "payer")
        .order_by("-id")
    )


def in_doubt(network: str, *, limit: int) -> list[Deposit]:
    """Return what has to be asked of Pi, the longest not looked at first."""
    rows = (
        Deposit.objects.filter(network=network, status__in=Deposit.IN_DOUBT)
        .select_related("organization", "payer")
        .order_by(F("looked_at").asc(nulls_first=True), "id")
    )
    return list(rows[:limit])


def never_begun(before: datetime, *, limit: int) -> list[Deposit]:
    rows = Deposit.objects.filter(status=Deposit.Status.CREATED, created__lt=before)
    return list(rows.order_by("id")[:limit])


def begun_since(person: Person, since: datetime) -> int:
    """Count the deposits that a person started and of which Pi knows nothing yet."""
    return Deposit.objects.filter(
        payer=person, status=Deposit.Status.CREATED, created__gt=since
    ).count()


def knows_transaction(txid: str, *, but: Deposit) -> bool:
    return Deposit.objects.filter(txid=txid).exclude(pk=but.pk).exists()
