"""Laws of the canonical picture."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from blobs.pictures import Picture, PictureRefused, canonical_picture, smaller

GOOD = Image.effect_noise((64, 48), 60).convert("RGB")


def encoded(image: Image.Image = GOOD, form: str = "JPEG", **more: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **more)
    return out.getvalue()


def canonical(data: bytes, *, max_pixels: int = 10_000, max_side: int = 100) -> Picture:
    return canonical_picture(data, max_pixels=max_pixels, max_side=max_side)


def refusal(data: bytes) -> str:
    with pytest.raises(PictureRefused) as refused:
        canonical(data)
    return refused.value.code


def opened(picture: Picture) -> Image.Image:
    image = Image.open(io.BytesIO(picture.data))
    assert (image.size, image.format) == ((picture.width, picture.height), "JPEG")
    return image


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_same_bytes_give_the_same_picture(form: str) -> None:
    data = encoded(form=form)
    assert canonical(data) == canonical(data)
    assert opened(canonical(data)).size == (64, 48)


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_orientation_ends_upright(turn: int) -> None:
    upright = Image.new("RGB", (80, 40), "white")
    upright.paste("red", (0, 0, 40, 20))  # left top
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[turn]) if turn in undo else upright
    exif = Image.Exif()
    exif[0x0112] = turn
    picture = canonical(encoded(stored, exif=exif))
    assert (picture.width, picture.height) == (80, 40)
    assert (picture.source_width, picture.source_height) == (80, 40)
    image = opened(picture)
    assert image.getpixel((5, 5))[1] < 60
    assert image.getpixel((75, 35))[1] > 200


def test_a_large_picture_is_bounded_and_remembers_its_size() -> None:
    picture = canonical(encoded(GOOD.resize((90, 30))), max_side=45)
    assert (picture.width, picture.height) == (45, 15)
    assert (picture.source_width, picture.source_height) == (90, 30)


def test_what_is_see_through_is_on_white() -> None:
    clear = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    for form in ("PNG", "WEBP"):
        assert opened(canonical(encoded(clear, form))).getpixel((5, 5)) == (255,) * 3
    palette = Image.new("P", (10, 10), 3)
    palette.putpalette([10, 20, 30] * 256)
    data = encoded(palette, "PNG", transparency=3)
    assert opened(canonical(data)).getpixel((5, 5)) == (255,) * 3


def test_sixteen_bits_a_pixel_are_scaled_not_cut() -> None:
    grey = Image.new("I;16", (10, 10), 128 * 257)
    assert abs(opened(canonical(encoded(grey, "PNG"))).getpixel((5, 5))[0] - 128) < 3


def test_pixels_are_counted_before_anything_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = encoded(Image.new("1", (200, 200)), "PNG")

    def decoded(*_args: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", decoded)
    assert refusal(data) == "too_large"


def test_a_file_of_thousands_of_scans_is_refused_before_it_is_decoded() -> None:
    data = encoded(progressive=True)
    scan = data.index(b"\xff\xda")
    assert canonical(data)
    assert (
        refusal(data[:scan] + data[scan : scan + 30] * 200 + data[scan:]) == "damaged"
    )


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"a letter", "not_a_picture"),
        (b"\x00" * 100, "not_a_picture"),
        (b'<?xml version="1.0"?><svg/>', "svg_not_supported"),
        (b"\xef\xbb\xbf\n <svg/>", "svg_not_supported"),
        (b"GIF89a...", "kind_not_supported"),
        (b"BM......", "kind_not_supported"),
        (b"\x00\x00\x00\x18ftypheic", "kind_not_supported"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "damaged"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "damaged"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "damaged"),
    ],
)
def test_each_kind_of_bad_file_has_its_code(data: bytes, code: str) -> None:
    assert refusal(data) == code


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.filterwarnings("ignore")
def test_a_picture_cut_off_anywhere_is_refused(form: str) -> None:
    data = encoded(form=form)
    for kept in range(20, len(data) - 13, 97):
        assert refusal(data[:kept]) == "damaged"


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "WEBP"]), st.randoms(use_true_random=False))
def test_a_broken_file_is_refused_or_read_and_never_an_accident(
    form: str, random: object
) -> None:
    data = bytearray(encoded(form=form))
    for _index in range(8):
        data[random.randrange(len(data))] = random.randrange(256)  # type: ignore[attr-defined]
    try:
        canonical(bytes(data))
    except PictureRefused as refused:
        assert refused.code  # noqa: PT017


def test_a_smaller_copy_fits() -> None:
    image = Image.open(io.BytesIO(smaller(canonical(encoded()).data, side=32)))
    assert image.size == (32, 24)
