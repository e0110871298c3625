"""A campaign, a task, people who label and a task they do not agree on."""

from collections.abc import Sequence

import pytest

from labeling.models import Campaign, Task
from tests.labeling.crew import (
    Worker,
    box,
    boxes,
    new_worker,
    open_campaign,
    open_tasks,
)


@pytest.fixture
def campaign() -> Campaign:
    return open_campaign()


@pytest.fixture
def task(campaign: Campaign) -> Task:
    (only,) = open_tasks(campaign)
    return only


@pytest.fixture
def people() -> Sequence[Worker]:
    return [new_worker() for _ in range(4)]


@pytest.fixture
def worker() -> Worker:
    return new_worker()


@pytest.fixture
def disputed(campaign: Campaign, task: Task, people: Sequence[Worker]) -> Task:
    """A task on which three people gave three answers: it waits for a reviewer."""
    for index, one in enumerate(people[:3]):
        one.label(campaign, boxes(box(index * 200.0)))
    task.refresh_from_db()
    return task
