"""Boxes around things: matched one to one, by label and overlap."""

from collections.abc import Sequence
from typing import Any

from labeling.types.contract import (
    PROBLEMS_SHOWN,
    Content,
    Frame,
    InvalidContent,
    Problem,
    refuse,
    require_keys,
    require_label,
    require_number,
)

BOXES_MAX = 500
OUTSIDE_MAX = 1.0  # pixels that a person's box may lie outside by rounding
EDGE_MIN = 0.01  # pixels; what is thinner after the cut is no box
SIDES = ("x", "y", "w", "h")
Box = dict[str, Any]


class Boxes:
    """``{"boxes": [{"x", "y", "w", "h", "label"}]}`` in pixels of the stored picture.

    x and y are the left top corner. No boxes at all says "nothing here".
    """

    name = "boxes"
    widget = "boxes"

    def clean(self, content: object, frame: Frame) -> Content:
        return {"boxes": _clean_all(content, frame, outside=OUTSIDE_MAX, scored=False)}

    def clean_proposal(self, content: object, frame: Frame) -> Content:
        boxes = _clean_all(content, frame, outside=float("inf"), scored=True)
        return {"boxes": boxes}

    def agreement(self, one: Content, other: Content, threshold: float) -> float:
        total = len(one["boxes"]) + len(other["boxes"])
        if total == 0:
            return 1.0  # both say "nothing here"
        return 2 * len(match(one["boxes"], other["boxes"], threshold)) / total

    def fuse(self, contents: Sequence[Content], threshold: float) -> Content:
        """Return the mean of each thing's boxes, paired through the middle answer."""
        in_order = sorted(contents, key=lambda content: _sort_keys(content["boxes"]))
        middle = max(in_order, key=lambda content: _closeness(content, in_order))
        groups: list[list[Box]] = [[] for _box in middle["boxes"]]
        for content in in_order:
            pairs = match(middle["boxes"], content["boxes"], threshold)
            for index, other in pairs.items():
                groups[index].append(content["boxes"][other])
        fused = [
            {side: sum(box[side] for box in group) / len(group) for side in SIDES}
            | {"label": group[0]["label"]}
            for group in groups
        ]
        return {"boxes": sorted(fused, key=_sort_key)}


def iou(one: Box, other: Box) -> float:
    """Return how much two boxes overlap, 0 … 1."""
    width = min(one["x"] + one["w"], other["x"] + other["w"]) - max(
        one["x"], other["x"]
    )
    height = min(one["y"] + one["h"], other["y"] + other["h"]) - max(
        one["y"], other["y"]
    )
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    joined = one["w"] * one["h"] + other["w"] * other["h"] - shared
    return float(shared / joined)


def match(
    ones: Sequence[Box], others: Sequence[Box], threshold: float
) -> dict[int, int]:
    """Pair as many boxes as can be, one to one, same label, overlap ≥ ``threshold``.

    A largest matching, not a greedy one: how many can be paired does not depend on
    which box is looked at first.
    """
    search = _Search([_choices(box, others, threshold) for box in ones])
    for index in range(len(ones)):
        search.place(index)
    return {index: other for other, index in search.taken_by.items()}


class _Search:
    """A largest matching, built by moving earlier pairs out of the way."""

    def __init__(self, choices: Sequence[Sequence[int]]) -> None:
        self.choices = choices
        self.taken_by: dict[int, int] = {}
        self._dead: set[int] = set()  # a failed search went here; none can succeed

    def place(self, index: int) -> bool:
        seen: set[int] = set()
        placed = self._place(index, seen)
        if not placed:
            self._dead |= seen
        return placed

    def _place(self, index: int, seen: set[int]) -> bool:
        for other in self.choices[index]:
            if other not in self.taken_by:
                self.taken_by[other] = index
                return True
        for other in self.choices[index]:
            if other in seen or other in self._dead:
                continue
            seen.add(other)
            if self._place(self.taken_by[other], seen):
                self.taken_by[other] = index
                return True
        return False


def _choices(box: Box, others: Sequence[Box], threshold: float) -> list[int]:
    """Return the indexes of what ``box`` may be paired with, best overlap first."""
    found = [
        (iou(box, other), index)
        for index, other in enumerate(others)
        if other["label"] == box["label"]
    ]
    good = [(overlap, index) for overlap, index in found if overlap >= threshold]
    return [index for _overlap, index in sorted(good, key=lambda item: -item[0])]


def _closeness(content: Content, all_contents: Sequence[Content]) -> float:
    """Return the sum of overlaps of this answer's boxes with all the others' boxes."""
    total = 0.0
    for other in all_contents:
        for box in content["boxes"]:
            total += max(
                (
                    iou(box, theirs)
                    for theirs in other["boxes"]
                    if theirs["label"] == box["label"]
                ),
                default=0.0,
            )
    return total


def _sort_key(box: Box) -> tuple[str, float, float, float, float]:
    return (box["label"], box["x"], box["y"], box["w"], box["h"])


def _sort_keys(boxes: Sequence[Box]) -> list[tuple[str, float, float, float, float]]:
    return [_sort_key(box) for box in boxes]


def _clean_all(
    content: object, frame: Frame, *, outside: float, scored: bool
) -> list[Box]:
    boxes = require_keys(content, "", {"boxes"})["boxes"]
    if not isinstance(boxes, list):
        refuse("boxes", "not_a_list")
    if len(boxes) > BOXES_MAX:
        refuse("boxes", "too_many", BOXES_MAX)
    cleaned: list[Box] = []
    problems: dict[str, Problem] = {}
    for index, box in enumerate(boxes):
        try:
            part = _clean_box(box, f"boxes.{index}", frame, outside, scored=scored)
        except InvalidContent as error:
            problems |= error.problems
            if len(problems) >= PROBLEMS_SHOWN:
                break
        else:
            cleaned += [part] if part else []
    if problems:
        raise InvalidContent(problems)
    return sorted(cleaned, key=_sort_key)


def _clean_box(
    value: object, path: str, frame: Frame, outside: float, *, scored: bool
) -> Box | None:
    """Return the box cut to the picture; None when a proposal leaves nothing of it."""
    box = require_keys(value, path, {*SIDES, "label"}, {"score"} if scored else ())
    label = require_label(box["label"], f"{path}.label", frame.labels)
    x, y, w, h = (require_number(box[side], f"{path}.{side}") for side in SIDES)
    for side, length in (("w", w), ("h", h)):
        if length <= 0 and not scored:
            refuse(f"{path}.{side}", "not_positive")
    for side, low, high, edge in (
        ("x", x, x + w, frame.width),
        ("y", y, y + h, frame.height),
    ):
        if low < -outside or high > edge + outside:
            refuse(f"{path}.{side}", "outside")
    left, top = max(x, 0.0), max(y, 0.0)
    width = min(x + w, float(frame.width)) - left
    height = min(y + h, float(frame.height)) - top
    if width < EDGE_MIN or height < EDGE_MIN:
        if scored:
            return None
        refuse(path, "outside")
    cut: Box = {"x": left, "y": top, "w": width, "h": height, "label": label}
    if "score" in box:
        cut["score"] = require_number(box["score"], f"{path}.score")
    return cut
