"""What time does to money: earnings are released, debts settled, fees swept.

Each runs by beat, in slices, beside itself and again after a crash: a slice is one
transaction, its cursor's row is its lock, and its keys name the transfers it handles.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Sum

from rewards import ledger
from rewards.models import Account, Transfer

EARNED = (Transfer.Kind.INFERENCE, Transfer.Kind.ANSWER, Transfer.Kind.APPEAL)
SLICE = 500  # earnings released in one transaction
SWEEP_SLICE = 20_000  # transfers looked through for fees in one transaction


def release_due(now: datetime) -> int:
    """Move what was earned before the hold window to ``available``; return how many.

    What a person owes is taken from it first. An earning that was reversed in the
    meantime is passed over.
    """
    final, released = ledger.last_final_id(), 0
    while (count := _release_slice(final, now - _window())) is not None:
        released += count
    return released


def _window() -> timedelta:
    return timedelta(hours=settings.EARNING_HOLD_HOURS)


@transaction.atomic
def _release_slice(final: int, due: datetime) -> int | None:
    """Release the next slice; return None when there is nothing left to look at."""
    cursor = ledger.locked_cursor("releases")
    if cursor is None or cursor.position >= final:
        return None
    earnings = list(
        Transfer.objects.filter(
            pk__gt=cursor.position,
            pk__lte=final,
            kind__in=EARNED,
            credit__kind=Account.Kind.PENDING,
            credit__person__isnull=False,
        )
        .select_related("credit__person")
        .order_by("pk")[:SLICE]
    )
    ripe = []
    for earning in earnings:
        if earning.created > due:
            cursor.position = earning.pk - 1
            break
        ripe.append(earning)
    else:
        cursor.position = earnings[-1].pk if len(earnings) == SLICE else final
    cursor.save(update_fields=["position"])
    movements = _releases(ripe) if ripe else []
    if movements:
        ledger.post(movements)
    return len(ripe) or None


def _releases(earnings: Sequence[Transfer]) -> list[ledger.Movement]:
    """Lock everybody's accounts; return the movements of what was not reversed."""
    people = {earning.credit.person for earning in earnings if earning.credit.person}
    accounts = {
        (account.person_id, account.kind): account.pk
        for account in Account.objects.filter(
            person__in=people, kind__in=[Account.Kind.AVAILABLE, Account.Kind.OWED]
        )
    }
    for each in sorted(people, key=lambda person: person.pk):
        if (each.pk, Account.Kind.AVAILABLE) not in accounts:
            opened = ledger.available_account(each)
            accounts[each.pk, Account.Kind.AVAILABLE] = opened.pk
    locked = ledger.lock_accounts(
        {*accounts.values(), *(earning.credit_id for earning in earnings)}
    )
    reversed_ids = set(
        Transfer.objects.filter(
            reverses__in=[earning.pk for earning in earnings]
        ).values_list("reverses", flat=True)
    )
    debts = {
        account.person_id: -account.balance
        for account in locked.values()
        if account.kind == Account.Kind.OWED
    }
    movements = []
    for earning in earnings:
        if earning.pk in reversed_ids:
            continue
        person = earning.credit.person_id
        taken = min(debts.get(person, 0), earning.amount)
        parts = (
            (Transfer.Kind.OWED, Account.Kind.OWED, taken),
            (Transfer.Kind.RELEASE, Account.Kind.AVAILABLE, earning.amount - taken),
        )
        for kind, account, amount in parts:
            if amount:
                movements.append(
                    ledger.Movement(
                        key=f"{kind.value}:{earning.pk}",
                        debit=earning.credit_id,
                        credit=accounts[person, account],
                        amount=amount,
                        kind=kind,
                        group=earning.group,
                    )
                )
        if taken:
            debts[person] -= taken
    return movements


def settle_debts() -> int:
    """Take what people owe from what came back to ``available``; return how many."""
    debts = Account.objects.filter(kind=Account.Kind.OWED, debits__gt=F("credits"))
    return sum(
        _settle(owed, available)
        for owed, available in debts.filter(
            person__account__kind=Account.Kind.AVAILABLE,
            person__account__credits__gt=F("person__account__debits")
            + F("person__account__held"),
        ).values_list("pk", "person__account")
    )


@transaction.atomic
def _settle(owed_id: int, available_id: int) -> int:
    locked = ledger.lock_accounts([owed_id, available_id])
    owed, available = locked[owed_id], locked[available_id]
    amount = min(-owed.balance, available.available)
    if amount <= 0:
        return 0
    ledger.post(
        [
            ledger.Movement(
                # What was settled before names this time: it grows by every settling.
                key=f"{owed.code}:{owed.credits}",
                debit=available_id,
                credit=owed_id,
                amount=amount,
                kind=Transfer.Kind.OWED,
            )
        ]
    )
    return 1


def sweep_fees(now: datetime) -> int:
    """Gather fees older than the hold window; return how many movements it took.

    One movement for a project and slice, and no other writer but a late reversal
    touches ``income:fees``: payments of different projects never share a row.
    """
    final, swept = ledger.last_final_id(), 0
    while (count := _sweep_slice(final, now - _window())) is not None:
        swept += count
    return swept


@transaction.atomic
def _sweep_slice(final: int, due: datetime) -> int | None:
    income = ledger.fee_income_account()
    cursor = ledger.locked_cursor("fees")
    if cursor is None:
        return None
    ahead = Transfer.objects.filter(pk__gt=cursor.position, pk__lte=final)
    young = ahead.filter(created__gt=due).order_by("pk").values_list("pk", flat=True)
    last = min(final, cursor.position + SWEEP_SLICE, (young.first() or final + 1) - 1)
    if last <= cursor.position:
        return None
    fees = ahead.filter(
        pk__lte=last,
        kind=Transfer.Kind.FEE,
        credit__kind=Account.Kind.FEES,
    )
    accounts = ledger.lock_accounts(
        {income.pk, *fees.values_list("credit", flat=True).distinct()}
    )
    sums = (
        fees.filter(transfer=None)  # not reversed, as seen under the locks
        .values_list("credit")
        .annotate(total=Sum("amount"))
        .order_by("credit")
    )
    movements = [
        ledger.Movement(
            key=f"sweep:{accounts[pk].code.split(':')[1]}:{last}",
            debit=pk,
            credit=income.pk,
            amount=total,
            kind=Transfer.Kind.SWEEP,
            group=accounts[pk].code.rpartition(":")[0],
        )
        for pk, total in sums
    ]
    cursor.position = last
    cursor.save(update_fields=["position"])
    if movements:
        ledger.post(movements)
    return len(movements)
