"""The only place that says who pays what; amounts are whole 1e-7 Pi.

The engines count and pay what they are told; they never compute a price. A client pays
the reward of each accepted answer and the price of each accepted inference, and beside
each of them the platform's fee. Re-execution by the server is the platform's own cost.
"""

from dataclasses import dataclass
from typing import Literal

from rewards.money import permille

REPLICAS = 2  # executions that must agree
AGREEING = 2  # answers that must agree

What = Literal["inference", "inference_fee", "answer", "answer_fee"]


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a project promises for one item."""

    reward: int  # for each accepted answer
    inference_price: int  # for each accepted inference
    max_answers: int
    with_model: bool
    fee_permille: int

    @property
    def answer_fee(self) -> int:
        return permille(self.reward, self.fee_permille)

    @property
    def inference_fee(self) -> int:
        return permille(self.inference_price, self.fee_permille)

    @property
    def replicas(self) -> int:
        return REPLICAS if self.with_model else 0

    @property
    def unit_maximum(self) -> int:
        """What the hold of one unit covers."""
        return self.replicas * (self.inference_price + self.inference_fee)

    @property
    def task_maximum(self) -> int:
        """What the hold of one task covers."""
        return self.max_answers * (self.reward + self.answer_fee)

    @property
    def item_maximum(self) -> int:
        return self.unit_maximum + self.task_maximum


@dataclass(frozen=True, kw_only=True)
class Line:
    what: What
    count: int
    each: int

    @property
    def total(self) -> int:
        return self.count * self.each


@dataclass(frozen=True, kw_only=True)
class Quote:
    """The most that a project can cost, and the least if people agree at once."""

    items: int
    lines: tuple[Line, ...]
    least: int

    @property
    def total(self) -> int:
        return sum(line.total for line in self.lines)


def quote(terms: Terms, *, items: int) -> Quote:
    """Return what labelling so many items costs on these terms."""
    inferences = items * terms.replicas
    answers = items * terms.max_answers
    lines = (
        Line(what="inference", count=inferences, each=terms.inference_price),
        Line(what="answer", count=answers, each=terms.reward),
        Line(what="inference_fee", count=inferences, each=terms.inference_fee),
        Line(what="answer_fee", count=answers, each=terms.answer_fee),
    )
    fewest = min(AGREEING, terms.max_answers)
    least = terms.unit_maximum + fewest * (terms.reward + terms.answer_fee)
    return Quote(
        items=items,
        lines=tuple(line for line in lines if line.count),
        least=items * least,
    )


def affordable(terms: Terms, *, available: int, promised: int) -> int | None:
    """Return how many more items ``available`` covers whole; None when they are free.

    ``promised`` items are with nodes now: what people will cost for them is not yet
    held, and may not be spent on anything new.
    """
    if terms.item_maximum == 0:
        return None
    spare = available - promised * terms.task_maximum
    return max(0, spare // terms.item_maximum)
