"""Laws of the fee sweep: exact, once, and no row shared by payments of projects."""

from datetime import timedelta

import pytest

from rewards import ledger, releases, reversals
from rewards.models import Transfer
from rewards.queries import ledger_problems
from tests.rewards.books import FEE, LATER, THEN, balance, new_books, new_person

pytestmark = pytest.mark.django_db


def test_fees_are_gathered_after_the_hold_window_exactly() -> None:
    one, two, person = new_books(), new_books(), new_person()
    for fee in (7, 11, 13):
        one.pay(person, fee=fee)
    two.pay(person, fee=17)
    two.pay(person, fee=19, at=THEN + timedelta(hours=2))
    assert releases.sweep_fees(THEN + timedelta(hours=23)) == 0
    assert releases.sweep_fees(LATER) == 2
    assert ledger.fee_income_account().balance == 7 + 11 + 13 + 17
    assert (balance(one.fees), balance(two.fees)) == (0, 19)
    assert releases.sweep_fees(LATER) == 0
    assert releases.sweep_fees(LATER + timedelta(hours=2)) == 1
    assert ledger.fee_income_account().balance == 7 + 11 + 13 + 17 + 19
    assert list(ledger_problems()) == []


def test_slices_gather_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "SWEEP_SLICE", 3)
    books, person = new_books(), new_person()
    for _ in range(5):
        books.pay(person)
    releases.sweep_fees(LATER)
    assert ledger.fee_income_account().balance == 5 * FEE
    keys = Transfer.objects.filter(kind=Transfer.Kind.SWEEP).values_list(
        "key", flat=True
    )
    assert all(key.startswith(f"sweep:{books.project}:") for key in keys)
    assert len(keys) > 1


def test_a_fee_taken_back_before_the_sweep_is_not_gathered() -> None:
    books, person = new_books(), new_person()
    paid = books.pay(person)
    books.pay(person)
    reversals.reverse(paid, reason="wrong")
    releases.sweep_fees(LATER)
    assert (ledger.fee_income_account().balance, balance(books.fees)) == (FEE, 0)


def test_a_fee_taken_back_after_the_sweep_comes_out_of_income() -> None:
    books, person = new_books(), new_person()
    paid = books.pay(person)
    books.pay(person)
    releases.sweep_fees(LATER)
    reversals.reverse(paid, reason="wrong")
    assert (ledger.fee_income_account().balance, balance(books.fees)) == (FEE, 0)
    releases.sweep_fees(LATER + timedelta(days=400))
    assert ledger.fee_income_account().balance == FEE


def test_a_payment_touches_no_account_of_another_project() -> None:
    one, two, person = new_books(), new_books(), new_person()
    paid = [*one.pay(person), *two.pay(person)]
    touched = [{row.debit_id, row.credit_id} for row in paid]
    pending = ledger.pending_account(person).pk
    assert (touched[0] | touched[1]) & (touched[2] | touched[3]) == {pending}
