"""The only place that decides what people's answers to a task add up to."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from labeling.types import Content, TaskType


@dataclass(frozen=True)
class Settled:
    """The label, which answers (by index) are right, each one's agreement with it."""

    content: Content
    accepted: frozenset[int]
    agreements: tuple[float, ...]


@dataclass(frozen=True)
class AskMore:
    """This many more answers could settle it."""

    answers: int


@dataclass(frozen=True)
class Escalate:
    """As many people were asked as may be; somebody must decide."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How a campaign settles: the type, its threshold, how many must agree."""

    kind: TaskType
    threshold: float
    agreeing: int
    max_answers: int


def decide(contents: Sequence[Content], rule: Rule) -> Settled | AskMore | Escalate:
    """Say what these answers add up to, whatever their order.

    Agreement is not transitive (one box may overlap two that hardly overlap each
    other), so what counts is the largest group in which *everybody* agrees with
    everybody. Among equally large groups the closest one wins, then the text that sorts
    first: nothing depends on who answered when.
    """
    group = _largest_agreeing_group(contents, rule)
    missing = rule.agreeing - len(group)
    if missing > 0:
        if len(contents) + missing > rule.max_answers:
            return Escalate()
        return AskMore(missing)
    content = rule.kind.fuse([contents[index] for index in group], rule.threshold)
    accepted, agreements = weigh(content, contents, rule)
    return Settled(content, accepted | frozenset(group), agreements)


def weigh(
    content: Content, contents: Sequence[Content], rule: Rule
) -> tuple[frozenset[int], tuple[float, ...]]:
    """Return which answers say the same as ``content``, and each one's agreement."""
    agreements = tuple(
        rule.kind.agreement(content, answer, rule.threshold) for answer in contents
    )
    return (
        frozenset(index for index, value in enumerate(agreements) if value == 1.0),
        agreements,
    )


def _largest_agreeing_group(contents: Sequence[Content], rule: Rule) -> list[int]:
    """Return the indexes of the best group; all groups are tried, answers are few."""
    order = sorted(range(len(contents)), key=lambda index: _text(contents[index]))
    agree = {
        (one, other): rule.kind.agreement(
            contents[one], contents[other], rule.threshold
        )
        for one, other in combinations(order, 2)
    }
    for size in range(len(order), 0, -1):
        groups = [
            list(group)
            for group in combinations(order, size)
            if all(agree[pair] == 1.0 for pair in combinations(group, 2))
        ]
        if groups:
            return min(groups, key=lambda group: _distance(group, contents, rule))
    return []


def _distance(
    group: Sequence[int], contents: Sequence[Content], rule: Rule
) -> tuple[float, list[str]]:
    """Sort groups of one size: near to all answers first, then by their text."""
    fused = rule.kind.fuse([contents[index] for index in group], rule.threshold)
    near = sum(sorted(weigh(fused, contents, rule)[1]))
    return (-near, sorted(_text(contents[index]) for index in group))


def _text(content: Content) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False)
