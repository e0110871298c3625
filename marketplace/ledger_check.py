"""The only place that compares the ledger with the work it paid for."""

from collections.abc import Iterator

from django.db.models import F, Q, QuerySet

from compute.models import Result, Unit
from labeling.models import AnswerDecision, Task
from marketplace.models import Project
from rewards.models import Hold, Transfer
from rewards.queries import ledger_problems

CHUNK = 1000
Paid = tuple[str, int, int]  # key, person who is paid, amount


def problems() -> Iterator[str]:
    """Yield a sentence for every disagreement between rows of work and rows of money.

    Nothing yielded means: debits equal credits, cached balances equal their sums, each
    accepted result and answer was paid exactly once and nothing else was, every hold
    ended with its work, and closed projects hold no money.
    """
    yield from ledger_problems()
    yield from _payment_problems(Transfer.Kind.INFERENCE, _results_to_pay())
    yield from _payment_problems(Transfer.Kind.ANSWER, _answers_to_pay())
    yield from _hold_problems(
        "unit", Unit.objects.filter(status__in=["open", "disputed"])
    )
    yield from _hold_problems(
        "task", Task.objects.filter(status__in=["open", "escalated"])
    )
    yield from _closed_project_problems()


def _results_to_pay() -> Iterator[Paid]:
    rows = Result.objects.filter(accepted=True, lease__price__gt=0).values_list(
        "pk", "lease__person", "lease__price"
    )
    for pk, person, price in rows.iterator(CHUNK):
        yield f"result:{pk}", person, price


def _answers_to_pay() -> Iterator[Paid]:
    rows = AnswerDecision.objects.filter(
        accepted=True, answer__assignment__reward__gt=0
    ).values_list("pk", "answer__person", "answer__assignment__reward")
    for pk, person, reward in rows.iterator(CHUNK):
        yield f"decision:{pk}", person, reward


def _payment_problems(kind: Transfer.Kind, expected: Iterator[Paid]) -> Iterator[str]:
    paid = {
        key: (person, amount)
        for key, person, amount in Transfer.objects.filter(kind=kind)
        .values_list("key", "credit__person", "amount")
        .iterator(CHUNK)
    }
    for key, person, amount in expected:
        found = paid.pop(key, None)
        if found is None:
            yield f"{key} was accepted but not paid"
        elif found != (person, amount):
            yield f"{key} should pay {amount} to person {person}, but paid {found}"
    for key in sorted(paid):
        yield f"{key} was paid but not accepted"


def _hold_problems(
    what: str, undecided: "QuerySet[Unit] | QuerySet[Task]"
) -> Iterator[str]:
    open_holds = set(
        Hold.objects.filter(end=None, key__startswith=f"{what}:").values_list(
            "pk", flat=True
        )
    )
    needed = set(undecided.exclude(hold=None).values_list("hold", flat=True))
    for pk in sorted(open_holds - needed):
        yield f"hold {pk} is open although its {what} is decided"
    for pk in sorted(needed - open_holds):
        yield f"hold {pk} has ended although its {what} is not decided"


def _closed_project_problems() -> Iterator[str]:
    left = Project.objects.filter(
        Q(status=Project.Status.CLOSED)
        & (~Q(escrow__credits=F("escrow__debits")) | Q(escrow__held__gt=0))
    ).select_related("escrow")
    for project in left:
        yield f"project {project.uuid} is closed but its escrow is not empty"
