"""Laws of the store: a file is whole or absent, and a small copy is made once."""

import hashlib
import io
import os
from pathlib import Path

import pytest
from django.http import FileResponse
from django.test import Client
from PIL import Image

from blobs import actions, queries
from blobs.models import Blob

pytestmark = pytest.mark.django_db


def read(answer: FileResponse) -> bytes:
    return b"".join(answer.streaming_content)


def picture() -> Blob:
    out = io.BytesIO()
    Image.effect_noise((1200, 800), 50).convert("RGB").save(out, "JPEG")
    return actions.put(out.getvalue(), media_type="image/jpeg")


def test_a_write_that_breaks_off_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(_handle: int) -> None:
        raise OSError("no space left")

    data = os.urandom(100)
    digest = hashlib.sha256(data).hexdigest()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            actions.put(data, media_type="text/plain")
    folder = Path(queries.storage().path(queries.path_of(digest))).parent
    assert list(folder.iterdir()) == []
    assert not Blob.objects.filter(pk=digest).exists()
    actions.put(data, media_type="text/plain")
    assert queries.read_blob(digest) == data
    assert [file.name for file in folder.iterdir()] == [digest]


def test_a_small_copy_is_made_once_and_shown_by_the_same_right(client: Client) -> None:
    blob = picture()
    link = queries.small_link(blob.digest)
    shown = read(client.get(link))
    assert Image.open(io.BytesIO(shown)).size == (480, 320)
    assert read(client.get(link)) == shown
    assert client.get(link.split("?")[0]).status_code == 404
    text = actions.put(b"a letter", media_type="text/plain")
    assert client.get(queries.small_link(text.digest)).status_code == 404
