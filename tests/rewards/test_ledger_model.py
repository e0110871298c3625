"""Random postings against a plain dictionary: the ledger never disagrees with it."""

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

from rewards import ledger
from rewards.errors import InsufficientFunds
from rewards.models import Account, HoldEnd, Transfer
from rewards.queries import ledger_problems

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


class LedgerModelTest(TestCase):
    def test_random_postings_never_disagree_with_a_dictionary(self) -> None:
        run_state_machine_as_test(
            LedgerMachine,
            settings=settings(max_examples=25, stateful_step_count=25, deadline=None),
        )
