"""The comparator: honest computers agree, others do not, and order does not matter."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute import scheduling
from compute.agreement import BoxRule, agree, all_agree, medoid
from tests.compute.net import box, boxes

RULE = BoxRule()


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (boxes(box()), True),
        (boxes(box(10.0002, score=0.9002)), True),
        (boxes(box(score=0.9019)), True),
        (boxes(box(score=0.9021)), False),
        (boxes(box(10.4)), True),
        (boxes(box(10.6)), False),
        (boxes(box(**{"class": "cat"})), False),
        (boxes(), False),
        (boxes(box(), box()), False),
        (boxes(box(), box(200.0, score=0.405)), True),
        (boxes(box(), box(200.0, score=0.42)), False),
    ],
)
def test_boxes_agree_within_the_manifests_tolerance(other, expected: bool) -> None:
    one = boxes(box())
    assert agree(one, other, RULE) is agree(other, one, RULE) is expected


@given(
    st.lists(
        st.tuples(st.integers(0, 500), st.floats(0.41, 1.0)), max_size=8, unique=True
    ),
    st.randoms(),
)
def test_the_order_of_boxes_does_not_matter(found, chance) -> None:
    made = [box(float(x), score=score) for x, score in found]
    mixed = list(made)
    chance.shuffle(mixed)
    assert agree(boxes(*made), boxes(*mixed), RULE)


def test_nearness_is_not_passed_on() -> None:
    a, b, c = (boxes(box(score=0.9 + step)) for step in (0.0, 0.0015, 0.003))
    assert agree(a, b, RULE)
    assert agree(b, c, RULE)
    assert not all_agree([a, b, c], RULE)


def test_the_canonical_output_is_the_middle_one_in_any_order() -> None:
    a, b, c = (boxes(box(score=0.9 + step)) for step in (0.0, 0.0006, 0.0012))
    assert all(
        medoid(list(order), RULE) == b for order in itertools.permutations([a, b, c])
    )


@pytest.mark.parametrize(
    ("online", "expected"), [(1, 0.25), (40, 1.0), (4_000, 100.0), (421_000, 3600.0)]
)
def test_polls_are_spaced_by_how_many_nodes_there_are(online, expected) -> None:
    def spacing(chance: float) -> float:
        return scheduling.next_poll_s(
            online=online, polls_per_second=40, given=0, chance=chance
        )

    assert spacing(0.5) == pytest.approx(expected)
    assert spacing(0.0) == pytest.approx(expected * 0.85)
    assert spacing(1.0) == pytest.approx(expected * 1.15)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_a_batch_is_never_more_than_asked_or_allowed(asked, waiting, online) -> None:
    size = scheduling.batch_size(
        asked=asked, waiting=waiting, online=online, plenty=200, batch_max=64
    )
    assert 0 <= size <= min(asked, 64)
    assert size > 0 or asked == 0
