"""Many threads, opposite orders, one hot escrow: no deadlock, drift or overdraft."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from rewards import ledger
from rewards.errors import InsufficientFunds
from rewards.models import Account, Transfer
from rewards.queries import ledger_problems

THREADS, ROUNDS = 16, 12


@pytest.mark.django_db(transaction=True)
def test_threads_paying_in_opposite_orders_never_lock_each_other_out() -> None:
    hot = ledger.open_account("project:hot:escrow", Account.Kind.ESCROW)
    people = [
        ledger.open_account(f"person:{n}:pending", Account.Kind.PENDING)
        for n in range(6)
    ]
    budget = THREADS * ROUNDS * 20  # too little for everyone: some must be refused
    movement = ledger.Movement(
        key="fund",
        debit=ledger.pi_in_account().pk,
        credit=hot.pk,
        amount=budget,
        kind=Transfer.Kind.FUND,
    )
    with transaction.atomic():
        ledger.post([movement])

    def work(seed: int) -> int:
        chance, paid = random.Random(seed), 0
        try:
            for turn in range(ROUNDS):
                chosen = chance.sample(people, 3)
                moves = [
                    ledger.Movement(
                        key=f"answer:{seed}:{turn}:{n}",
                        debit=hot.pk,
                        credit=person.pk,
                        amount=chance.randint(1, 15),
                        kind=Transfer.Kind.ANSWER,
                    )
                    for n, person in enumerate(chosen)
                ]
                try:
                    with transaction.atomic():
                        ledger.post(moves)
                except InsufficientFunds:
                    continue
                paid += sum(move.amount for move in moves)
        finally:
            connection.close()
        return paid

    with ThreadPoolExecutor(THREADS) as pool:
        paid = sum(pool.map(work, range(THREADS)))
    hot.refresh_from_db()
    assert hot.balance == budget - paid >= 0
    assert list(ledger_problems()) == []


@pytest.mark.django_db(transaction=True)
def test_threads_saying_the_same_key_pay_once() -> None:
    target = ledger.open_account("project:same:escrow", Account.Kind.ESCROW)
    source = ledger.pi_in_account()

    def work(_n: int) -> None:
        try:
            with transaction.atomic():
                ledger.post(
                    [
                        ledger.Movement(
                            key="fund:once",
                            debit=source.pk,
                            credit=target.pk,
                            amount=100,
                            kind=Transfer.Kind.FUND,
                        )
                    ]
                )
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(24)))
    target.refresh_from_db()
    assert target.balance == 100
