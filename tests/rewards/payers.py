"""People who pay in: a browser here, a Pi account and a wallet in the simulation."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client as Browser

from accounts import actions as accounts
from accounts.models import Organization, Person
from rewards import pi_network
from rewards.models import Account, Deposit
from tests.rewards.simulated import World


@dataclass
class Payer:
    """A client's owner with a Pi account, a browser here and a wallet there."""

    world: World
    name: str
    person: Person = field(init=False)
    browser: Browser = field(init=False)
    organization: Organization = field(init=False)

    def __post_init__(self) -> None:
        user = accounts.register_user(
            email=f"{self.name}@example.org", password="a-secret-1"
        )
        assert user.person
        self.person = user.person
        signed_in = self.world.sign_in(self.name)
        self.token = signed_in["accessToken"]
        accounts.link_pi_identity(
            self.person,
            uid=signed_in["user"]["uid"],
            username=self.name,
            network="simulated",
            now=now_of(self.world),
        )
        self.browser = Browser()
        with time_machine.travel(now_of(self.world), tick=False):
            self.browser.force_login(user)
        self.organization = accounts.create_organization(self.person, name=self.name)

    def post(self, what: str, **body: Any) -> Any:
        with time_machine.travel(now_of(self.world), tick=False):
            return self.browser.post(
                f"/api/v1/pi/{what}/", body, content_type="application/json"
            )

    def start(self, pi: str = "12.5") -> dict[str, Any]:
        reply = self.post(
            "deposits", organization=str(self.organization.uuid), amount=pi
        )
        assert reply.status_code == 201, reply.content
        return reply.json()

    def open(self, started: dict[str, Any], **changes: Any) -> str:
        """Play Pi.createPayment, wrong in any one way; return the payment's id."""
        body = {
            "amount": started["amount"],
            "memo": started["memo"],
            "metadata": started["metadata"],
        } | changes
        reply = self.world.as_user(self.token, "/simulated/payments", **body)
        assert reply.status_code == 200, reply.text
        return reply.json()["identifier"]

    def sign(self, payment_id: str) -> str:
        reply = self.world.as_user(
            self.token, "/simulated/wallet/pay", payment_id=payment_id
        )
        assert reply.status_code == 200, reply.text
        return reply.json()["txid"]

    def approved(self, pi: str = "12.5") -> tuple[Deposit, str]:
        started = self.start(pi)
        payment_id = self.open(started)
        reply = self.post("approve", payment_id=payment_id)
        assert reply.status_code == 200, reply.content
        return Deposit.objects.get(uuid=started["deposit"]), payment_id

    def signed(self, pi: str = "12.5") -> tuple[Deposit, str, str]:
        deposit, payment_id = self.approved(pi)
        return deposit, payment_id, self.sign(payment_id)

    def complete(self, payment_id: str, txid: str) -> Any:
        return self.post("complete", payment_id=payment_id, txid=txid)

    def balance(self) -> int:
        account = Account.objects.filter(code=f"org:{self.organization.uuid}").first()
        return account.balance if account else 0


def now_of(world: World) -> datetime:
    return datetime.fromtimestamp(world.clock.now, UTC)


@contextmanager
def simulated_pi(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Let the site ask a Pi of play in this process, in place of the real one."""
    world = World()
    world.simulator.platform.api_key = None
    network = pi_network.simulated("http://pi", transport=world.transport)
    monkeypatch.setattr(pi_network, "_simulated", lambda _url: network)
    yield world
