"""Reads of bytes by digest, and links to them that expire."""

from __future__ import annotations

import time

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage, storages
from django.core.signing import BadSignature, Signer
from django.http import Http404
from django.urls import reverse

from blobs.errors import LinkExpired
from blobs.models import Blob

SALT = "blobs.link"


def storage() -> Storage:
    return storages["blobs"]


def path_of(digest: str) -> str:
    return f"{digest[:2]}/{digest[2:4]}/{digest}"


def open_blob(digest: str) -> File[bytes]:
    """Return the open file. Raises FileNotFoundError when the store has lost it."""
    return storage().open(path_of(digest))


def read_blob(digest: str) -> bytes:
    with open_blob(digest) as file:
        return bytes(file.read())


def link(digest: str, *, now: float | None = None) -> str:
    """Return a path that serves these bytes for one to two ``BLOB_URL_SECONDS``.

    The expiry is rounded up, so that a page asked again soon gives the same link and
    the browser's copy is used.
    """
    window = settings.BLOB_URL_SECONDS
    expires = (int(now if now is not None else time.time()) // window + 2) * window
    signature = Signer(salt=SALT).signature(f"{digest}:{expires}")
    return f"{reverse('blob', args=[digest])}?e={expires}&s={signature}"


def small_link(digest: str, *, now: float | None = None) -> str:
    """Return a path to the picture's small copy; who may see one may see both."""
    return link(digest, now=now).replace("?", "/small?", 1)


def blob_by_link(digest: str, expires: str, signature: str, *, now: float) -> Blob:
    """Return the blob a link names. Raises LinkExpired, Http404."""
    try:
        Signer(salt=SALT).unsign(f"{digest}:{expires}:{signature}")
    except BadSignature as error:
        raise Http404 from error
    if int(expires) < now:
        raise LinkExpired
    blob = Blob.objects.filter(pk=digest).first()
    if blob is None:
        raise Http404
    return blob
