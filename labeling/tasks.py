"""Labeling's housekeeping, driven by beat."""

from celery import shared_task
from django.utils import timezone

from labeling import actions


@shared_task
def expire_assignments() -> None:
    actions.expire_assignments(now=timezone.now())
