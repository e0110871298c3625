"""Background work of compute: each task calls one function."""

from celery import shared_task
from django.utils import timezone

from compute import actions


@shared_task
def expire_leases() -> None:
    actions.expire_leases(timezone.now())


@shared_task
def settle_disputes() -> None:
    actions.settle_disputes(timezone.now())


@shared_task
def settle_unit(unit_id: int) -> None:
    actions.settle_unit(unit_id, now=timezone.now())
