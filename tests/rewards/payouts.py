"""What tests of payouts share: people with money, Pi in this process, a clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction

from accounts import actions
from accounts.models import Evidence, Organization, Person
from rewards import ledger
from rewards.envelopes import Wallet
from rewards.models import Account, Deposit, Payout, Transfer
from rewards.payouts import approvals, engine, leases, requests, transitions
from rewards.payouts.leases import Teller
from rewards.pi_network import Network, simulated
from rewards.simulator.faults import Fault
from rewards.simulator.keys import OUTGOING
from rewards.simulator.records import PiUser
from rewards.simulator.transport import InProcess
from rewards.simulator.world import Simulator

PI = 10_000_000
START = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class Scene:
    """Pi, and time that passes only when the test says so."""

    simulator: Simulator
    network: Network
    seconds: float = START.timestamp()
    made: int = 0

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def wait(self, seconds: float) -> None:
        self.seconds += seconds

    def staff(self) -> Person:
        self.made += 1
        email = f"staff{self.made}@example.org"
        user = actions.register_user(email=email, password="x", is_staff=True)
        assert user.person is not None
        return user.person

    def person(self, *, level: int = 2, pi: int = 100) -> tuple[Person, Account]:
        """Return somebody who signed in with Pi and has earned something."""
        self.made += 1
        user = self.simulator.wallet.user(f"pioneer{self.made}")
        user.scopes = ["payments", "username", "wallet_address"]
        email = f"pioneer{self.made}@example.org"
        person = actions.register_user(email=email, password="x").person
        assert person is not None
        actions.link_pi_identity(
            person,
            uid=user.uid,
            username=user.username,
            network="simulated",
            now=self.now,
        )
        if level > 1:
            actions.record_evidence(
                person, kind=Evidence.Kind.STAFF_CHECK, level=level, source="test"
            )
        account = ledger.open_account(
            f"person:{person.uuid}:available", Account.Kind.AVAILABLE, person=person
        )
        self.fund(account, pi)
        return person, account

    def fund(self, account: Account, pi: int) -> None:
        self.made += 1
        movement = ledger.Movement(
            key=f"fund:{self.made}",
            debit=ledger.pi_in_account().pk,
            credit=account.pk,
            amount=pi * PI,
            kind=Transfer.Kind.RELEASE,
        )
        with transaction.atomic():
            ledger.post([movement])

    def pi_user(self, person: Person) -> PiUser:
        uid = person.piidentity_set.get().uid
        return next(u for u in self.simulator.state.users.values() if u.uid == uid)

    def approved(self, person: Person, account: Account, pi: int = 5) -> Payout:
        payout = requests.request_payout(person, account, pi * PI, now=self.now)
        if payout.status == Payout.Status.REQUESTED:
            approvals.prepare(payout.uuid, self.staff(), now=self.now)
            payout = approvals.approve(payout.uuid, self.staff(), now=self.now)
        return payout

    def teller(self, holder: str = "one") -> Teller:
        teller = leases.take(
            self.network, self.wallet, holder=holder, now=self.now, seconds=60
        )
        assert teller is not None
        return teller

    @property
    def wallet(self) -> Wallet:
        return Wallet(OUTGOING.public_key, OUTGOING.secret)

    def work(self, *, rounds: int = 1, holder: str = "one") -> None:
        for _ in range(rounds):
            engine.work(self.teller(holder), self.now)
            self.wait(20)

    def faults(self, *faults: Fault) -> None:
        self.simulator.add_faults(faults)

    def drift(self) -> int:
        """Return what the ledger thinks is in the wallet, minus what is."""
        pi_out = Account.objects.get(pk=transitions.pi_out_account().pk)
        return -pi_out.balance - self.simulator.balance(OUTGOING.public_key)

    def depositor(self, pi: int) -> tuple[Person, Organization, Account]:
        person, _ = self.person()
        organization = actions.create_organization(person, name="Client")
        account = ledger.wallet_account(organization)
        self.fund(account, pi)
        Deposit.objects.create(
            organization=organization,
            payer=person,
            amount=pi * PI,
            network="simulated",
            txid=f"tx{self.made}",
            status=Deposit.Status.COMPLETED,
            completed_at=self.now,
            uid=person.piidentity_set.get().uid,
        )
        return person, organization, account


@contextmanager
def playing() -> Iterator[Scene]:
    scenes: list[Scene] = []
    simulator = Simulator(
        clock=lambda: scenes[0].seconds if scenes else START.timestamp(),
        wait=lambda seconds: scenes[0].wait(seconds),  # noqa: PLW0108 (made below)
    )
    transport = InProcess(simulator)
    scene = Scene(simulator, simulated("http://pi.invalid", transport=transport))
    scenes.append(scene)
    movement = ledger.Movement(
        key="treasury:opening",
        debit=transitions.pi_out_account().pk,
        credit=ledger.pi_in_account().pk,
        amount=simulator.balance(OUTGOING.public_key),
        kind=Transfer.Kind.TREASURY,
    )
    with transaction.atomic():
        ledger.post([movement])
    try:
        yield scene
    finally:
        scene.network.platform.close()
        scene.network.chain.close()
