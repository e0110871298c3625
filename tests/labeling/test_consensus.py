"""What answers add up to, whatever their order."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.consensus import AskMore, Escalate, Rule, Settled, decide
from labeling.types import task_type
from tests.labeling.crew import box, boxes


def rule(kind: str = "boxes", agreeing: int = 2, max_answers: int = 3) -> Rule:
    return Rule(
        kind=task_type(kind), threshold=0.7, agreeing=agreeing, max_answers=max_answers
    )


def test_one_answer_waits_for_another() -> None:
    assert decide([boxes()], rule()) == AskMore(1)
    assert decide([], rule()) == AskMore(2)


def test_two_that_agree_settle_it() -> None:
    outcome = decide([boxes(box(0)), boxes(box(6))], rule())
    assert outcome == Settled(boxes(box(3.0)), frozenset({0, 1}), (1.0, 1.0))


def test_two_that_disagree_ask_a_third_and_three_a_reviewer() -> None:
    apart = [boxes(box(0)), boxes(box(200)), boxes(box(400))]
    assert decide(apart[:2], rule()) == AskMore(1)
    assert decide(apart, rule()) == Escalate()


def test_a_third_decides_between_two_and_the_other_is_not_accepted() -> None:
    outcome = decide([boxes(box(0)), boxes(box(300)), boxes(box(4))], rule())
    assert isinstance(outcome, Settled)
    assert outcome.accepted == {0, 2}
    assert outcome.agreements == (1.0, 0.0, 1.0)


def test_when_three_must_agree_it_gives_up_as_soon_as_they_cannot() -> None:
    strict = rule(agreeing=3, max_answers=3)
    assert decide([boxes(), boxes(box(0))], strict) == Escalate()
    assert decide([boxes(), boxes()], strict) == AskMore(1)


def test_agreement_in_a_chain_is_not_agreement_of_all() -> None:
    chain = [boxes(box(0)), boxes(box(17)), boxes(box(34))]
    needs_all = rule(agreeing=3, max_answers=5)
    assert decide(chain, needs_all) == AskMore(1)
    verdicts = {
        str(_content(decide(list(some), rule()))) for some in permutations(chain)
    }
    assert len(verdicts) == 1


def _content(outcome: Any) -> Any:
    assert isinstance(outcome, Settled)
    return outcome.content


near = st.builds(
    lambda x, w, label: box(float(x), label, w=float(w)),
    st.integers(0, 40),
    st.integers(80, 120),
    st.sampled_from(["dog", "dog", "cat"]),
)
answers = st.lists(st.lists(near, max_size=2), min_size=1, max_size=5)


@settings(max_examples=300)
@given(answers, st.integers(1, 3), st.randoms(use_true_random=False))
def test_the_order_of_answers_changes_nothing(
    drawn: list[list[Any]], agreeing: int, chance: Any
) -> None:
    contents = [boxes(*found) for found in drawn]
    order = list(range(len(contents)))
    chance.shuffle(order)
    wanted = rule(agreeing=agreeing, max_answers=5)
    before = decide(contents, wanted)
    after = decide([contents[index] for index in order], wanted)
    if not isinstance(before, Settled) or not isinstance(after, Settled):
        assert before == after
        return
    assert before.content == after.content
    assert before.accepted == {order[index] for index in after.accepted}
    for place, index in enumerate(order):
        assert after.agreements[place] == before.agreements[index]


@given(st.lists(st.sampled_from(["dog", "cat", "bird"]), min_size=1, max_size=5))
def test_a_choice_settles_exactly_when_enough_people_chose_it(
    chosen: list[str],
) -> None:
    outcome = decide(
        [{"label": label} for label in chosen], rule("single_choice", max_answers=5)
    )
    best = max(chosen.count(label) for label in set(chosen))
    assert isinstance(outcome, Settled) == (best >= 2)
    if isinstance(outcome, Settled):
        winner = outcome.content["label"]
        assert chosen.count(winner) == best
        assert outcome.accepted == {
            index for index, label in enumerate(chosen) if label == winner
        }


@pytest.mark.parametrize("size", [9])
def test_the_most_answers_are_decided_quickly(size: int) -> None:
    contents = [boxes(box(index * 3.0)) for index in range(size)]
    assert isinstance(decide(contents, rule(agreeing=4, max_answers=size)), Settled)
