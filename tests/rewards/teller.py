"""People with earnings, a simulated Pi in this process, and a hand that pays."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import pytest
import time_machine
from django.db import transaction
from django.test import Client as Browser

from accounts import actions as accounts
from accounts.models import Evidence, Person, User
from rewards import deposits, ledger, pi_network
from rewards.models import Account, Deposit, Payout, Reconciliation, Transfer
from rewards.money import parse
from rewards.payouts import approvals, engine, leases, requests
from rewards.reconciliation import running
from rewards.simulator.keys import OUTGOING
from tests.rewards.simulated import World

_numbers = itertools.count(1)


@dataclass
class Earner:
    """Somebody with Pi to take out, at a browser."""

    user: User
    person: Person
    browser: Browser
    name: str

    @property
    def available(self) -> Account:
        return ledger.open_account(
            f"person:{self.person.uuid}:available",
            Account.Kind.AVAILABLE,
            person=self.person,
        )


@dataclass
class Till:
    """Everything a payout passes, with a clock of its own."""

    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        self.world.simulator.platform.api_key = None
        self.network = pi_network.simulated("http://pi", transport=self.world.transport)
        self.wallet = pi_network.wallet_from_seed(OUTGOING.secret)

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.world.clock.now, UTC)

    def person(
        self, *, level: int = 2, earned: str = "40", linked: bool = True, **more: bool
    ) -> Earner:
        name = f"earner{next(_numbers)}"
        user = accounts.register_user(
            email=f"{name}@example.org", password="a-secret-1", **more
        )
        person = user.person
        assert person
        browser = Browser()
        browser.force_login(user)
        earner = Earner(user, person, browser, name)
        if linked:
            accounts.link_pi_identity(
                person,
                uid=self.world.uid(name),
                username=name,
                network="simulated",
                now=self.now,
            )
        if level:
            accounts.record_evidence(
                person, kind=Evidence.Kind.STAFF_CHECK, level=level, source="tests"
            )
        if parse(earned):
            self.earn(earner, earned)
        return earner

    def staff(self) -> Person:
        return self.person(level=0, earned="0", linked=False, is_staff=True).person

    def earn(self, earner: Earner, pi: str) -> None:
        """Let a client pay in on the chain, and all of it be earned and released."""
        client = self.client()
        deposit = self.deposit(client, pi)
        with transaction.atomic():
            ledger.post(
                [
                    ledger.Movement(
                        key=f"earned:{deposit.uuid}",
                        debit=ledger.wallet_account(deposit.organization).pk,
                        credit=earner.available.pk,
                        amount=deposit.amount,
                        kind=Transfer.Kind.RELEASE,
                    )
                ]
            )

    def client(self) -> Earner:
        return self.person(level=0, earned="0")

    def deposit(self, client: Earner, pi: str) -> Deposit:
        """Pay in by the steps that the page takes."""
        organization = accounts.create_organization(client.person, name=client.name)
        started = deposits.start_deposit(
            organization, client.person, parse(pi), now=self.now
        )
        token = self.world.sign_in(client.name)["accessToken"]
        data = deposits.payment_data(started)
        payment = self.world.as_user(
            token, "/simulated/payments", amount=pi_number(pi), **data
        ).json()
        deposits.approve_payment(
            client.person,
            payment["identifier"],
            deposit_uuid=started.uuid,
            now=self.now,
        )
        paid = self.world.as_user(
            token, "/simulated/wallet/pay", payment_id=payment["identifier"]
        ).json()
        return deposits.complete_payment(
            client.person, payment["identifier"], paid["txid"], now=self.now
        )

    def ask(self, earner: Earner, pi: str = "12") -> Payout:
        return requests.request_payout(
            earner.person, earner.available, parse(pi), now=self.now
        )

    def approve(self, payout: Payout) -> None:
        approvals.prepare(payout.uuid, self.staff(), now=self.now)
        approvals.approve(payout.uuid, self.staff(), now=self.now)

    def work(self, *, steps: int | None = None) -> None:
        """Let the paying process do its part, or only some arrows of it."""
        teller = leases.take(self.network, self.wallet, holder="tests", now=self.now)
        assert teller
        if steps is None:
            for _round in range(12):
                engine.work(teller, self.now)
                self.world.clock.advance(6)
            return
        for _step in range(steps):
            for uuid in engine.due(teller, self.now):
                engine.step(UUID(str(uuid)), teller, self.now)

    def paid(self, earner: Earner, pi: str = "12") -> Payout:
        payout = self.ask(earner, pi)
        if payout.status == Payout.Status.REQUESTED:
            self.approve(payout)
        self.work()
        payout.refresh_from_db()
        assert payout.status == Payout.Status.COMPLETED, payout.status
        return payout

    def reconcile(self) -> Reconciliation:
        with time_machine.travel(self.now, tick=False):
            return running.reconcile(now=self.now)


def pi_number(pi: str) -> float:
    return float(pi)


def open_till(monkeypatch: pytest.MonkeyPatch, settings: object) -> Till:
    """Return a till whose Pi is the site's Pi."""
    till = Till()
    monkeypatch.setattr(pi_network, "_simulated", lambda _url: till.network)
    settings.PAYOUTS_ENABLED = True  # type: ignore[attr-defined]
    return till
