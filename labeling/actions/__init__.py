"""The only writer of labeling: each noun's verbs are in its own module."""

from labeling.actions.answers import submit
from labeling.actions.assignments import assign, expire_assignments, report, skip
from labeling.actions.campaigns import (
    NewTask,
    cancel_open_tasks,
    open_campaign,
    open_tasks,
    set_campaign_status,
)
from labeling.actions.verdicts import decide_by_reviewer, reject_task

__all__ = [
    "NewTask",
    "assign",
    "cancel_open_tasks",
    "decide_by_reviewer",
    "expire_assignments",
    "open_campaign",
    "open_tasks",
    "reject_task",
    "report",
    "set_campaign_status",
    "skip",
    "submit",
]
