"""Bytes are stored once and shown only to whoever holds a link that has not expired."""

import pytest
import time_machine
from django.http import FileResponse
from django.test import Client

from blobs import actions, queries
from blobs.models import Blob

pytestmark = pytest.mark.django_db


def read(answer: FileResponse) -> bytes:
    data = b"".join(answer.streaming_content)
    answer.close()
    return data


def test_the_same_bytes_are_stored_once() -> None:
    first = actions.put(b"tile", media_type="text/plain")
    second = actions.put(b"tile", media_type="text/plain")
    assert first == second
    assert Blob.objects.count() == 1
    assert queries.read_blob(first.digest) == b"tile"


def test_a_link_serves_the_bytes_and_nothing_may_run_in_them(client: Client) -> None:
    blob = actions.put(b"<script>alert(1)</script>", media_type="text/html")
    answer = client.get(queries.link(blob.digest))
    assert read(answer) == b"<script>alert(1)</script>"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_link_expires_and_says_what_to_do(client: Client) -> None:
    with time_machine.travel(1_800_000_000, tick=False):
        blob = actions.put(b"tile", media_type="text/plain")
        link = queries.link(blob.digest)
        assert read(client.get(link)) == b"tile"
    with time_machine.travel(1_800_000_000 + 3 * 3600, tick=False):
        answer = client.get(link)
        assert answer.status_code == 403
        assert "expired" in answer.content.decode()


@pytest.mark.parametrize(
    "change",
    [
        lambda link: link.split("?")[0],
        lambda link: link[:-1] + ("A" if link[-1] != "A" else "B"),
        lambda link: link.replace("?e=", "?e=9"),
        lambda link: link.replace("?e=", "?e=x"),
    ],
)
def test_a_link_that_was_changed_shows_nothing(client: Client, change) -> None:
    blob = actions.put(b"tile", media_type="text/plain")
    assert client.get(change(queries.link(blob.digest))).status_code == 404


def test_a_page_loaded_again_soon_gives_the_same_link() -> None:
    blob = actions.put(b"tile", media_type="text/plain")
    assert queries.link(blob.digest, now=7200.0) == queries.link(
        blob.digest, now=7200.0 + 1800
    )
