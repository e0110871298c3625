"""Posting: what is said twice is done once, and nothing falls below its floor.

Callers open the transaction, lock and change their own rows first, and call ``post``
once, last: it takes the locks of all accounts in one sorted step, so that two
transactions can never wait for each other in a circle. Who must read balances to
decide what to post calls ``lock_accounts`` with every account that may be needed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from rewards.errors import HoldEnded, InsufficientFunds, KeyReused
from rewards.models import Account, Hold, HoldEnd, Transfer


@dataclass(frozen=True, kw_only=True)
class Movement:
    """A transfer to be posted: ``amount`` (1e-7 Pi, > 0) out of ``debit``."""

    key: str
    debit: int
    credit: int
    amount: int
    kind: Transfer.Kind
    group: str = ""
    reverses: int | None = None


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """A hold to be placed: ``amount`` (1e-7 Pi, > 0) of ``account``."""

    key: str
    account: int
    amount: int


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """A hold to be ended, before the movements, which spend what is freed."""

    hold: int
    outcome: HoldEnd.Outcome


def lock_accounts(ids: Iterable[int]) -> dict[int, Account]:
    """Lock the accounts in id order, once for the whole transaction; return them."""
    locked = (
        Account.objects.select_for_update(no_key=True)
        .filter(pk__in=set(ids))
        .order_by("pk")
    )
    return {account.pk: account for account in locked}


def reversal_of(transfer: Transfer, *, back_to: int | None = None) -> Movement:
    """Return the opposite of a transfer; under its key it is said once, for ever.

    ``back_to`` is where the money goes when the account it came from is closed.
    """
    return Movement(
        key=f"reverse:{transfer.pk}",
        debit=transfer.credit_id,
        credit=back_to or transfer.debit_id,
        amount=transfer.amount,
        kind=Transfer.Kind.REVERSAL,
        group=transfer.group,
        reverses=transfer.pk,
    )


def post(
    movements: Sequence[Movement] = (),
    *,
    reservations: Sequence[Reservation] = (),
    resolutions: Sequence[Resolution] = (),
) -> list[Hold]:
    """Apply everything, or nothing; return the holds of ``reservations`` in order.

    What was already posted under the same key is left as it is, so that saying a thing
    twice does nothing. Raises InsufficientFunds, KeyReused, HoldEnded. Must be called
    inside a transaction.
    """
    assert transaction.get_connection().in_atomic_block, "post needs a transaction"
    if not reservations and _posted_at_once(movements, resolutions):
        return []
    return _post_with_care(movements, reservations, resolutions)


def _posted_at_once(
    movements: Sequence[Movement], resolutions: Sequence[Resolution]
) -> bool:
    """Let PostgreSQL do the usual case in one statement; return whether it did.

    It does all or, where a key is known, a hold has ended or money may be short,
    nothing: ``_post_with_care`` then finds out which, under the locks already taken.
    """
    if connection.vendor != "postgresql" or not movements:
        return False
    if len({move.key for move in movements}) < len(movements):
        return False
    spent = dict.fromkeys((move.credit for move in movements), 0)
    for move in movements:
        spent[move.debit] = spent.get(move.debit, 0) + move.amount
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tessera_post(%s::bigint[], %s::bigint[], %s, %s::bigint[],"
            " %s::bigint[], %s::bigint[], %s, %s, %s::bigint[], %s::bigint[],"
            " %s::text[], %s)",
            [
                list(spent.keys()),
                list(spent.values()),
                [move.key for move in movements],
                [move.debit for move in movements],
                [move.credit for move in movements],
                [move.amount for move in movements],
                [move.kind.value for move in movements],
                [move.group for move in movements],
                [move.reverses for move in movements],
                [item.hold for item in resolutions],
                [item.outcome.value for item in resolutions],
                timezone.now(),
            ],
        )
        (done,) = cursor.fetchone() or (False,)
    return done


def _post_with_care(
    movements: Sequence[Movement],
    reservations: Sequence[Reservation],
    resolutions: Sequence[Resolution],
) -> list[Hold]:
    """Find out what is new and whether it is covered; write it, or raise."""
    ending = Hold.objects.in_bulk([item.hold for item in resolutions])
    accounts = lock_accounts(
        {move.debit for move in movements}
        | {move.credit for move in movements}
        | {item.account for item in reservations}
        | {hold.account_id for hold in ending.values()}
    )
    fresh_ends = _fresh_resolutions(resolutions)
    fresh_moves = _fresh_movements(movements)
    known_holds, fresh_holds = _fresh_reservations(reservations)
    _check_funds(
        accounts,
        [ending[item.hold] for item in fresh_ends],
        fresh_moves,
        fresh_holds,
    )
    HoldEnd.objects.bulk_create(
        HoldEnd(hold_id=item.hold, outcome=item.outcome) for item in fresh_ends
    )
    Transfer.objects.bulk_create(
        Transfer(
            key=move.key,
            debit_id=move.debit,
            credit_id=move.credit,
            amount=move.amount,
            kind=move.kind,
            group=move.group,
            reverses_id=move.reverses,
        )
        for move in fresh_moves
    )
    placed = Hold.objects.bulk_create(
        Hold(key=item.key, account_id=item.account, amount=item.amount)
        for item in fresh_holds
    )
    holds = known_holds | {hold.key: hold for hold in placed}
    return [holds[item.key] for item in reservations]


def _fresh_movements(movements: Sequence[Movement]) -> list[Movement]:
    known = {
        row.key: row
        for row in Transfer.objects.filter(key__in=[move.key for move in movements])
    }
    fresh: dict[str, Movement] = {}
    for move in movements:
        row = known.get(move.key) or fresh.get(move.key)
        if row is None:
            fresh[move.key] = move
            continue
        said = (move.debit, move.credit, move.amount)
        if isinstance(row, Movement):
            before = (row.debit, row.credit, row.amount)
        else:
            before = (row.debit_id, row.credit_id, row.amount)
        if said != before:
            raise KeyReused
    return list(fresh.values())


def _fresh_reservations(
    reservations: Sequence[Reservation],
) -> tuple[dict[str, Hold], list[Reservation]]:
    known = {
        hold.key: hold
        for hold in Hold.objects.filter(key__in=[item.key for item in reservations])
    }
    for item in reservations:
        hold = known.get(item.key)
        if hold and (hold.account_id, hold.amount) != (item.account, item.amount):
            raise KeyReused
    return known, [item for item in reservations if item.key not in known]


def _fresh_resolutions(resolutions: Sequence[Resolution]) -> list[Resolution]:
    known = dict(
        HoldEnd.objects.filter(
            hold__in=[item.hold for item in resolutions]
        ).values_list("hold_id", "outcome")
    )
    for item in resolutions:
        if known.get(item.hold, item.outcome) != item.outcome:
            raise HoldEnded
    return [item for item in resolutions if item.hold not in known]


def _check_funds(
    accounts: dict[int, Account],
    ending: Sequence[Hold],
    movements: Sequence[Movement],
    reservations: Sequence[Reservation],
) -> None:
    """Refuse before the CHECK would: an error with a name, and no broken transaction.

    The rows are locked, so what is read here is what the triggers will find. Transfers
    are applied in order, so each account must stay above its floor after each of them.
    """
    free = {
        pk: None if account.floor is None else account.available - account.floor
        for pk, account in accounts.items()
    }

    def change(pk: int, amount: int) -> None:
        left = free[pk]
        if left is None:
            return
        if left + amount < 0:
            raise InsufficientFunds
        free[pk] = left + amount

    for hold in ending:
        change(hold.account_id, hold.amount)
    for move in movements:
        change(move.debit, -move.amount)
        change(move.credit, move.amount)
    for item in reservations:
        change(item.account, -item.amount)
