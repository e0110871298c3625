"""A labelled picture as every export format sees it: in the client's own pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DECIMALS = 2


@dataclass(frozen=True, kw_only=True)
class LabelledBox:
    label: str
    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, kw_only=True)
class LabelledPicture:
    name: str
    width: int
    height: int
    boxes: tuple[LabelledBox, ...] = ()
    choice: str | None = None


def labelled_picture(
    content: Mapping[str, Any],
    *,
    name: str,
    stored: tuple[int, int],
    source: tuple[int, int],
) -> LabelledPicture:
    """Return a verdict in the pixels of the picture that the client sent."""
    across, down = source[0] / stored[0], source[1] / stored[1]
    return LabelledPicture(
        name=name,
        width=source[0],
        height=source[1],
        choice=content.get("label"),
        boxes=tuple(
            LabelledBox(
                label=box["label"],
                x=round(box["x"] * across, DECIMALS),
                y=round(box["y"] * down, DECIMALS),
                w=round(box["w"] * across, DECIMALS),
                h=round(box["h"] * down, DECIMALS),
            )
            for box in content.get("boxes", ())
        ),
    )
