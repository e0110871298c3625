"""The only place that says what a task type must be able to do."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

Content = dict[str, Any]
PROBLEMS_SHOWN = 20
LABELS_MAX = 200
LABEL_LENGTH_MAX = 60


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What an answer is measured against: the labels and the picture's size."""

    labels: Collection[str]
    width: float
    height: float


@dataclass(frozen=True)
class Problem:
    """Why one field cannot be used: a code of ours, and what it is about."""

    code: str
    about: str = ""


class InvalidContent(ValueError):
    """An answer, a proposal or a question that breaks its type's schema."""

    def __init__(self, problems: Mapping[str, Problem]) -> None:
        self.problems = dict(problems)
        super().__init__(
            ", ".join(f"{path}: {why.code}" for path, why in self.problems.items())
        )


class TaskType(Protocol):
    """One module of this package.

    Every function is pure, and none depends on the order of boxes or of answers.
    """

    name: str
    widget: str  # the part of the labeling page that asks it

    def clean(self, content: object, frame: Frame) -> Content:
        """Return a person's answer in its one normal form. Raises InvalidContent."""

    def clean_proposal(self, content: object, frame: Frame) -> Content:
        """Return a model's proposal, cut to the picture. Raises InvalidContent."""

    def agreement(self, one: Content, other: Content, threshold: float) -> float:
        """Return 0 … 1; exactly 1 means that the two say the same."""

    def fuse(self, contents: Sequence[Content], threshold: float) -> Content:
        """Return the one label of answers that all agree with each other."""


def refuse(path: str, code: str, about: object = "") -> NoReturn:
    raise InvalidContent({path: Problem(code, str(about)[:80])})


def require_keys(
    value: object, path: str, keys: Collection[str], optional: Collection[str] = ()
) -> Mapping[str, Any]:
    """Return ``value`` when it is an object with these keys and no others."""
    if not isinstance(value, dict):
        refuse(path, "not_an_object")
    prefix = f"{path}." if path else ""
    problems = {f"{prefix}{key}": Problem("required") for key in keys - value.keys()}
    for key in list(value.keys() - set(keys) - set(optional))[:PROBLEMS_SHOWN]:
        problems[f"{prefix}{str(key)[:40]}"] = Problem("unknown_field")
    if problems:
        raise InvalidContent(problems)
    return value


def require_number(value: object, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse(path, "not_a_number")
    try:
        number = float(value)
    except OverflowError:
        refuse(path, "not_a_number")
    if not math.isfinite(number):
        refuse(path, "not_a_number")
    return number


def require_label(value: object, path: str, labels: Collection[str]) -> str:
    if not isinstance(value, str) or value not in labels:
        refuse(path, "unknown_label", value)
    return value


def label_names(question: object) -> list[str]:
    """Return a question's labels in order. Raises InvalidContent."""
    labels = question.get("labels") if isinstance(question, dict) else None
    if not isinstance(labels, list) or not 1 <= len(labels) <= LABELS_MAX:
        refuse("question.labels", "label_count", LABELS_MAX)
    names: list[str] = []
    for index, label in enumerate(labels):
        name = label.get("name") if isinstance(label, dict) else None
        path = f"question.labels.{index}.name"
        if not isinstance(name, str) or not 1 <= len(name) <= LABEL_LENGTH_MAX:
            refuse(path, "label_length", LABEL_LENGTH_MAX)
        if name in names:
            refuse(path, "label_twice", name)
        names.append(name)
    return names
