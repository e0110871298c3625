"""Laws of taking back: an opposite transfer, once, from wherever the money is."""

import pytest
from django.db import transaction

from accounts.models import AuditEvent
from rewards import ledger, releases, reserves, reversals
from rewards.errors import InsufficientFunds, NotReversible
from rewards.models import Transfer
from rewards.queries import ledger_problems
from tests.rewards.books import (
    FEE,
    LATER,
    REWARD,
    balance,
    money_of,
    move,
    new_books,
    new_person,
)

pytestmark = pytest.mark.django_db
START = 1_000_000


def test_before_the_release_it_is_taken_from_pending_and_never_released() -> None:
    books, person = new_books(), new_person()
    paid = books.pay(person)
    books.pay(person)
    reversals.reverse(paid, reason="the label was wrong")
    assert money_of(person) == (REWARD, 0, 0)
    assert balance(books.escrow) == START - REWARD - FEE
    assert balance(books.fees) == FEE
    releases.release_due(LATER)
    assert money_of(person) == (0, REWARD, 0)


def test_after_the_release_it_is_taken_from_available() -> None:
    books, person = new_books(), new_person()
    (earning, _fee) = books.pay(person)
    releases.release_due(LATER)
    reversals.reverse([earning], reason="wrong")
    assert money_of(person) == (0, 0, 0)
    assert balance(books.escrow) == START - FEE


def test_what_is_left_is_taken_and_the_rest_is_owed() -> None:
    books, person = new_books(), new_person()
    (earning, _fee) = books.pay(person)
    books.pay(person, at=LATER)  # pending: not touched by another earning's reversal
    releases.release_due(LATER)
    move(ledger.available_account(person), ledger.in_flight_account(), 600)
    reversals.reverse([earning], reason="wrong")
    assert money_of(person) == (REWARD, 0, -600)
    assert balance(books.escrow) == START - REWARD - 2 * FEE
    assert list(ledger_problems()) == []


def test_a_reversal_is_one_opposite_transfer_of_the_whole_amount() -> None:
    books, person = new_books(), new_person()
    (earning, _fee) = books.pay(person)
    releases.release_due(LATER)
    move(ledger.available_account(person), ledger.in_flight_account(), 600)
    reversals.reverse([earning], reason="wrong")
    opposite = Transfer.objects.get(reverses=earning)
    assert (opposite.debit_id, opposite.credit_id, opposite.amount) == (
        earning.credit_id,
        earning.debit_id,
        earning.amount,
    )
    parts = {
        key: Transfer.objects.get(key=f"{key}:{earning.pk}").amount
        for key in ("unrelease", "owe")
    }
    assert parts == {"unrelease": 400, "owe": 600}


def test_taking_back_twice_takes_once() -> None:
    books, person = new_books(), new_person()
    paid = books.pay(person)
    for _ in range(2):
        reversals.reverse(paid, reason="wrong")
    assert money_of(person) == (0, 0, 0)
    assert balance(books.escrow) == START


def test_accepted_reversed_and_accepted_again_is_three_transfers() -> None:
    books, person = new_books(), new_person()
    (first, _fee) = books.pay(person, fee=FEE)
    reversals.reverse([first], reason="wrong")
    (second, _fee) = books.pay(person, fee=FEE)
    pending = ledger.pending_account(person)
    moved = Transfer.objects.filter(debit=pending) | Transfer.objects.filter(
        credit=pending
    )
    assert moved.count() == 3
    assert money_of(person) == (REWARD, 0, 0)
    assert first.key != second.key


def test_when_the_project_is_closed_the_client_gets_it() -> None:
    books, person = new_books(), new_person()
    paid = books.pay(person)
    with transaction.atomic():
        ledger.close_account(books.escrow)
    reversals.reverse(paid, reason="wrong")
    assert balance(books.wallet) == REWARD + FEE
    assert balance(books.escrow) == START - REWARD - FEE


def test_why_it_was_taken_back_is_on_record() -> None:
    books, person, reviewer = new_books(), new_person(), new_person()
    (earning, _fee) = books.pay(person)
    reversals.reverse([earning], reason="a copied answer", by=reviewer)
    event = AuditEvent.objects.get(verb="reverse")
    assert (event.actor, event.subject) == (reviewer, f"transfer:{earning.pk}")
    assert event.detail["reason"] == "a copied answer"


def test_only_payments_for_work_can_be_taken_back() -> None:
    books, person = new_books(), new_person()
    (earning, _fee) = books.pay(person)
    reversals.reverse([earning], reason="wrong")
    opposite = Transfer.objects.get(reverses=earning)
    funding = Transfer.objects.filter(kind=Transfer.Kind.FUND).first()
    assert funding
    for transfer in (opposite, funding):
        with pytest.raises(NotReversible):
            reversals.reverse([transfer], reason="wrong")


def test_an_appeal_is_paid_from_the_reserve_and_the_rest_goes_back() -> None:
    books, person = new_books(), new_person()
    with transaction.atomic():
        ledger.post([reserves.funding(books.escrow, amount=5_000)])
    reserve = reserves.reserve_account(books.escrow)
    for _ in range(2):  # a grant said twice pays once
        granted = reserves.grant(reserve, person, decision=7, amount=1_000, group="t:1")
        with transaction.atomic():
            ledger.post([granted])
    assert money_of(person) == (1_000, 0, 0)
    releases.release_due(LATER.replace(year=2027))
    assert money_of(person) == (0, 1_000, 0)
    assert reserves.refund_reserve(reserve) == 4_000
    assert reserves.refund_reserve(reserve) == 0
    assert (balance(reserve), balance(books.wallet)) == (0, 4_000)


def test_a_grant_beyond_the_reserve_is_refused() -> None:
    books, person = new_books(), new_person()
    with transaction.atomic():
        ledger.post([reserves.funding(books.escrow, amount=500)])
    reserve = reserves.reserve_account(books.escrow)
    granted = reserves.grant(reserve, person, decision=8, amount=501, group="t:1")
    with pytest.raises(InsufficientFunds), transaction.atomic():
        ledger.post([granted])


def test_a_grant_taken_back_after_the_refund_goes_to_the_client() -> None:
    books, person = new_books(), new_person()
    with transaction.atomic():
        ledger.post([reserves.funding(books.escrow, amount=500)])
    reserve = reserves.reserve_account(books.escrow)
    granted = reserves.grant(reserve, person, decision=9, amount=500, group="t:1")
    with transaction.atomic():
        ledger.post([granted])
    reserves.refund_reserve(reserve)
    reversals.reverse([Transfer.objects.get(key="appeal:9")], reason="wrong")
    assert (balance(reserve), balance(books.wallet)) == (0, 500)
