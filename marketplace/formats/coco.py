"""COCO's object detection JSON, in pixels of the client's own picture."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from marketplace.formats.labelled import LabelledPicture


def header(*, description: str, labels: Sequence[Mapping[str, str]]) -> str:
    """Return the document up to the list of pictures."""
    start = {
        "info": {"description": description, "version": "1.0"},
        "licenses": [],
        "categories": [
            {"id": number, "name": label["name"], "supercategory": ""}
            for number, label in enumerate(labels, start=1)
        ],
    }
    return _text(start)[:-1] + ',"images":['


def image(number: int, picture: LabelledPicture) -> str:
    return _text(
        {
            "id": number,
            "file_name": picture.name,
            "width": picture.width,
            "height": picture.height,
        }
    )


MIDDLE = '],"annotations":['
END = "]}\n"


def annotations(
    number: int, picture: LabelledPicture, *, categories: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    """Yield a picture's annotations, without their ids.

    A choice for the whole picture has no box: none is made up for it.
    """
    if picture.choice is not None:
        yield {"image_id": number, "category_id": categories[picture.choice]}
    for box in picture.boxes:
        yield {
            "image_id": number,
            "category_id": categories[box.label],
            "bbox": [box.x, box.y, box.w, box.h],
            "area": round(box.w * box.h, 2),
            "iscrowd": 0,
        }


def annotation(number: int, fields: Mapping[str, Any]) -> str:
    return _text({"id": number, **fields})


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
