"""Celery's door to the pipeline: each task calls one function by id."""

from functools import partial

import structlog
from celery import shared_task
from django.db import transaction
from django.utils import timezone

from marketplace import pipeline
from marketplace.queries import projects as queries

log = structlog.get_logger(__name__)


@shared_task
def advance_project(project_id: int) -> None:
    pipeline.advance(project_id, now=timezone.now())


def hint(project_id: int) -> None:
    """Advance a project soon after this transaction; beat makes a lost hint good.

    A broker that is away must not turn into an error what is already committed.
    """
    transaction.on_commit(partial(advance_project.delay, project_id), robust=True)


@shared_task
def advance_projects() -> None:
    """Make every lost hint good; one broken project does not stop the others."""
    for project_id in queries.live_project_ids():
        try:
            pipeline.advance(project_id, now=timezone.now())
        except Exception:
            log.exception("project not advanced", project_id=project_id)
