"""A project with money and people who earn from it, by the ledger alone."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import time_machine
from django.db import transaction

from accounts import actions as accounts_actions
from accounts.models import Organization, Person
from rewards import ledger
from rewards.models import Account, Transfer

THEN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
LATER = THEN + timedelta(hours=25)  # the hold window is 24 hours
REWARD, FEE = 1_000, 100
_numbers = itertools.count(1)


def new_person() -> Person:
    user = accounts_actions.register_user(
        email=f"books{next(_numbers)}@example.org", password="a-secret-1"
    )
    assert user.person
    return user.person


@dataclass
class Books:
    organization: Organization
    owner: Person
    project: str
    escrow: Account
    fees: Account

    @property
    def wallet(self) -> Account:
        return ledger.wallet_account(self.organization)

    def pay(
        self,
        person: Person,
        *,
        reward: int = REWARD,
        fee: int = FEE,
        at: datetime = THEN,
    ) -> list[Transfer]:
        """Accept an answer: reward and fee, as an engine would."""
        key, group = f"decision:{next(_numbers)}-{self.project}", f"task:{uuid4()}"
        parts = (
            (key, ledger.pending_account(person), reward, Transfer.Kind.ANSWER),
            (f"{key}:fee", self.fees, fee, Transfer.Kind.FEE),
        )
        with time_machine.travel(at, tick=False), transaction.atomic():
            ledger.post(
                [
                    ledger.Movement(
                        key=name,
                        debit=self.escrow.pk,
                        credit=account.pk,
                        amount=amount,
                        kind=kind,
                        group=group,
                    )
                    for name, account, amount, kind in parts
                    if amount
                ]
            )
        return list(Transfer.objects.filter(group=group).order_by("id"))


def move(
    source: Account, target: Account, amount: int, *, at: datetime = THEN
) -> Transfer:
    kind, key = Transfer.Kind.FUND, f"move:{uuid4()}"
    with time_machine.travel(at, tick=False), transaction.atomic():
        ledger.post(
            [
                ledger.Movement(
                    key=key,
                    debit=source.pk,
                    credit=target.pk,
                    amount=amount,
                    kind=kind,
                    group="",
                )
            ]
        )
    return Transfer.objects.get(key=key)


def new_books(*, money: int = 1_000_000) -> Books:
    owner = new_person()
    organization = accounts_actions.create_organization(owner, name="Client")
    project = str(uuid4())
    books = Books(
        organization,
        owner,
        project,
        escrow=ledger.open_account(
            f"project:{project}:escrow",
            Account.Kind.ESCROW,
            organization=organization,
        ),
        fees=ledger.open_account(
            f"project:{project}:fees", Account.Kind.FEES, organization=organization
        ),
    )
    if money:
        move(ledger.pi_in_account(), books.wallet, money)
        move(books.wallet, books.escrow, money)
    return books


def balance(account: Account) -> int:
    account.refresh_from_db()
    return account.balance


def money_of(person: Person) -> tuple[int, int, int]:
    """Return what a person has: pending, available, owed."""
    return (
        ledger.pending_account(person).balance,
        ledger.available_account(person).balance,
        ledger.owed_account(person).balance,
    )
