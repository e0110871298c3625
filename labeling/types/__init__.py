"""What can be asked of people: one module for each type of task, found by its name."""

from labeling.types.boxes import Boxes
from labeling.types.contract import (
    Content,
    Frame,
    InvalidContent,
    Problem,
    TaskType,
    label_names,
)
from labeling.types.single_choice import SingleChoice

__all__ = [
    "TASK_TYPES",
    "Content",
    "Frame",
    "InvalidContent",
    "Problem",
    "TaskType",
    "label_names",
    "task_type",
]

_ALL: tuple[TaskType, ...] = (Boxes(), SingleChoice())
TASK_TYPES: dict[str, TaskType] = {kind.name: kind for kind in _ALL}


def task_type(name: str) -> TaskType:
    """Return the type with this name. Raises InvalidContent."""
    if name not in TASK_TYPES:
        raise InvalidContent({"task_type": Problem("unknown_type", name[:80])})
    return TASK_TYPES[name]
