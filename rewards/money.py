"""The only place that knows how many units a Pi has."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

UNITS_PER_PI = 10_000_000
PLACES = 7
LARGEST_PI = Decimal(100_000_000_000)  # Pi's whole supply; keeps sums inside 64 bits


class NotAnAmount(ValueError):
    """This text is not an amount of Pi that can be counted exactly."""


def parse(text: str | Decimal | int) -> int:
    """Return units (1e-7 Pi) for an amount of Pi written as a decimal.

    Raises NotAnAmount for what is not a number, negative, too large, or finer than
    1e-7 Pi: nothing is rounded.
    """
    try:
        pi = Decimal(text)
    except (InvalidOperation, ValueError, TypeError) as error:
        raise NotAnAmount(f"{text!r} is not a number") from error
    if not pi.is_finite() or pi < 0 or pi > LARGEST_PI:
        raise NotAnAmount(f"{text} Pi is not between 0 and {LARGEST_PI}")
    # By whole numbers: a product of Decimals is rounded to 28 digits without a word.
    if pi and pi.adjusted() < -PLACES:
        raise NotAnAmount(f"{text} Pi is finer than 0.0000001 Pi")
    numerator, denominator = pi.as_integer_ratio()
    units, rest = divmod(numerator * UNITS_PER_PI, denominator)
    if rest:
        raise NotAnAmount(f"{text} Pi is finer than 0.0000001 Pi")
    return units


def to_decimal(units: int) -> Decimal:
    """Return exact Pi for units."""
    return Decimal(units).scaleb(-PLACES)


def to_text(units: int) -> str:
    """Return Pi as the shortest exact decimal: ``1.5``, ``0.0000001``, ``-2``."""
    text = f"{to_decimal(units):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def permille(units: int, share: int) -> int:
    """Return ``share`` thousandths of ``units``, rounded down to a whole unit."""
    return units * share // 1000


def split(units: int, weights: Sequence[int]) -> list[int]:
    """Split ``units`` exactly by ``weights``, largest remainder first.

    The parts add up to ``units``; equal remainders go to the earlier weight. Raises
    ValueError when no weight is positive.
    """
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError("a split needs weights that are not negative, one positive")
    parts = [units * weight // total for weight in weights]
    remainders = [units * weight % total for weight in weights]
    order = sorted(range(len(weights)), key=lambda index: (-remainders[index], index))
    for index in order[: units - sum(parts)]:
        parts[index] += 1
    return parts
