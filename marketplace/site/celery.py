"""Celery's application and the beat table: rows are the truth, hints make it quick."""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.site.settings")

app = Celery("tessera")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "expire leases": {"task": "compute.tasks.expire_leases", "schedule": 10.0},
    "expire assignments": {
        "task": "labeling.tasks.expire_assignments",
        "schedule": 10.0,
    },
    "settle disputes": {"task": "compute.tasks.settle_disputes", "schedule": 20.0},
    "advance projects": {
        "task": "marketplace.tasks.advance_projects",
        "schedule": 20.0,
    },
    "release earnings": {"task": "rewards.tasks.release_earnings", "schedule": 60.0},
    "seal blocks": {"task": "rewards.tasks.seal_blocks", "schedule": 60.0},
    "reconcile": {
        "task": "rewards.tasks.reconcile",
        "schedule": crontab(hour="4", minute="20"),
    },
    "tell of stops": {"task": "rewards.tasks.tell_of_stops", "schedule": 30.0},
    "sweep deposits": {"task": "rewards.tasks.sweep_deposits", "schedule": 60.0},
    "sweep fees": {"task": "rewards.tasks.sweep_fees", "schedule": 3600.0},
}
