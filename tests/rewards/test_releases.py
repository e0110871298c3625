"""Laws of the hold window: what was earned becomes free once, and debts come first."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from rewards import ledger, releases, reversals, tasks
from rewards.models import Account, HoldEnd, Transfer
from rewards.queries import ledger_problems
from tests.rewards.books import (
    FEE,
    LATER,
    REWARD,
    THEN,
    money_of,
    move,
    new_books,
    new_person,
)

pytestmark = pytest.mark.django_db
FAR = LATER + timedelta(days=400)  # threads share one travelled clock


def test_an_earning_waits_out_the_hold_window_and_is_then_available() -> None:
    books, person = new_books(), new_person()
    (earning, _fee) = books.pay(person)
    assert releases.release_due(THEN + timedelta(hours=23)) == 0
    assert money_of(person) == (REWARD, 0, 0)
    assert releases.release_due(LATER) == 1
    assert money_of(person) == (0, REWARD, 0)
    release = Transfer.objects.get(key=f"release:{earning.pk}")
    assert (release.group, release.kind) == (earning.group, Transfer.Kind.RELEASE)


def test_releasing_again_moves_nothing() -> None:
    books, person = new_books(), new_person()
    books.pay(person)
    releases.release_due(LATER)
    assert releases.release_due(LATER) == 0
    assert money_of(person) == (0, REWARD, 0)


def test_only_what_is_old_enough_is_released_and_the_rest_when_it_is() -> None:
    books, person = new_books(), new_person()
    books.pay(person)
    books.pay(person, at=THEN + timedelta(hours=5))
    releases.release_due(LATER)
    assert money_of(person) == (REWARD, REWARD, 0)
    releases.release_due(LATER + timedelta(hours=5))
    assert money_of(person) == (0, 2 * REWARD, 0)


def test_an_earning_between_other_transfers_is_found_however_late_it_comes() -> None:
    books, person = new_books(), new_person()
    releases.release_due(LATER)  # nothing to release yet: the cursor moves on
    books.pay(person)
    move(ledger.pi_in_account(), books.escrow, 5, at=LATER)
    releases.release_due(LATER)
    assert money_of(person) == (0, REWARD, 0)


def test_every_slice_is_released_with_the_same_number_of_queries(
    monkeypatch: Any,
) -> None:
    books, people = new_books(), [new_person() for _ in range(8)]
    for person in people:
        ledger.available_account(person)
        books.pay(person)
    releases.release_due(THEN)  # opens the cursor
    counts = []
    for size in (2, 6):
        monkeypatch.setattr(releases, "SLICE", size)
        with CaptureQueriesContext(connection) as seen:
            releases._release_slice(ledger.last_final_id(), LATER)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 16
    assert [money_of(person)[1] for person in people] == [REWARD] * 8


def test_what_is_owed_is_taken_from_the_next_earnings_first() -> None:
    books, person = new_books(), new_person()
    (earning, _fee) = books.pay(person, reward=1_500)
    releases.release_due(LATER)
    move(ledger.available_account(person), ledger.in_flight_account(), 1_500)
    reversals.reverse([earning], reason="wrong")
    assert money_of(person) == (0, 0, -1_500)
    books.pay(person)
    books.pay(person)
    releases.release_due(LATER)
    assert money_of(person) == (0, 500, 0)
    assert list(ledger_problems()) == []


def test_what_is_owed_is_taken_from_what_comes_back_to_available() -> None:
    books, person = new_books(), new_person()
    (earning, _fee) = books.pay(person)
    releases.release_due(LATER)
    out = move(ledger.available_account(person), ledger.in_flight_account(), REWARD)
    reversals.reverse([earning], reason="wrong")
    move(ledger.in_flight_account(), ledger.available_account(person), out.amount)
    assert releases.settle_debts() == 1
    assert releases.settle_debts() == 0
    assert money_of(person) == (0, 0, 0)


def test_what_a_hold_covers_is_not_taken_for_a_debt() -> None:
    books, person = new_books(), new_person()
    (earning, _fee) = books.pay(person)
    releases.release_due(LATER)
    available = ledger.available_account(person)
    reserved = ledger.Reservation(key="payout:1", account=available.pk, amount=REWARD)
    with transaction.atomic():
        (hold,) = ledger.post(reservations=[reserved])
    reversals.reverse([earning], reason="wrong")
    assert releases.settle_debts() == 0
    assert money_of(person) == (0, REWARD, -REWARD)
    end = ledger.Resolution(hold=hold.pk, outcome=HoldEnd.Outcome.VOID)
    with transaction.atomic():
        ledger.post(resolutions=[end])
    tasks.release_earnings()
    assert money_of(person) == (0, 0, 0)


def test_the_database_itself_refuses_a_debt_above_zero() -> None:
    owed = ledger.owed_account(new_person())
    with pytest.raises(Exception, match="owed"), transaction.atomic():
        move(ledger.pi_in_account(), owed, 1)


def _at_once(threads: int, call: Any) -> list[Any]:
    def work(number: int) -> Any:
        try:
            return call(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, range(threads)))


@pytest.mark.django_db(transaction=True)
def test_runs_beside_each_other_release_everything_once() -> None:
    books, people = new_books(), [new_person() for _ in range(5)]
    for person in people * 8:
        books.pay(person)
    found = _at_once(4, lambda _n: releases.release_due(FAR))
    assert sum(found) <= len(people) * 8
    releases.release_due(FAR)
    assert [money_of(person) for person in people] == [(0, 8 * REWARD, 0)] * 5


@pytest.mark.django_db(transaction=True)
def test_payments_releases_reversals_and_sweeps_at_once_lose_nothing(
    settings: Any,
) -> None:
    settings.EARNING_HOLD_HOURS = 0
    books, people = new_books(), [new_person() for _ in range(3)]
    for person in people:
        ledger.available_account(person)
        ledger.owed_account(person)
    rounds = 10

    def work(number: int) -> int:
        reversed_count = 0
        for turn in range(rounds):
            if number < 4:
                paid = books.pay(people[(number + turn) % 3])
                if turn % 3 == 0:
                    reversals.reverse(paid, reason="wrong")
                    reversed_count += 1
            elif number == 4:
                releases.release_due(FAR)
            else:
                releases.sweep_fees(FAR)
        return reversed_count

    taken_back = sum(_at_once(6, work))
    releases.release_due(FAR)
    releases.settle_debts()
    releases.sweep_fees(FAR)
    kept = 4 * rounds - taken_back
    had = [money_of(person) for person in people]
    assert sum(pending for pending, _available, _owed in had) == 0
    assert sum(available + owed for _pending, available, owed in had) == kept * REWARD
    assert ledger.fee_income_account().balance == kept * FEE
    books.escrow.refresh_from_db()
    assert books.escrow.balance == 1_000_000 - kept * (REWARD + FEE)
    assert list(ledger_problems()) == []
    assert Account.objects.get(pk=books.fees.pk).balance == 0
