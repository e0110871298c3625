"""A small world for the chaos of payouts: Pi, a clock, people, faults, a database."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from django.db import transaction
from django.db.models.signals import post_save
from django.utils import timezone

from accounts import actions
from accounts.models import Evidence, Person
from rewards import ledger
from rewards.envelopes import Wallet
from rewards.models import Account, Payout, PayoutEvent, Transfer
from rewards.payouts import approvals, requests, transitions
from rewards.pi_network import Network, simulated
from rewards.simulator.faults import Action, Crash, Fault, Script
from rewards.simulator.keys import OUTGOING
from rewards.simulator.transport import InProcess
from rewards.simulator.world import Simulator

START = datetime(2026, 11, 22, tzinfo=UTC).timestamp()
PI = 10_000_000
SETTINGS = {
    "PI_BACKEND": "simulated",
    "PAYOUTS_ENABLED": True,
    "PAYOUT_MINIMUM_PI": "1",
    "PAYOUT_AUTOMATIC_BELOW_PI": "10",
    "PAYOUT_DAILY_BY_LEVEL_PI": ["0", "0", "500", "500"],
    "PAYOUT_HOURLY_CAP_PI": "90",
    "PAYOUT_DAILY_CAP_PI": "5000",
    "PAYOUT_WALLET_FLOOR_PI": "20",
    "PAYOUT_APPROVAL_HOURS": 240,
}
# Each call that a payout makes, and what may happen to it.
CALLS = (
    ("GET", r"/incomplete_server_payments$"),
    ("POST", r"/v2/payments$"),
    ("GET", r"/v2/payments/\w{28}$"),
    ("POST", r"/complete$"),
    ("POST", r"/cancel$"),
    ("POST", r"^/transactions$"),
    ("GET", r"^/transactions/"),
    ("GET", r"^/accounts/\w+$"),
    ("GET", r"^/accounts/\w+/transactions$"),
    ("GET", r"^/$"),
    ("GET", r"^/fee_stats$"),
)
ANYWHERE = (
    *(Action.DROP_REQUEST, Action.DROP_ANSWER, Action.DUPLICATE, Action.DELAY),
    *(Action.CRASH, Action.HTTP_504, Action.HTML_500, Action.TRUNCATED),
)
SUBMITTING = (
    *(Action.BAD_SEQUENCE, Action.LANDED_UNKNOWN, Action.LANDS_LATE),
    *(Action.HTTP_504, Action.DROP_ANSWER, Action.CRASH),
)
REFUSALS = (
    (
        "POST",
        r"/v2/payments$",
        ("too_many_payments", "unknown_error", "missing_scope", "a_new_code"),
    ),
    ("GET", r"/v2/payments/\w{28}$", ("payment_not_found", "unknown_error")),
    (
        "POST",
        r"/complete$",
        ("not_verified", "already_completed", "unknown_error", "a_new_code"),
    ),
    ("POST", r"/cancel$", ("payment_tx_present", "forbidden", "unknown_error")),
)


class Clock:
    """Seconds that pass only when somebody says so."""

    def __init__(self) -> None:
        self.seconds = START

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def __call__(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        self.seconds += seconds


class Interrupted(InProcess):
    """The way to Pi, on which a worker can be overtaken before or after a call."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__(simulator)
        self.calls = 0
        self.overtakings: dict[int, Callable[[], None]] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        number = self.calls
        for moment in (2 * number, 2 * number + 1):
            if moment % 2:
                answer = super().handle_request(request)
            overtake = self.overtakings.pop(moment, None)
            if overtake is not None:
                overtake()
        return answer


@dataclass
class World:
    clock: Clock
    simulator: Simulator
    transport: Interrupted
    network: Network
    wallet: Wallet
    staff: tuple[Person, Person]
    payouts: list[Payout] = field(default_factory=list)
    commits_to_crash: set[int] = field(default_factory=set)
    commits: int = 0

    def crash_before_commit(self, **_: object) -> None:
        """Die inside the transaction of a transition: nothing of it is kept."""
        self.commits += 1
        if self.commits in self.commits_to_crash:
            raise Crash

    def __enter__(self) -> "World":
        post_save.connect(self.crash_before_commit, sender=PayoutEvent)
        return self

    def __exit__(self, *_: object) -> None:
        post_save.disconnect(self.crash_before_commit, sender=PayoutEvent)
        self.network.platform.close()
        self.network.chain.close()


def build(chance: random.Random, *, people: int) -> World:
    """Make a world whose people have asked for payouts, most of them approved."""
    clock = Clock()
    script = Script()
    simulator = Simulator(
        clock=clock, seed=str(chance.random()), wait=clock.wait, script=script
    )
    transport = Interrupted(simulator)
    network = simulated("http://pi.invalid", transport=transport)
    wallet = Wallet(OUTGOING.public_key, OUTGOING.secret)
    first, second = (
        actions.register_user(
            email=f"staff{n}@example.org", password="x", is_staff=True
        ).person
        for n in range(2)
    )
    assert first is not None
    assert second is not None
    world = World(clock, simulator, transport, network, wallet, (first, second))
    fund_the_wallet(simulator.balance(OUTGOING.public_key))
    for number in range(people):
        person, account = _person(world, chance, number)
        world.payouts.append(_ask(world, chance, person, account))
    script.add(_faults(chance))
    return world


