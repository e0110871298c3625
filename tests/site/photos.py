"""Photos derived from the bundled ones: as many as a test needs, each one different."""

from pathlib import Path

from PIL import Image

BUNDLED = Path(__file__).resolve().parents[2] / "marketplace" / "demo_photos"


def bundled() -> list[Path]:
    return sorted(BUNDLED.glob("*.jpg"))


def derived(folder: Path, *, count: int, side: int = 480) -> list[Path]:
    """Write ``count`` crops of the bundled photos, small and distinct."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = bundled()
    made = []
    for number in range(count):
        round_, which = divmod(number, len(sources))
        path = folder / f"crop-{number:03}.jpg"
        with Image.open(sources[which]) as picture:
            picture.thumbnail((side, side))
            width, height = picture.size
            cut = (round_, round_, width - 2 * round_, height - 3 * round_)
            picture.convert("RGB").crop(cut).save(path, quality=90)
        made.append(path)
    return made
