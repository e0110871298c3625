"""The only writer of blobs."""

import hashlib

from django.core.files.base import ContentFile, File

from blobs.models import Blob
from blobs.pictures import smaller
from blobs.queries import path_of, read_blob, storage

SMALL_SIDE = 480  # pixels: sharp in a grid, on a phone with two pixels to one


def put(data: bytes, *, media_type: str) -> Blob:
    """Store bytes once under their SHA-256 and return their row.

    The file is written before the row: a crash between the two leaves an unused file,
    never a row without bytes.
    """
    digest = hashlib.sha256(data).hexdigest()
    known = Blob.objects.filter(pk=digest).first()
    if known:
        return known
    if not storage().exists(path_of(digest)):
        storage().save(path_of(digest), ContentFile(data))
    blob, _ = Blob.objects.get_or_create(
        digest=digest, defaults={"size": len(data), "media_type": media_type}
    )
    return blob


def small_copy(digest: str) -> "File[bytes]":
    """Return a small copy of a canonical picture, made when it is first asked for."""
    path = f"small/{path_of(digest)}"
    if not storage().exists(path):
        storage().save(path, ContentFile(smaller(read_blob(digest), side=SMALL_SIDE)))
    return storage().open(path)
