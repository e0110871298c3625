"""The only place that writes a project's settled labels out, as a stream."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

from marketplace.formats import coco, table
from marketplace.formats.labelled import LabelledPicture, labelled_picture
from marketplace.models import Project
from marketplace.queries import projects as queries

CHUNK = 1000
LINES_AT_ONCE = 500  # a network packet for each line would be slow


def coco_json(project: Project) -> Iterator[str]:
    """Yield COCO JSON of what is settled now; later verdicts are left out whole."""
    return _in_pieces(_coco(project))


def csv_table(project: Project) -> Iterator[str]:
    """Yield CSV of what is settled now."""
    return _in_pieces(
        chain(
            [table.header()],
            (
                row
                for _number, picture in _pictures(project)
                for row in table.rows(picture)
            ),
        )
    )


# name: (what writes it, media type, ending)
FORMATS: dict[str, tuple[Callable[[Project], Iterator[str]], str, str]] = {
    "coco": (coco_json, "application/json", "json"),
    "csv": (csv_table, "text/csv; charset=utf-8", "csv"),
}


def _coco(project: Project) -> Iterator[str]:
    categories = {
        label["name"]: number for number, label in enumerate(project.labels, start=1)
    }
    yield coco.header(description=project.name, labels=project.labels)
    listed: set[int] = set()
    for number, picture in _pictures(project):
        yield ("," if listed else "") + coco.image(number, picture)
        listed.add(number)
    yield coco.MIDDLE
    count = 0
    for number, picture in _pictures(project):
        if number not in listed:
            continue  # settled since the pictures were listed
        for fields in coco.annotations(number, picture, categories=categories):
            count += 1
            yield ("," if count > 1 else "") + coco.annotation(count, fields)
    yield coco.END


def _pictures(project: Project) -> Iterator[tuple[int, LabelledPicture]]:
    """Yield settled pictures with a number that stays theirs in every export."""
    for verdict in queries.verdicts_of(project).iterator(CHUNK):
        row = verdict.task.step.project_item
        item = row.item
        yield (
            row.pk,
            labelled_picture(
                verdict.content or {},
                name=item.name,
                stored=(item.width, item.height),
                source=(item.source_width, item.source_height),
            ),
        )


def _in_pieces(lines: Iterable[str]) -> Iterator[str]:
    rest = iter(lines)
    while piece := "".join(islice(rest, LINES_AT_ONCE)):
        yield piece
