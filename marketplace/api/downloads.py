"""A project's labels as a file, for the API and the page alike."""

from django.http import StreamingHttpResponse
from django.utils.text import slugify

from marketplace.exports import FORMATS
from marketplace.models import Project


def download(project: Project, form: str) -> StreamingHttpResponse | None:
    """Return the labels, written as they are read; None for an unknown form."""
    if form not in FORMATS:
        return None
    write, media_type, ending = FORMATS[form]
    name = slugify(project.name) or project.uuid.hex[:8]
    return StreamingHttpResponse(
        write(project),
        content_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}.{ending}"'},
    )
