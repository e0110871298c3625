"""Labels as CSV: a row for each box, or one for a picture without any."""

import csv
import io
from collections.abc import Iterator

from marketplace.formats.labelled import LabelledPicture

COLUMNS = ("file_name", "width", "height", "label", "x", "y", "w", "h")
# A spreadsheet runs a cell that begins so; an apostrophe makes it text.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
Cell = str | int | float


def header() -> str:
    return line(COLUMNS)


def rows(picture: LabelledPicture) -> Iterator[str]:
    start = (picture.name, picture.width, picture.height)
    for box in picture.boxes:
        yield line((*start, box.label, box.x, box.y, box.w, box.h))
    if not picture.boxes:
        yield line((*start, picture.choice or "", "", "", "", ""))


def line(cells: tuple[Cell, ...]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(_harmless(cell) for cell in cells)
    return out.getvalue()


def _harmless(cell: Cell) -> Cell:
    if isinstance(cell, str) and cell.startswith(FORMULA):
        return f"'{cell}"
    return cell
