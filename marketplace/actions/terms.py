"""The only place that says which terms of a project make sense."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from compute.models import Model
from compute.queries import classes_of
from marketplace import pricing
from marketplace.models import Project

LABELS_MAX = 100
LABEL_LENGTH_MAX = 60
ANSWERS_MAX = 9
AMOUNT_MAX = 10_000 * 10_000_000
COLOR = re.compile(r"#[0-9a-f]{6}")
# Far apart in hue and readable on photos; a label without a colour gets the next.
COLORS = (
    "#7c3aed", "#e0218a", "#0f9d58", "#e8710a", "#1a73e8",
    "#b5a300", "#00a3b4", "#d93025", "#7a5230", "#5f6368",
)  # fmt: skip


def checked_terms(
    *,
    task_type: str,
    labels: Sequence[Mapping[str, Any]],
    reward: int,
    max_answers: int,
    model: Model | None,
    class_map: Mapping[str, str],
    inference_price: int,
) -> dict[str, Any]:
    """Return the fields of a project. Raises ValidationError naming every bad one."""
    problems: dict[str, list[str]] = {}
    clean_labels = _labels(labels, problems)
    if task_type not in Project.TaskType.values:
        problems["task_type"] = [_("This task type is not known.")]
    if not pricing.AGREEING <= max_answers <= ANSWERS_MAX:
        problems["max_answers"] = [
            _("Choose between %(low)s and %(high)s.")
            % {"low": pricing.AGREEING, "high": ANSWERS_MAX}
        ]
    for field, amount in (("reward", reward), ("inference_price", inference_price)):
        if not 0 <= amount <= AMOUNT_MAX:
            problems[field] = [_("Choose between 0 and 10,000 Pi.")]
    _check_map(model, class_map, {label["name"] for label in clean_labels}, problems)
    if problems:
        raise ValidationError(problems)
    return {
        "task_type": task_type,
        "labels": clean_labels,
        "reward": reward,
        "max_answers": max_answers,
        "inference_price": inference_price if model else 0,
        "class_map": dict(class_map) if model else {},
    }


def _labels(
    labels: Sequence[Mapping[str, Any]], problems: dict[str, list[str]]
) -> list[dict[str, str]]:
    clean: list[dict[str, str]] = []
    for index, label in enumerate(labels):
        name = " ".join(str(label.get("name", "")).split())
        color = str(label.get("color") or COLORS[index % len(COLORS)]).lower()
        if not 1 <= len(name) <= LABEL_LENGTH_MAX:
            problems["labels"] = [
                _("A label has 1 to %(most)s letters.") % {"most": LABEL_LENGTH_MAX}
            ]
        elif name in {other["name"] for other in clean}:
            problems["labels"] = [_("“%(name)s” is there twice.") % {"name": name}]
        elif not COLOR.fullmatch(color):
            problems["labels"] = [_("A colour is written like #7c3aed.")]
        clean.append({"name": name, "color": color})
    if not 1 <= len(clean) <= LABELS_MAX:
        problems["labels"] = [_("Give 1 to %(most)s labels.") % {"most": LABELS_MAX}]
    return clean


def _check_map(
    model: Model | None,
    class_map: Mapping[str, str],
    labels: set[str],
    problems: dict[str, list[str]],
) -> None:
    if model is None:
        return
    if not class_map:
        problems["class_map"] = [
            _("Say which of the model's classes stand for your labels.")
        ]
    elif not set(class_map) <= set(classes_of(model)):
        problems["class_map"] = [_("The model does not have one of these classes.")]
    elif not set(class_map.values()) <= labels:
        problems["class_map"] = [_("A class stands for a label that is not there.")]
