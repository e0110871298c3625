"""Celery's door to the pipeline: each task calls one function by id."""

import structlog
from celery import shared_task
from django.utils import timezone

from marketplace import pipeline
from marketplace.queries import projects as queries

log = structlog.get_logger(__name__)


@shared_task
def advance_project(project_id: int) -> None:
    pipeline.advance(project_id, now=timezone.now())


@shared_task
def advance_projects() -> None:
    """Make every lost hint good; one broken project does not stop the others."""
    for project_id in queries.live_project_ids():
        try:
            pipeline.advance(project_id, now=timezone.now())
        except Exception:
            log.exception("project not advanced", project_id=project_id)
