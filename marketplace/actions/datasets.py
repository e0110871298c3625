"""The only writer of datasets and their items."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any, Literal, cast

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actions import record_audit
from accounts.models import Organization, Person
from accounts.queries import is_manager
from blobs import actions as blobs_actions
from blobs.pictures import Picture, PictureRefused, canonical_picture
from marketplace.errors import NameTaken, NothingSent, NotManager
from marketplace.formats import archives
from marketplace.models import Dataset, Grant, Item

SENTENCES = {
    "empty_file": gettext_lazy("This file is empty."),
    "not_a_picture": gettext_lazy(
        "This is not a picture, whatever its name says. Send JPEG, PNG or WebP."
    ),
    "svg_not_supported": gettext_lazy(
        "SVG is a drawing, not a photo. Send it as JPEG, PNG or WebP."
    ),
    "kind_not_supported": gettext_lazy(
        "This kind of file is not supported. Send it as JPEG, PNG or WebP."
    ),
    "damaged": gettext_lazy(
        "This file is damaged or was cut off. Open it on your device, save it again."
    ),
    "too_large": gettext_lazy("This picture has too many pixels. Make it smaller."),
    "too_many_bytes": gettext_lazy("This file is too big. Make it smaller."),
    "encrypted": gettext_lazy("This file is locked with a password."),
    "too_many_files": gettext_lazy(
        "This zip has too many files. Split it into smaller ones."
    ),
    "archive_too_large": gettext_lazy(
        "This zip is too big once it is unpacked. Split it into smaller ones."
    ),
}


@dataclass(frozen=True, kw_only=True)
class FileOutcome:
    """What became of one file of an upload."""

    name: str
    state: Literal["added", "duplicate", "refused"]
    code: str = ""
    message: str = ""
    item: Item | None = None


@transaction.atomic
def create_dataset(organization: Organization, person: Person, *, name: str) -> Dataset:
    """Create an empty dataset. Raises NotManager, NameTaken."""
    if not is_manager(person, organization):
        raise NotManager
    try:
        with transaction.atomic():
            dataset = Dataset.objects.create(organization=organization, name=name)
    except IntegrityError as error:
        raise NameTaken from error
    record_audit(person, "create_dataset", f"dataset:{dataset.uuid}")
    return dataset


def add_pictures(
    dataset: Dataset, person: Person, files: "Iterable[UploadedFile[Any]]"
) -> list[FileOutcome]:
    """Add each picture by itself, so that a bad file never costs a good one.

    A zip stands for the files in it. Raises NotManager, NothingSent.
    """
    if not is_manager(person, dataset.organization):
        raise NotManager
    outcomes = [outcome for file in files for outcome in _add_file(dataset, file)]
    if not outcomes:
        raise NothingSent
    added = sum(outcome.state == "added" for outcome in outcomes)
    if added:
        record_audit(person, "add_pictures", f"dataset:{dataset.uuid}", added=added)
    return outcomes


def _add_file(dataset: Dataset, file: "UploadedFile[Any]") -> Iterator[FileOutcome]:
    name = file.name or _("file without a name")
    head = file.read(4)
    file.seek(0)
    if archives.is_archive(head):
        yield from _add_archive(dataset, name, file)
    elif (file.size or 0) > settings.UPLOAD_MAX_BYTES:
        yield _refused(name, "too_many_bytes")
    else:
        yield _add_picture(dataset, name, file.read())


def _add_archive(
    dataset: Dataset, name: str, file: "UploadedFile[Any]"
) -> Iterator[FileOutcome]:
    if (file.size or 0) > settings.ARCHIVE_MAX_BYTES:
        yield _refused(name, "archive_too_large")
        return
    empty = True
    try:
        for entry in archives.entries(
            cast("IO[bytes]", file.file),
            max_files=settings.ARCHIVE_MAX_FILES,
            max_file_bytes=settings.UPLOAD_MAX_BYTES,
            max_total_bytes=2 * settings.ARCHIVE_MAX_BYTES,
        ):
            empty = False
            if entry.data is None:
                yield _refused(entry.name, entry.refused)
            else:
                yield _add_picture(dataset, entry.name, entry.data)
    except archives.ArchiveRefused as error:
        empty = False
        yield _refused(name, error.code)
    if empty:
        yield _refused(name, "empty_file")


def _refused(name: str, code: str) -> FileOutcome:
    return FileOutcome(
        name=name, state="refused", code=code, message=str(SENTENCES[code])
    )


def _add_picture(dataset: Dataset, name: str, data: bytes) -> FileOutcome:
    try:
        picture = canonical_picture(
            data,
            max_pixels=settings.PICTURE_MAX_PIXELS,
            max_side=settings.PICTURE_MAX_SIDE,
        )
    except PictureRefused as error:
        return _refused(name, error.code)
    item, created = _add_item(dataset, name, picture)
    if created:
        return FileOutcome(name=name, state="added", item=item)
    return FileOutcome(
        name=name,
        state="duplicate",
        code="duplicate",
        message=_("This picture is already here, as “%(name)s”.") % {"name": item.name},
        item=item,
    )


def _add_item(dataset: Dataset, name: str, picture: Picture) -> tuple[Item, bool]:
    blob = blobs_actions.put(picture.data, media_type=picture.media_type)
    with transaction.atomic():
        Grant.objects.get_or_create(organization_id=dataset.organization_id, blob=blob)
        return Item.objects.get_or_create(
            dataset=dataset,
            blob=blob,
            defaults={
                "name": _label(name),
                "width": picture.width,
                "height": picture.height,
                "source_width": picture.source_width,
                "source_height": picture.source_height,
            },
        )


def _label(name: str) -> str:
    """Return a file's name as a label: never used as a path, cut from its front.

    PostgreSQL stores no NUL, and lone surrogates of odd zip files are not text.
    """
    text = name.encode("utf-8", "replace").decode().replace("\x00", "")
    parts = PurePosixPath(text.replace("\\", "/")).parts
    return "/".join(part for part in parts if part not in {"/", ".", ".."})[-255:]
