"""Deposits at the same moment: credited once, whoever says it first."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from rewards import deposits
from rewards.errors import DepositRefused
from rewards.models import Deposit, Transfer
from rewards.queries import ledger_problems
from tests.rewards.payers import Payer, now_of, simulated_pi
from tests.rewards.simulated import World

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with simulated_pi(monkeypatch) as world:
        yield world
    assert list(ledger_problems()) == []


def at_once(*calls: Callable[[], object]) -> list[str]:
    """Make all calls in threads; return the codes of what was refused."""

    def make(call: Callable[[], object]) -> str:
        try:
            call()
        except DepositRefused as refusal:
            return str(refusal.get_codes())
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(make, calls))


def test_the_page_and_the_sweep_at_once_credit_once(world: World) -> None:
    ada = Payer(world, "ada")
    deposit, payment_id, txid = ada.signed()
    now = now_of(world)
    refused = at_once(
        *[lambda: deposits.complete_payment(ada.person, payment_id, txid, now=now)]
        * THREADS,
        *[lambda: deposits.sweep_deposits(now=now)] * 2,
    )
    assert set(refused) == {""}
    deposit.refresh_from_db()
    assert deposit.status == "completed"
    assert ada.balance() == deposit.amount
    assert Transfer.objects.count() == 1


def test_two_payments_of_one_deposit_at_once_bind_one(world: World) -> None:
    ada = Payer(world, "ada")
    started = ada.start()
    first = ada.open(started)
    second = ada.open(started)
    # Pi cancels the first when the second is opened; here both stay alive.
    world.simulator.state.payments[first].cancelled = False
    now = now_of(world)
    refused = at_once(
        *[
            lambda p=p: deposits.approve_payment(ada.person, p, now=now)
            for p in [first, second] * 4
        ]
    )
    assert set(refused) == {"", "deposit_has_payment"}
    deposit = Deposit.objects.get()
    approved = {p for p, row in world.simulator.state.payments.items() if row.approved}
    assert approved == {deposit.payment_id}


def test_a_transaction_claimed_by_two_at_once_is_its_payers(world: World) -> None:
    ada, bob = Payer(world, "ada"), Payer(world, "bob")
    deposit, payment_id, txid = ada.signed()
    stolen, stolen_id = bob.approved()
    now = now_of(world)
    at_once(
        lambda: deposits.complete_payment(bob.person, stolen_id, txid, now=now),
        lambda: deposits.complete_payment(ada.person, payment_id, txid, now=now),
        lambda: deposits.complete_payment(bob.person, stolen_id, txid, now=now),
    )
    deposits.sweep_deposits(now=now)
    assert ada.balance() == deposit.amount
    stolen.refresh_from_db()
    assert (stolen.status, stolen.txid, bob.balance()) == ("approved", None, 0)


def test_the_database_itself_keeps_a_transaction_for_one_deposit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = Payer(world, "ada"), Payer(world, "bob")
    _deposit, payment_id, txid = ada.signed()
    assert ada.complete(payment_id, txid).status_code == 200
    _other, other_id = bob.approved()
    monkeypatch.setattr(
        "rewards.deposits.queries.knows_transaction", lambda *_a, **_k: False
    )
    reply = bob.complete(other_id, txid)
    assert reply.json()["error"]["code"] == "transaction_used"
