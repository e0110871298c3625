"""Decides, by the manifest's comparator, whether executions of a unit agree.

Two honest computers differ in the last digits, so outputs are never compared by hash:
boxes of one class are matched one to one, and only a box that one side has just under
the threshold may be missing from the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Box = Mapping[str, Any]
Output = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class BoxRule:
    """How near two outputs of boxes must be."""

    iou: float = 0.99
    score: float = 2e-3
    margin: float = 0.01
    threshold: float = 0.4

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> "BoxRule":
        comparator = manifest["comparator"]
        return cls(
            iou=comparator["iou"],
            score=comparator["score"],
            margin=comparator["margin"],
            threshold=manifest["decode"]["threshold"],
        )


def overlap(a: Box, b: Box) -> float:
    """Return the intersection of two boxes over their union."""
    width = min(a["x"] + a["w"], b["x"] + b["w"]) - max(a["x"], b["x"])
    height = min(a["y"] + a["h"], b["y"] + b["h"]) - max(a["y"], b["y"])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return float(common / (a["w"] * a["h"] + b["w"] * b["h"] - common))


def agree(a: Output, b: Output, rule: BoxRule) -> bool:
    return distance(a, b, rule) is not None


def distance(a: Output, b: Output, rule: BoxRule) -> float | None:
    """Return how far apart two outputs are, or None when they do not agree."""
    left, right = a["boxes"], b["boxes"]
    pairs = sorted(
        (
            (overlap(one, two), i, j)
            for i, one in enumerate(left)
            for j, two in enumerate(right)
            if one["class"] == two["class"]
            and abs(one["score"] - two["score"]) <= rule.score
        ),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )
    free_left, free_right = set(range(len(left))), set(range(len(right)))
    far = 0.0
    for iou, i, j in pairs:
        if iou < rule.iou:
            break
        if i in free_left and j in free_right:
            free_left.remove(i)
            free_right.remove(j)
            far += (1.0 - iou) + abs(left[i]["score"] - right[j]["score"])
    lonely = [left[i] for i in free_left] + [right[j] for j in free_right]
    if any(abs(box["score"] - rule.threshold) > rule.margin for box in lonely):
        return None
    return far + rule.margin * len(lonely)


def all_agree(outputs: Sequence[Output], rule: BoxRule) -> bool:
    """Return whether every pair agrees: nearness is not transitive."""
    return all(
        agree(one, two, rule)
        for index, one in enumerate(outputs)
        for two in outputs[index + 1 :]
    )


def medoid(outputs: Sequence[Output], rule: BoxRule) -> Output:
    """Return the output that is nearest to all others of an agreeing group.

    Of equally near ones the earliest is taken, so that the order of arrival decides
    only between outputs that are the same.
    """
    assert outputs

    def total(index: int) -> float:
        return sum(
            distance(outputs[index], other, rule) or 0.0
            for position, other in enumerate(outputs)
            if position != index
        )

    return outputs[min(range(len(outputs)), key=lambda index: (total(index), index))]
