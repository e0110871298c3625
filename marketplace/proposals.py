"""The only place that turns a model's output into a proposal for people."""

from collections.abc import Mapping
from typing import Any

BOXES_MAX = 500
Proposal = dict[str, Any]


def proposal_of(
    output: Mapping[str, Any], *, task_type: str, class_map: Mapping[str, str]
) -> Proposal | None:
    """Return what the model says in the project's own labels.

    Classes that stand for no label are left out. For a single choice the surest mapped
    class counts; without one there is nothing to propose.
    """
    boxes = sorted(
        (box for box in output["boxes"] if box["class"] in class_map),
        key=lambda box: -box["score"],
    )
    if task_type == "single_choice":
        return {"label": class_map[boxes[0]["class"]]} if boxes else None
    return {
        "boxes": [
            {side: box[side] for side in ("x", "y", "w", "h", "score")}
            | {"label": class_map[box["class"]]}
            for box in boxes[:BOXES_MAX]
        ]
    }
