"""What a type of task accepts, and when two answers say the same."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.types import Frame, InvalidContent, label_names, task_type
from labeling.types.boxes import iou, match
from tests.labeling.crew import box, boxes

BOXES, CHOICE = task_type("boxes"), task_type("single_choice")
FRAME = Frame(labels=["dog", "cat"], width=640, height=480)


def problems(content: Any, kind: Any = BOXES) -> dict[str, str]:
    with pytest.raises(InvalidContent) as refused:
        kind.clean(content, FRAME)
    return {path: why.code for path, why in refused.value.problems.items()}


@pytest.mark.parametrize(
    ("content", "path", "code"),
    [
        (None, "", "not_an_object"),
        ([], "", "not_an_object"),
        ({}, "boxes", "required"),
        ({"boxes": {}}, "boxes", "not_a_list"),
        ({"boxes": [], "note": ""}, "note", "unknown_field"),
        (boxes("dog"), "boxes.0", "not_an_object"),
        (boxes(box(1) | {"score": 0.5}), "boxes.0.score", "unknown_field"),
        (boxes(box(1), box(1, "zebra")), "boxes.1.label", "unknown_label"),
        (boxes(box(1, label=["dog"])), "boxes.0.label", "unknown_label"),
        (boxes(box(math.nan)), "boxes.0.x", "not_a_number"),
        (boxes(box(math.inf)), "boxes.0.x", "not_a_number"),
        (boxes(box(10**400)), "boxes.0.x", "not_a_number"),
        (boxes(box(1) | {"x": "1"}), "boxes.0.x", "not_a_number"),
        (boxes(box(1) | {"x": True}), "boxes.0.x", "not_a_number"),
        (boxes(box(1, w=0)), "boxes.0.w", "not_positive"),
        (boxes(box(1, h=-4)), "boxes.0.h", "not_positive"),
        (boxes(box(-1.5)), "boxes.0.x", "outside"),
        (boxes(box(600)), "boxes.0.x", "outside"),
        (boxes(box(640.5, w=0.4)), "boxes.0", "outside"),
        (boxes(*[box(1)] * 501), "boxes", "too_many"),
    ],
)
def test_malformed_boxes_are_named_by_their_path(
    content: Any, path: str, code: str
) -> None:
    assert problems(content) == {path: code}


@pytest.mark.parametrize(
    ("content", "path", "code"),
    [
        ({}, "label", "required"),
        ({"label": "zebra"}, "label", "unknown_label"),
        ({"label": None}, "label", "unknown_label"),
        ({"label": "dog", "score": 1}, "score", "unknown_field"),
    ],
)
def test_malformed_choices_are_named_by_their_path(
    content: Any, path: str, code: str
) -> None:
    assert problems(content, CHOICE) == {path: code}


def test_every_bad_box_is_named_at_once() -> None:
    bad = boxes(box(1, "zebra"), box(1), box(1, w=-1))
    assert problems(bad) == {
        "boxes.0.label": "unknown_label",
        "boxes.2.w": "not_positive",
    }


def test_a_box_a_pixel_outside_is_cut_to_the_picture() -> None:
    cleaned = BOXES.clean(boxes(box(-0.75), box(540.5)), FRAME)
    assert cleaned == boxes(box(0.0, w=99.25), box(540.5, w=99.5))


def test_nothing_here_is_an_answer() -> None:
    assert BOXES.clean(boxes(), FRAME) == boxes()
    assert BOXES.agreement(boxes(), boxes(), 0.7) == 1.0
    assert BOXES.agreement(boxes(), boxes(box(1)), 0.7) == 0.0


def test_a_proposal_is_cut_not_refused_and_keeps_its_score() -> None:
    proposal = boxes(box(-30) | {"score": 0.9}, box(900) | {"score": 0.4})
    assert BOXES.clean_proposal(proposal, FRAME) == boxes(
        box(0.0, w=70.0) | {"score": 0.9}
    )
    with pytest.raises(InvalidContent):
        BOXES.clean_proposal(boxes(box(1, "zebra")), FRAME)


def test_agreement_needs_every_box_the_same_label_and_enough_overlap() -> None:
    one = boxes(box(0), box(200))
    assert BOXES.agreement(one, boxes(box(208), box(6)), 0.7) == 1.0
    assert BOXES.agreement(one, boxes(box(6)), 0.7) == pytest.approx(2 / 3)
    assert BOXES.agreement(one, boxes(box(6), box(200, "cat")), 0.7) == 0.5
    assert BOXES.agreement(one, boxes(box(40), box(240)), 0.7) == 0.0


def test_matching_moves_earlier_pairs_out_of_the_way() -> None:
    """A greedy pairing of the middle with the left would leave the right alone."""
    ones, others = [box(10), box(0)], [box(8), box(20)]
    assert match(ones, others, 0.7) == {0: 1, 1: 0}


def test_many_boxes_on_one_spot_are_matched_quickly() -> None:
    ones, others = [box(1)] * 500, [box(1)] * 250
    assert len(match(ones, others, 0.7)) == 250


def test_fused_boxes_are_the_mean_of_what_people_drew() -> None:
    fused = BOXES.fuse([boxes(box(0), box(200)), boxes(box(210), box(6))], 0.7)
    assert fused == boxes(box(3.0), box(205.0))


sides = st.floats(0, 300, allow_nan=False)
some_box = st.builds(
    lambda x, y, w, h, label: {"x": x, "y": y, "w": w, "h": h, "label": label},
    sides,
    sides,
    st.floats(1, 300),
    st.floats(1, 170),
    st.sampled_from(["dog", "cat"]),
)
some_boxes = st.lists(some_box, max_size=6)


@given(some_boxes, some_boxes)
def test_agreement_is_symmetric_and_between_zero_and_one(
    ones: list[Any], others: list[Any]
) -> None:
    one, other = boxes(*ones), boxes(*others)
    value = BOXES.agreement(one, other, 0.7)
    assert value == BOXES.agreement(other, one, 0.7)
    assert 0.0 <= value <= 1.0


@given(some_boxes)
def test_an_answer_agrees_with_itself_in_any_order_of_boxes(found: list[Any]) -> None:
    assert BOXES.agreement(boxes(*found), boxes(*reversed(found)), 0.7) == 1.0
    assert BOXES.clean(boxes(*found), FRAME) == BOXES.clean(
        boxes(*reversed(found)), FRAME
    )


@given(some_box, some_box)
def test_overlap_is_symmetric_and_one_only_for_the_same_place(
    one: Any, other: Any
) -> None:
    assert iou(one, other) == pytest.approx(iou(other, one))
    assert iou(one, one) == pytest.approx(1.0)


def test_a_question_needs_labels_that_differ() -> None:
    assert label_names({"labels": [{"name": "dog"}, {"name": "cat"}]}) == ["dog", "cat"]
    for bad in (
        None,
        {},
        {"labels": []},
        {"labels": [{"name": ""}]},
        {"labels": ["a"]},
    ):
        with pytest.raises(InvalidContent):
            label_names(bad)
    with pytest.raises(InvalidContent, match="label_twice"):
        label_names({"labels": [{"name": "dog"}, {"name": "dog"}]})


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(InvalidContent, match="unknown_type"):
        task_type("mind_reading")