def fund_the_wallet(balance: int) -> None:
    """Say in the ledger what the simulated wallet starts with."""
    movement = ledger.Movement(
        key="treasury:opening",
        debit=transitions.pi_out_account().pk,
        credit=ledger.pi_in_account().pk,
        amount=balance,
        kind=Transfer.Kind.TREASURY,
    )
    with transaction.atomic():
        ledger.post([movement])


def _person(world: World, chance: random.Random, number: int) -> tuple[Person, Account]:
    user = world.simulator.wallet.user(f"pioneer{number}")
    user.scopes = ["payments", "username", "wallet_address"]
    # Some cannot be paid: Pi or the chain says so, early or late.
    trouble = chance.random()
    if trouble < 0.06:
        user.scopes = ["username"]
    elif trouble < 0.12:
        user.has_wallet = False
    elif trouble < 0.2:
        del world.simulator.state.accounts[user.address]
    return earner(str(number), user.uid, world.clock.now())


def earner(name: str, uid: str, now: datetime) -> tuple[Person, Account]:
    """Return somebody whom we know and who has earned 200 Pi."""
    user = actions.register_user(email=f"pioneer{name}@example.org", password="x")
    person = actions.give_person(user)
    actions.record_evidence(
        person, kind=Evidence.Kind.STAFF_CHECK, level=2, source="chaos"
    )
    actions.link_pi_identity(
        person, uid=uid, username=f"pioneer{name}", network="simulated", now=now
    )
    account = ledger.open_account(
        f"person:{person.uuid}:available", Account.Kind.AVAILABLE, person=person
    )
    earned = ledger.Movement(
        key=f"earned:{name}",
        debit=ledger.pi_in_account().pk,
        credit=account.pk,
        amount=200 * PI,
        kind=Transfer.Kind.RELEASE,
    )
    with transaction.atomic():
        ledger.post([earned])
    return person, account


def approved_payout(name: str, uid: str) -> int:
    """Return a payout that real workers may take, in real time."""
    now = timezone.now()
    person, account = earner(name, uid, now)
    first, second = (
        actions.give_person(
            actions.register_user(
                email=f"staff{name}{n}@example.org", password="x", is_staff=True
            )
        )
        for n in range(2)
    )
    payout = requests.request_payout(person, account, 12 * PI, now=now)
    approvals.prepare(payout.uuid, first, now=now)
    return approvals.approve(payout.uuid, second, now=now).pk


def _ask(
    world: World, chance: random.Random, person: Person, account: Account
) -> Payout:
    amount = chance.randint(1 * PI, 30 * PI)
    now = world.clock.now()
    payout = requests.request_payout(person, account, amount, now=now)
    approvals.prepare(payout.uuid, world.staff[0], now=now)
    return approvals.approve(payout.uuid, world.staff[1], now=now)


def ask_again(world: World, chance: random.Random, before: Payout) -> Payout:
    """The same person asks once more, which the rules may now approve alone."""
    now = world.clock.now()
    amount = chance.randint(1 * PI, 20 * PI)
    payout = requests.request_payout(before.person, before.account, amount, now=now)
    if payout.status == Payout.Status.REQUESTED:
        approvals.prepare(payout.uuid, world.staff[1], now=now)
        payout = approvals.approve(payout.uuid, world.staff[0], now=now)
    return payout


def _faults(chance: random.Random) -> list[Fault]:
    faults = []
    for _ in range(chance.randint(2, 12)):
        method, path = chance.choice(CALLS)
        actions_here = ANYWHERE
        if path == r"^/transactions$" or chance.random() < 0.25:
            method, path = "POST", r"^/transactions$"
            actions_here = ANYWHERE + SUBMITTING
        action = chance.choice(actions_here)
        landed = None
        if action in {Action.CRASH, Action.DROP_ANSWER, Action.BAD_SEQUENCE}:
            landed = chance.random() < 0.6 or action is Action.DROP_ANSWER
        faults.append(
            Fault(
                action,
                method,
                path,
                nth=chance.randint(1, 5),
                landed=landed,
                seconds=float(chance.choice((1, 15, 25, 70, 170, 200, 260))),
            )
        )
    for _ in range(chance.randint(0, 2)):
        method, path, codes = chance.choice(REFUSALS)
        code = chance.choice(codes)
        nth = chance.randint(1, 3)
        faults.append(Fault(Action.REFUSE, method, path, nth=nth, code=code))
    return faults
