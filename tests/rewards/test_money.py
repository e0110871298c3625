"""Laws of amounts: nothing is rounded, nothing is lost in a split."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards import money

units = st.integers(min_value=0, max_value=10**18)


@given(units)
def test_an_amount_survives_being_written_and_read(amount: int) -> None:
    assert money.parse(money.to_text(amount)) == amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1", 10_000_000),
        ("0.0000001", 1),
        ("1.50", 15_000_000),
        (Decimal(2), 20_000_000),
    ],
)
def test_pi_is_read_exactly(text: str | Decimal, amount: int) -> None:
    assert money.parse(text) == amount


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "-1", "NaN", "Infinity", "0.00000001", "1e20", "1,5"),
        *("1.00000000000000000000000000000000001", "1e-999999"),
    ],
)
def test_what_cannot_be_counted_exactly_is_refused(text: str) -> None:
    with pytest.raises(money.NotAnAmount):
        money.parse(text)


@given(units, st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_a_split_is_exact_and_fair_to_a_unit(amount: int, weights: list[int]) -> None:
    if not sum(weights):
        with pytest.raises(ValueError, match="weights"):
            money.split(amount, weights)
        return
    parts = money.split(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - amount * weight) < sum(weights)
