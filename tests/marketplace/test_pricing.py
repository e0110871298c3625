"""Laws of prices: whole units, the quote covers the most, the rest is spare."""

from hypothesis import given
from hypothesis import strategies as st

from marketplace import pricing

terms = st.builds(
    pricing.Terms,
    reward=st.integers(0, 10**12),
    inference_price=st.integers(0, 10**12),
    max_answers=st.integers(2, 9),
    with_model=st.booleans(),
    fee_permille=st.integers(0, 500),
)


@given(terms, st.integers(0, 10_000))
def test_the_quote_is_what_all_holds_together_cover(
    one: pricing.Terms, items: int
) -> None:
    quote = pricing.quote(one, items=items)
    assert quote.total == items * one.item_maximum
    assert 0 <= quote.least <= quote.total


@given(terms, st.integers(0, 10**14), st.integers(0, 500))
def test_what_is_opened_is_covered_beside_what_was_promised(
    one: pricing.Terms, available: int, promised: int
) -> None:
    more = pricing.affordable(one, available=available, promised=promised)
    if more is None:
        assert one.item_maximum == 0
        return
    cost = more * one.item_maximum + promised * one.task_maximum
    assert more == 0 or cost <= available
    assert cost + one.item_maximum > available


def test_without_a_model_no_inference_is_priced() -> None:
    one = pricing.Terms(
        reward=500,
        inference_price=99,
        max_answers=3,
        with_model=False,
        fee_permille=100,
    )
    quote = pricing.quote(one, items=2)
    assert [line.what for line in quote.lines] == ["answer", "answer_fee"]
    assert (quote.total, quote.least) == (2 * 3 * 550, 2 * 2 * 550)
