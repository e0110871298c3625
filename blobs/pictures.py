"""The only place that decodes a stranger's picture: checked, upright, bare, bounded."""

import io
import struct
from dataclasses import dataclass

from PIL import Image, ImageCms

MEDIA_TYPE = "image/jpeg"
QUALITY = 92
FORMATS = ("JPEG", "PNG", "WEBP")
# A real progressive JPEG has about ten scans; thousands of empty ones, in a small
# file, would keep a processor busy for hours.
MOST_SCANS = 100
START_OF_SCAN = b"\xff\xda"
ORIENTATION = 0x0112
# What the first bytes say of pictures that we know and do not take.
OTHER_KINDS = (
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (0, b"BM", "BMP"),
    (0, b"II*\x00", "TIFF"),
    (0, b"MM\x00*", "TIFF"),
    (4, b"ftypheic", "HEIC"),
    (4, b"ftypheix", "HEIC"),
    (4, b"ftypmif1", "HEIC"),
    (4, b"ftypavif", "AVIF"),
    (0, b"%PDF-", "PDF"),
)


class PictureRefused(Exception):
    """Why a file cannot become a picture: a code to act on, and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The one form in which nodes, people and exports see a picture."""

    data: bytes
    media_type: str
    width: int
    height: int
    source_width: int  # of what was sent, once upright
    source_height: int


def canonical_picture(data: bytes, *, max_pixels: int, max_side: int) -> Picture:
    """Return the picture upright, without metadata, no side above ``max_side``.

    The same bytes give the same result, so that a picture sent twice is stored once.
    Nothing is decoded before the header's size was checked. Raises PictureRefused.
    """
    image = _open(data)
    if image.width * image.height > max_pixels:
        raise PictureRefused("too_large", f"more than {max_pixels} pixels")
    try:
        turn = _orientation(image)
        source = image.size
        # JPEG can be decoded at a half, a quarter or an eighth, at that much less cost.
        image.draft("RGB", (max_side, max_side))
        image.load()
        image = _upright(_plain(image), turn)
    except (OSError, SyntaxError, ValueError, struct.error, EOFError) as error:
        raise PictureRefused("damaged", "the file ends early or is broken") from error
    if turn in {5, 6, 7, 8}:
        source = (source[1], source[0])
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    return Picture(
        data=_jpeg(image),
        media_type=MEDIA_TYPE,
        width=image.width,
        height=image.height,
        source_width=source[0],
        source_height=source[1],
    )


def smaller(data: bytes, *, side: int) -> bytes:
    """Return a copy of a canonical picture that fits into ``side`` x ``side``."""
    image: Image.Image = Image.open(io.BytesIO(data), formats=("JPEG",))
    image.draft("RGB", (side, side))
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return _jpeg(image, quality=80)


def _refuse_other_kinds(data: bytes) -> None:
    """Say clearly what a file is when it is a picture that we do not take."""
    if not data:
        raise PictureRefused("empty_file", "the file is empty")
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith((b"<svg", b"<?xml", b"<!DOCTYPE svg")) and b"<svg" in head:
        raise PictureRefused("svg_not_supported", "SVG is a drawing, not a photo")
    for offset, magic, kind in OTHER_KINDS:
        if data.startswith(magic, offset):
            raise PictureRefused("kind_not_supported", f"{kind} is not supported")


def _open(data: bytes) -> Image.Image:
    """Read the header only. Raises PictureRefused for what is not one of FORMATS."""
    _refuse_other_kinds(data)
    if data.startswith(b"\xff\xd8") and data.count(START_OF_SCAN) > MOST_SCANS:
        raise PictureRefused("damaged", "the file has too many scans")
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureRefused("too_large", "too many pixels") from error
    except (OSError, SyntaxError, ValueError, struct.error, EOFError) as error:
        if data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (
            data[8:12] == b"WEBP"
        ):
            raise PictureRefused("damaged", "the header is broken") from error
        raise PictureRefused("not_a_picture", "no JPEG, PNG or WebP") from error


def _orientation(image: Image.Image) -> int:
    """Return EXIF's orientation, 1 when there is none or EXIF is broken."""
    try:
        turn = image.getexif().get(ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, struct.error, TypeError):
        return 1
    return turn if turn in range(1, 9) else 1


def _upright(image: Image.Image, turn: int) -> Image.Image:
    methods = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    return image.transpose(methods[turn]) if turn in methods else image


def _plain(image: Image.Image) -> Image.Image:
    """Return the picture in sRGB, on white where it was see-through."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):  # 16 bits a pixel: RGB would cut, not scale
        image = image.convert("I").point(lambda level: level / 257).convert("L")
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        see_through = image.convert("RGBA")
        image = Image.new("RGBA", see_through.size, "white")
        image.alpha_composite(see_through)
        image = image.convert("RGB")
    elif profile and image.mode in {"RGB", "CMYK"}:
        image = _in_srgb(image, profile)
    return image if image.mode == "RGB" else image.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Keep a wide-gamut photo's colours when its profile goes with the metadata."""
    try:
        return (
            ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
            or image
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # a broken profile is no reason to refuse a photo


def _jpeg(image: Image.Image, *, quality: int = QUALITY) -> bytes:
    """Encode the pixels alone: a new picture carries nothing of the old one's info."""
    bare = Image.new("RGB", image.size)
    bare.paste(image)
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=quality, subsampling=0)
    return out.getvalue()
