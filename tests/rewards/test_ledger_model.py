"""Random postings against a plain dictionary: the ledger never disagrees with it."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from rewards import ledger, releases, reversals
from rewards.errors import InsufficientFunds
from rewards.models import Account, HoldEnd, Transfer
from rewards.queries import ledger_problems
from tests.rewards.books import THEN, balance, money_of, move, new_books, new_person

NAMES = ("a", "b", "c")
names = st.sampled_from(NAMES)
amounts = st.integers(1, 100)


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        # Each machine gets accounts of its own: examples share one database.
        self.run = Account.objects.count()
        self.count = 0
        self.accounts = {
            name: ledger.open_account(f"{name}:{self.run}", Account.Kind.ESCROW)
            for name in NAMES
        }
        self.balance = dict.fromkeys(NAMES, 0)
        self.holds: dict[int, tuple[str, int]] = {}

    def key(self) -> str:
        self.count += 1
        return f"k:{self.run}:{self.count}"

    def free(self, name: str) -> int:
        held = sum(amount for owner, amount in self.holds.values() if owner == name)
        return self.balance[name] - held

    @rule(name=names, amount=amounts)
    def deposit(self, name: str, amount: int) -> None:
        self.transfer(ledger.pi_in_account(), self.accounts[name], amount)
        self.balance[name] += amount

    @rule(source=names, receiver=names, amount=amounts, twice=st.booleans())
    def pay(self, source: str, receiver: str, amount: int, twice: bool) -> None:
        if source == receiver:
            return
        key = self.key()
        try:
            for _ in range(1 + twice):
                self.transfer(
                    self.accounts[source], self.accounts[receiver], amount, key
                )
        except InsufficientFunds:
            assert self.free(source) < amount
            return
        assert self.free(source) >= amount
        self.balance[source] -= amount
        self.balance[receiver] += amount

    @rule(name=names, amount=amounts)
    def hold(self, name: str, amount: int) -> None:
        item = ledger.Reservation(
            key=self.key(), account=self.accounts[name].pk, amount=amount
        )
        try:
            with transaction.atomic():
                (hold,) = ledger.post(reservations=[item])
        except InsufficientFunds:
            assert self.free(name) < amount
            return
        assert self.free(name) >= amount
        self.holds[hold.pk] = (name, amount)

    @rule(outcome=st.sampled_from(HoldEnd.Outcome), pick=st.integers(0, 99))
    def end(self, outcome: HoldEnd.Outcome, pick: int) -> None:
        if not self.holds:
            return
        hold = sorted(self.holds)[pick % len(self.holds)]
        with transaction.atomic():
            ledger.post(resolutions=[ledger.Resolution(hold=hold, outcome=outcome)])
        del self.holds[hold]

    def transfer(
        self, debit: Account, credit: Account, amount: int, key: str = ""
    ) -> None:
        with transaction.atomic():
            ledger.post(
                [
                    ledger.Movement(
                        key=key or self.key(),
                        debit=debit.pk,
                        credit=credit.pk,
                        amount=amount,
                        kind=Transfer.Kind.FUND,
                    )
                ]
            )

    @invariant()
    def the_ledger_equals_the_dictionary(self) -> None:
        for name, account in self.accounts.items():
            account.refresh_from_db()
            assert account.balance == self.balance[name]
            assert account.available == self.free(name) >= 0
        assert list(ledger_problems()) == []


class EarningsMachine(RuleBasedStateMachine):
    """Two people earn from one project; what is paid is released, reversed, spent."""

    def __init__(self) -> None:
        super().__init__()
        # Later than everything that examples before have left in the database.
        self.now = THEN + timedelta(days=40 * Account.objects.count())
        self.books = new_books()
        self.people = [new_person() for _ in range(2)]
        self.income = ledger.fee_income_account()
        self.swept_before = balance(self.income)
        self.paid: list[dict[str, Any]] = []
        self.spent = [0, 0]
        self.available = [0, 0]
        self.owed = [0, 0]
        self.catch_up()

    def catch_up(self) -> None:
        releases.release_due(self.now)
        releases.sweep_fees(self.now)
        self.swept_before = balance(self.income)

    @rule(who=st.integers(0, 1), reward=amounts, fee=amounts)
    def earn(self, who: int, reward: int, fee: int) -> None:
        rows = self.books.pay(self.people[who], reward=reward, fee=fee, at=self.now)
        self.paid.append(
            {"who": who, "rows": rows, "reward": reward, "fee": fee}
            | {"at": self.now, "released": False, "swept": False, "reversed": False}
        )

    @rule(hours=st.integers(1, 30))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    def due(self, what: str) -> list[dict[str, Any]]:
        return [
            each
            for each in self.paid
            if each["at"] <= self.now - timedelta(hours=24)
            and not each["reversed"]
            and not each[what]
        ]

    @rule()
    def release(self) -> None:
        releases.release_due(self.now)
        for each in self.due("released"):
            each["released"] = True
            taken = min(self.owed[each["who"]], each["reward"])
            self.owed[each["who"]] -= taken
            self.available[each["who"]] += each["reward"] - taken

    @rule()
    def sweep(self) -> None:
        releases.sweep_fees(self.now)
        for each in self.due("swept"):
            each["swept"] = True

    @rule(pick=st.integers(0, 99), twice=st.booleans())
    def reverse(self, pick: int, twice: bool) -> None:
        if not self.paid:
            return
        each = self.paid[pick % len(self.paid)]
        for _ in range(1 + twice):
            reversals.reverse(each["rows"], reason="wrong")
        if each["reversed"]:
            return
        each["reversed"] = True
        if each["released"]:
            taken = min(self.available[each["who"]], each["reward"])
            self.available[each["who"]] -= taken
            self.owed[each["who"]] += each["reward"] - taken

    @rule(who=st.integers(0, 1))
    def spend(self, who: int) -> None:
        amount = self.available[who] // 2
        if amount:
            source = ledger.available_account(self.people[who])
            move(source, ledger.in_flight_account(), amount, at=self.now)
            self.available[who] -= amount
            self.spent[who] += amount

    @rule(who=st.integers(0, 1))
    def come_back(self, who: int) -> None:
        """A payout fails: its money comes back, and what is owed is taken from it."""
        amount, self.spent[who] = self.spent[who], 0
        if amount:
            target = ledger.available_account(self.people[who])
            move(ledger.in_flight_account(), target, amount, at=self.now)
        self.available[who] += amount
        releases.settle_debts()
        for each in range(2):
            taken = min(self.available[each], self.owed[each])
            self.available[each] -= taken
            self.owed[each] -= taken

    @invariant()
    def the_books_equal_the_model(self) -> None:
        kept = [each for each in self.paid if not each["reversed"]]
        for who, person in enumerate(self.people):
            pending = sum(
                each["reward"]
                for each in kept
                if each["who"] == who and not each["released"]
            )
            assert money_of(person) == (pending, self.available[who], -self.owed[who])
        swept = sum(each["fee"] for each in kept if each["swept"])
        unswept = sum(each["fee"] for each in kept if not each["swept"])
        assert balance(self.books.fees) == unswept
        assert balance(self.income) == self.swept_before + swept
        spent = sum(each["reward"] + each["fee"] for each in kept)
        assert balance(self.books.escrow) == 1_000_000 - spent
        assert list(ledger_problems()) == []


class LedgerModelTest(TestCase):
    def test_random_earnings_never_disagree_with_a_plain_model(self) -> None:
        run_state_machine_as_test(
            EarningsMachine,
            settings=settings(max_examples=15, stateful_step_count=25, deadline=None),
        )

    def test_random_postings_never_disagree_with_a_dictionary(self) -> None:
        run_state_machine_as_test(
            LedgerMachine,
            settings=settings(max_examples=25, stateful_step_count=25, deadline=None),
        )
