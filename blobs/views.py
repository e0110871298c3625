"""Serves bytes to whoever holds a link to them."""

import time

from django.core.files.base import File
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from blobs import actions, queries
from blobs.models import Blob
from blobs.pictures import MEDIA_TYPE


@require_safe
def blob(request: HttpRequest, digest: str) -> HttpResponseBase:
    found = _found(request, digest)
    response = _served(queries.open_blob(found.digest), found.media_type)
    response["Content-Length"] = str(found.size)
    return response


@require_safe
def small(request: HttpRequest, digest: str) -> HttpResponseBase:
    """Serve a picture's small copy; what is not a picture has none."""
    found = _found(request, digest)
    if found.media_type != MEDIA_TYPE:
        raise Http404
    return _served(actions.small_copy(found.digest), MEDIA_TYPE)


def _found(request: HttpRequest, digest: str) -> Blob:
    return queries.blob_by_link(
        digest,
        request.GET.get("e", ""),
        request.GET.get("s", ""),
        now=time.time(),
    )


def _served(file: "File[bytes]", media_type: str) -> FileResponse:
    response = FileResponse(file, content_type=media_type)
    response["Cache-Control"] = "private, max-age=86400, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
