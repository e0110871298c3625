"""Turns the engines' hints into "advance this project"; no logic."""

from collections.abc import Sequence
from typing import Any

from marketplace import tasks
from marketplace.queries import projects as queries


def on_unit_decided(*, unit_ids: Sequence[int], **_kwargs: Any) -> None:
    _hint(queries.project_ids_of_units(unit_ids))


def on_task_decided(*, task_ids: Sequence[int], **_kwargs: Any) -> None:
    _hint(queries.project_ids_of_tasks(task_ids))


def _hint(project_ids: Sequence[int]) -> None:
    for project_id in project_ids:
        tasks.hint(project_id)
