"""Laws of the wallet's page: who may pay in, what is on its way, what goes back."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from accounts.models import Membership
from rewards.models import Payout
from rewards.queries import ledger_problems
from tests.marketplace import world as market
from tests.rewards.payers import Payer, now_of, simulated_pi
from tests.rewards.simulated import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with simulated_pi(monkeypatch) as world:
        yield world
    assert list(ledger_problems()) == []


@pytest.fixture
def ada(world: World) -> Payer:
    return Payer(world, "ada")


def page(payer: Payer) -> str:
    with time_machine.travel(now_of(payer.world), tick=False):
        reply = payer.browser.get("/wallet/")
    assert reply.status_code == 200
    return reply.content.decode()


def act(payer: Payer, path: str, **body: Any) -> str:
    with time_machine.travel(now_of(payer.world), tick=False):
        reply = payer.browser.post(path, body, follow=True)
    assert reply.status_code == 200
    return reply.content.decode()


def paid_in(payer: Payer, pi: str) -> None:
    _deposit, payment_id, txid = payer.signed(pi)
    assert payer.complete(payment_id, txid).status_code == 200


def take_back(payer: Payer, pi: str) -> str:
    return act(
        payer, "/wallet/withdraw/", organization=str(payer.organization.uuid), amount=pi
    )


def test_who_came_by_email_is_told_to_link_a_pi_account_first(world: World) -> None:
    client = market.new_client(pi="")
    shown = client.browser.get("/wallet/").content.decode()
    assert "first link the Pi account" in shown
    assert 'href="/confirm-identity/?next=/wallet/"' in shown
    assert "pay-in-form" not in shown


def test_who_linked_one_pays_with_it_and_the_page_says_which(ada: Payer) -> None:
    shown = page(ada)
    assert "You pay from the Pi account @ada." in shown
    assert "pay-in-form" in shown
    assert "js/pi/pay.js" in shown


def test_a_viewer_sees_the_money_and_cannot_move_it(ada: Payer) -> None:
    paid_in(ada, "50")
    Membership.objects.filter(person=ada.person).update(role=Membership.Role.VIEWER)
    shown = page(ada)
    assert "50<" in shown
    assert "pay-in-form" not in shown
    assert "Take Pi back" not in shown
    take_back(ada, "5")
    assert not Payout.objects.exists()
    wanted = {"organization": str(ada.organization.uuid), "amount": "1"}
    assert ada.post("deposits", **wanted).status_code == 404


def test_a_payment_is_seen_from_its_approval_with_its_state_and_transaction(
    ada: Payer,
) -> None:
    ada.start()
    assert "Payments with Pi" not in page(ada)
    _deposit, payment_id = ada.approved()
    assert "waiting for your wallet" in page(ada)
    txid = ada.sign(payment_id)
    ada.complete(payment_id, txid)
    shown = page(ada)
    assert f"/transactions/{txid}" in shown
    assert "completed" in shown


def test_what_was_paid_in_goes_back_to_the_same_pi_account(ada: Payer) -> None:
    paid_in(ada, "50")
    assert "Asked for" in take_back(ada, "20")
    payout = Payout.objects.get()
    assert payout.uid == ada.world.simulator.state.users["ada"].uid
    assert payout.organization == ada.organization
    shown = page(ada)
    assert 'aria-current="step"' in shown
    assert "when this one has arrived" in shown
    assert "still on its way" in take_back(ada, "5")
    assert Payout.objects.count() == 1
    assert "Taken back" in act(ada, f"/wallet/withdrawals/{payout.uuid}/cancel/")
    assert "Pay it back to me" in page(ada)


@pytest.mark.parametrize(
    ("pi", "why"),
    [
        ("0.5", "The smallest payout is 1 Pi"),
        ("50.1", "You can take back what you paid in yourself: 50 Pi"),
        ("x", "Write an amount of Pi"),
    ],
)
def test_what_cannot_go_back_is_refused_in_words(ada: Payer, pi: str, why: str) -> None:
    paid_in(ada, "50")
    assert why in take_back(ada, pi)
    assert not Payout.objects.exists()


def test_nobody_takes_back_what_another_member_paid_in(
    ada: Payer, world: World
) -> None:
    paid_in(ada, "50")
    bob = Payer(world, "bob")
    Membership.objects.create(
        person=bob.person, organization=ada.organization, role=Membership.Role.MANAGER
    )
    refused = act(
        bob, "/wallet/withdraw/", organization=str(ada.organization.uuid), amount="5"
    )
    assert "You can take back what you paid in yourself: 0 Pi" in refused
    assert not Payout.objects.exists()
