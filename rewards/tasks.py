"""Background work of rewards: each task calls one function."""

from celery import shared_task
from django.utils import timezone

from rewards import blocks, deposits, releases
from rewards.reconciliation import notices, running


@shared_task
def release_earnings() -> None:
    """Release what is due; what is owed is settled from it, or from what came back."""
    releases.release_due(timezone.now())
    releases.settle_debts()


@shared_task
def sweep_fees() -> None:
    releases.sweep_fees(timezone.now())


@shared_task
def seal_blocks() -> None:
    blocks.seal_due(timezone.now())


@shared_task
def reconcile() -> None:
    running.reconcile(now=timezone.now())


@shared_task
def tell_of_stops() -> None:
    notices.tell_of_stops(timezone.now())


@shared_task
def sweep_deposits() -> None:
    """Ask Pi again about every deposit whose answer was lost."""
    deposits.sweep_deposits(now=timezone.now())
