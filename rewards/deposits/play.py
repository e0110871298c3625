"""Deposits without a browser, for the demo, tests and benchmarks; never on real Pi."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
from django.db import transaction

from accounts import pi_app
from accounts import queries as people
from accounts.models import Organization, Person
from rewards import ledger
from rewards.deposits import checks, rows, steps
from rewards.errors import DepositRefused, PiUnreachable
from rewards.models import Deposit
from rewards.money import to_text
from rewards.pi_network import Network, backend

SCOPES = ["username", "payments", "wallet_address"]


def pay_in(
    organization: Organization, person: Person, amount: int, *, now: datetime
) -> Deposit:
    """Play a whole deposit: the Pi really moves on the simulated chain.

    Raises DepositRefused on a real network, where nobody pays but in their wallet.
    """
    if not pi_app.is_simulated():
        raise DepositRefused
    deposit = steps.start_deposit(organization, person, amount, now=now)
    wallet = _Wallet(backend(), person)
    wanted = {"amount": to_text(deposit.amount)} | checks.payment_data(deposit)
    payment_id = wallet.ask("/simulated/payments", wanted)["identifier"]
    steps.approve_payment(person, payment_id, now=now)
    signed = wallet.ask("/simulated/wallet/pay", {"payment_id": payment_id})
    return steps.complete_payment(person, payment_id, signed["txid"], now=now)


@transaction.atomic
def credit_play_money(
    organization: Organization, person: Person, amount: int, *, now: datetime
) -> Deposit:
    """Credit a deposit that no Pi payment stands behind; the simulation is not asked.

    For tests and benchmarks whose subject is not Pi: nothing on the chain explains it.
    Raises DepositRefused on a real network, where only Pi's own answer credits.
    """
    if not pi_app.is_simulated():
        raise DepositRefused
    deposit = Deposit.objects.create(
        organization=organization,
        payer=person,
        amount=amount,
        network=pi_app.SIMULATED,
        txid=f"play-{uuid4().hex}",
        status=Deposit.Status.COMPLETED,
        created=now,
        moved_at=now,
        completed_at=now,
    )
    ledger.post([rows.movement(deposit)])
    return deposit


class _Wallet:
    """The simulated wallet of one person, who is signed in there by their name."""

    def __init__(self, network: Network, person: Person) -> None:
        identity = people.pi_identity_of(person, network.name)
        if identity is None:
            raise checks.refused("pi_account_needed")
        self.http = httpx.Client(
            base_url=network.platform.base_url,
            transport=network.platform.transport,
            trust_env=False,
        )
        asked = {"username": identity.username, "scopes": SCOPES}
        token = self.ask("/simulated/users", asked)["accessToken"]
        self.http.headers["Authorization"] = f"Bearer {token}"

    def ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            answer = self.http.post(path, json=dict(body))
            found: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError):
            raise PiUnreachable from None
        if not answer.is_success:
            raise DepositRefused(str(found.get("error_message", "")))
        return found
