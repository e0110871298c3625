"""Laws of uploads: good files stay, bad ones are named, nothing is stored twice."""

import io
import struct
import threading
import zipfile
import zlib
from typing import Any

import pytest
from django.db import connection
from PIL import Image

from blobs.models import Blob
from blobs.queries import read_blob
from marketplace.models import Grant, Item
from tests.marketplace import world
from tests.marketplace.world import upload

pytestmark = pytest.mark.django_db


def bomb() -> bytes:
    """Return a PNG of a few bytes whose header promises 40,000 x 40,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def states(reply: Any) -> dict[str, tuple[str, str]]:
    return {row["name"]: (row["state"], row["code"]) for row in reply.json()["files"]}


def test_every_bad_file_is_named_and_the_good_ones_stay() -> None:
    client = world.new_client()
    dataset = client.dataset(pictures=0)
    good = world.picture()
    reply = client.send(
        dataset,
        upload("good.jpg", good),
        upload("bomb.png", bomb()),
        upload("cut.jpg", good[: len(good) // 2]),
        upload("drawing.svg", b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'),
        upload("empty.jpg", b""),
        upload("text.jpg", b"This is a letter, not a photo."),
        upload("moving.gif", b"GIF89a" + bytes(50)),
        upload("also-good.png", world.picture(format="PNG")),
    )
    assert reply.status_code == 201
    assert states(reply) == {
        "good.jpg": ("added", ""),
        "bomb.png": ("refused", "too_large"),
        "cut.jpg": ("refused", "damaged"),
        "drawing.svg": ("refused", "svg_not_supported"),
        "empty.jpg": ("refused", "empty_file"),
        "text.jpg": ("refused", "not_a_picture"),
        "moving.gif": ("refused", "kind_not_supported"),
        "also-good.png": ("added", ""),
    }
    body = reply.json()
    assert (body["added"], body["duplicates"], body["refused"]) == (2, 0, 6)
    assert all(row["message"] for row in body["files"] if row["state"] == "refused")
    names = Item.objects.filter(dataset=dataset).values_list("name", flat=True)
    assert sorted(names) == ["also-good.png", "good.jpg"]


def test_the_page_uploads_without_scripts_and_says_what_happened() -> None:
    client = world.new_client()
    dataset = client.dataset(pictures=0)
    reply = client.browser.post(
        f"/datasets/{dataset.uuid}/",
        {"files": [upload("good.jpg", world.picture()), upload("no.jpg", b"text")]},
    )
    page = reply.content.decode()
    assert "good.jpg" in page
    assert "not a picture" in page
    assert Item.objects.filter(dataset=dataset).count() == 1


def test_if_nothing_could_be_used_the_call_fails_and_says_why_for_each() -> None:
    client = world.new_client()
    reply = client.send(client.dataset(pictures=0), upload("a.jpg", b"no"))
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "all_refused"
    assert states(reply) == {"a.jpg": ("refused", "not_a_picture")}


def test_an_upload_without_files_is_refused() -> None:
    client = world.new_client()
    reply = client.send(client.dataset(pictures=0))
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "nothing_sent")


def test_a_photo_is_stored_upright_and_without_metadata() -> None:
    client = world.new_client()
    dataset = client.dataset(pictures=0)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    exif[0x010F] = "Somebody's camera"
    exif.get_ifd(0x8825)[1] = "N"  # the place
    image = Image.new("RGB", (300, 200), "white")
    image.paste("red", (0, 0, 300, 40))  # top of the sensor: right once upright
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif, comment=b"my street")
    client.send(dataset, upload("turned.jpg", out.getvalue()))
    item = Item.objects.get(dataset=dataset)
    assert (item.width, item.height) == (200, 300)
    assert (item.source_width, item.source_height) == (200, 300)
    stored = read_blob(item.blob_id)
    assert b"Exif" not in stored
    assert b"camera" not in stored
    assert b"my street" not in stored
    upright = Image.open(io.BytesIO(stored))
    assert not upright.getexif()
    red, green, _blue = upright.getpixel((195, 150))
    assert red > 200
    assert green < 100
    assert upright.getpixel((5, 150))[1] > 200


def test_the_same_photo_twice_is_one_blob_and_one_item() -> None:
    client = world.new_client()
    one, other = client.dataset(pictures=0), client.dataset(pictures=0)
    data = world.picture()
    first = client.send(one, upload("a.jpg", data), upload("b.jpg", data))
    assert states(first) == {
        "a.jpg": ("added", ""),
        "b.jpg": ("duplicate", "duplicate"),
    }
    assert "a.jpg" in first.json()["files"][1]["message"]
    again = client.send(one, upload("c.jpg", data))
    assert (again.status_code, states(again)["c.jpg"][0]) == (200, "duplicate")
    client.send(other, upload("a.jpg", data))
    assert Item.objects.count() == 2
    assert Blob.objects.filter(media_type="image/jpeg").count() == 1
    assert Grant.objects.count() == 1


def test_a_zip_stands_for_its_pictures_wherever_they_lie() -> None:
    client = world.new_client()
    dataset = client.dataset(pictures=0)
    files = {
        "a.jpg": world.picture(),
        "deep/er/b.jpg": world.picture(),
        "../../../../etc/c.jpg": world.picture(),
        "__MACOSX/a.jpg": b"not for us",
        "deep/.DS_Store": b"not for us",
        "notes.txt": b"a letter",
        "inner.zip": zipped(x=b"y"),
    }
    reply = client.send(dataset, upload("all.zip", zipped(**files)))
    assert states(reply) == {
        "a.jpg": ("added", ""),
        "deep/er/b.jpg": ("added", ""),
        "../../../../etc/c.jpg": ("added", ""),
        "notes.txt": ("refused", "not_a_picture"),
        "inner.zip": ("refused", "not_a_picture"),
    }
    names = Item.objects.filter(dataset=dataset).values_list("name", flat=True)
    assert sorted(names) == ["a.jpg", "deep/er/b.jpg", "etc/c.jpg"]


def test_a_zip_is_bounded_before_it_is_unpacked(settings) -> None:
    client = world.new_client()
    dataset = client.dataset(pictures=0)
    settings.ARCHIVE_MAX_FILES = 3
    many = zipped(**{f"{i}.jpg": b"x" for i in range(10)})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.jpg", bytes(30_000_000))
    reply = client.send(
        dataset,
        upload("many.zip", many),
        upload("bomb.zip", out.getvalue()),
        upload("cut.zip", many[:100]),
        upload("empty.zip", zipped()),
    )
    assert {name: code for name, (_state, code) in states(reply).items()} == {
        "many.zip": "too_many_files",
        "bomb.zip": "archive_too_large",
        "cut.zip": "damaged",
        "empty.zip": "empty_file",
    }


def test_one_damaged_file_of_a_zip_does_not_cost_the_others() -> None:
    client = world.new_client()
    dataset = client.dataset(pictures=0)
    good, bad = world.picture(), world.picture()
    data = bytearray(zipped(**{"bad.jpg": bad, "good.jpg": good}))
    data[200] ^= 0xFF  # inside the first, stored file: its checksum is wrong now
    reply = client.send(dataset, upload("a.zip", bytes(data)))
    assert states(reply) == {
        "bad.jpg": ("refused", "damaged"),
        "good.jpg": ("added", ""),
    }


def test_a_file_above_the_limit_is_refused_unread(settings) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    client = world.new_client()
    reply = client.send(client.dataset(pictures=0), upload("a.jpg", bytes(1001)))
    assert states(reply) == {"a.jpg": ("refused", "too_many_bytes")}


def test_a_stranger_and_a_viewer_cannot_upload() -> None:
    client, stranger = world.new_client(), world.new_client()
    dataset = client.dataset(pictures=1)
    assert stranger.send(dataset, upload("a.jpg", world.picture())).status_code == 404
    viewer = world.new_viewer(client)
    reply = viewer.post(
        f"/api/v1/datasets/{dataset.uuid}/items/",
        {"files": [upload("a.jpg", world.picture())]},
    )
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "not_manager")
    assert viewer.get(f"/datasets/{dataset.uuid}/").status_code == 200
    assert Item.objects.filter(dataset=dataset).count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_photo_sent_at_the_same_time_is_one_blob() -> None:
    client = world.new_client()
    dataset = client.dataset(pictures=0)
    data = world.picture()
    gate = threading.Barrier(4)
    replies: list[str] = []

    def send() -> None:
        try:
            gate.wait()
            reply = client.send(dataset, upload("a.jpg", data))
            replies.append(reply.json()["files"][0]["state"])
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(replies) == ["added", "duplicate", "duplicate", "duplicate"]
    assert Blob.objects.count() == Item.objects.count() == 1
