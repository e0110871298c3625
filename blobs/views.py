"""Serves bytes to whoever holds a link to them."""

import time

from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from blobs import queries


@require_safe
def blob(request: HttpRequest, digest: str) -> HttpResponseBase:
    found = queries.blob_by_link(
        digest,
        request.GET.get("e", ""),
        request.GET.get("s", ""),
        now=time.time(),
    )
    response = FileResponse(
        queries.open_blob(found.digest), content_type=found.media_type
    )
    response["Cache-Control"] = "private, max-age=86400, immutable"
    response["Content-Length"] = str(found.size)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
