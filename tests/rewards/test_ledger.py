"""Laws of the ledger, on whichever database the suite runs."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts import actions as accounts_actions
from rewards import ledger, triggers
from rewards.checks import check_triggers
from rewards.errors import HoldEnded, InsufficientFunds, KeyReused
from rewards.models import Account, Hold, HoldEnd, Transfer
from rewards.queries import ledger_problems

pytestmark = pytest.mark.django_db
POST, VOID = HoldEnd.Outcome.POST, HoldEnd.Outcome.VOID


def escrow(code: str = "project:a:escrow") -> Account:
    return ledger.open_account(code, Account.Kind.ESCROW)


def move(key: str, debit: Account, credit: Account, amount: int) -> ledger.Movement:
    return ledger.Movement(
        key=key,
        debit=debit.pk,
        credit=credit.pk,
        amount=amount,
        kind=Transfer.Kind.FUND,
    )


def funded(amount: int, code: str = "project:a:escrow") -> Account:
    account = escrow(code)
    with transaction.atomic():
        ledger.post([move(f"fund:{code}", ledger.pi_in_account(), account, amount)])
    account.refresh_from_db()
    return account


def reserve(account: Account, amount: int, key: str = "unit:1") -> Hold:
    with transaction.atomic():
        (hold,) = ledger.post(
            reservations=[
                ledger.Reservation(key=key, account=account.pk, amount=amount)
            ]
        )
    account.refresh_from_db()
    return hold


def end(hold: Hold, outcome: HoldEnd.Outcome, *moves: ledger.Movement) -> None:
    with transaction.atomic():
        ledger.post(
            moves, resolutions=[ledger.Resolution(hold=hold.pk, outcome=outcome)]
        )


def test_a_transfer_moves_both_cached_balances() -> None:
    account = funded(500)
    assert account.balance == 500
    assert ledger.pi_in_account().balance == -500
    assert list(ledger_problems()) == []


def test_a_key_said_twice_moves_money_once() -> None:
    account = funded(500)
    funded(500)
    account.refresh_from_db()
    assert account.balance == 500


def test_a_key_twice_in_one_call_moves_money_once() -> None:
    account, source = escrow(), ledger.pi_in_account()
    with transaction.atomic():
        ledger.post([move("k", source, account, 7), move("k", source, account, 7)])
    account.refresh_from_db()
    assert account.balance == 7


def test_a_key_cannot_stand_for_another_payment() -> None:
    funded(500)
    with pytest.raises(KeyReused), transaction.atomic():
        ledger.post(
            [move("fund:project:a:escrow", ledger.pi_in_account(), escrow(), 501)]
        )


def test_an_account_cannot_be_overdrawn_and_the_whole_call_is_undone() -> None:
    account, other = funded(500), escrow("project:b:escrow")
    with pytest.raises(InsufficientFunds), transaction.atomic():
        ledger.post(
            [move("one", account, other, 400), move("two", account, other, 101)]
        )
    account.refresh_from_db()
    assert account.balance == 500
    assert not Transfer.objects.filter(key="one").exists()


def test_a_hold_keeps_its_money_from_everything_else() -> None:
    account, other = funded(500), escrow("project:b:escrow")
    reserve(account, 450)
    assert account.available == 50
    with pytest.raises(InsufficientFunds), transaction.atomic():
        ledger.post([move("spend", account, other, 51)])
    with pytest.raises(InsufficientFunds):
        reserve(account, 51, key="unit:2")


def test_a_hold_ends_once_and_frees_what_was_not_spent() -> None:
    account, other = funded(500), escrow("project:b:escrow")
    hold = reserve(account, 500)
    end(hold, POST, move("pay", account, other, 300))
    end(hold, POST, move("pay", account, other, 300))
    account.refresh_from_db()
    assert (account.balance, account.held) == (200, 0)
    with pytest.raises(HoldEnded):
        end(hold, VOID)


def test_a_voided_hold_frees_all_of_it() -> None:
    account = funded(500)
    end(reserve(account, 500), VOID)
    account.refresh_from_db()
    assert (account.available, account.held) == (500, 0)


def test_a_repeated_reservation_is_the_same_hold() -> None:
    account = funded(500)
    assert reserve(account, 100) == reserve(account, 100)
    assert account.held == 100
    with pytest.raises(KeyReused):
        reserve(account, 99)


@pytest.mark.parametrize("model", [Transfer, Hold, HoldEnd, Account])
def test_the_database_itself_refuses_to_delete_history(model: Any) -> None:
    account = funded(500)
    end(reserve(account, 1), VOID)
    with pytest.raises(DatabaseError), transaction.atomic():
        model.objects.all()._raw_delete(connection.alias)


def test_the_database_itself_refuses_to_change_history() -> None:
    reserve(funded(500), 1)
    for model in (Transfer, Hold):
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.update(amount=1_000)


@pytest.mark.parametrize(("amount", "same"), [(0, False), (-5, False), (5, True)])
def test_the_database_itself_refuses_impossible_transfers(
    amount: int, same: bool
) -> None:
    account = funded(500)
    other = account if same else escrow("project:b:escrow")
    with pytest.raises(DatabaseError), transaction.atomic():
        Transfer.objects.create(
            key="bad", debit=account, credit=other, amount=amount, kind="fund"
        )


def test_a_balance_edited_by_hand_is_refused_or_found() -> None:
    account = funded(500)
    rows = Account.objects.filter(pk=account.pk)
    if connection.vendor == "postgresql":
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(credits=900)
    else:
        rows.update(credits=900)
        assert any(account.code in problem for problem in ledger_problems())
        assert any("differ" in problem for problem in ledger_problems())


def test_missing_triggers_are_found_and_migrating_brings_them_back() -> None:
    assert check_triggers(["default"]) == []
    triggers.remove(connection)
    assert [error.id for error in check_triggers(["default"])] == ["rewards.E001"]
    triggers.install(connection)
    assert check_triggers(["default"]) == []


def test_a_person_has_one_pending_account() -> None:
    user = accounts_actions.register_user(email="p@example.com", password="x")
    assert user.person is not None
    first = ledger.pending_account(user.person)
    assert ledger.pending_account(user.person) == first
    assert first.person == user.person
