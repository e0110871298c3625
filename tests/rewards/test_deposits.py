"""Deposits through Pi: what is credited, what refused, what a lost answer changes."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client as Browser

from accounts import actions as accounts
from rewards import deposits
from rewards.models import Deposit, Transfer
from rewards.money import parse, to_text
from rewards.queries import ledger_problems
from rewards.simulator.faults import Action, Fault
from rewards.simulator.keys import INCOMING
from tests.rewards.payers import Payer, now_of, simulated_pi
from tests.rewards.simulated import World
from tests.staff import enter

pytestmark = pytest.mark.django_db
PI = 10_000_000


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with simulated_pi(monkeypatch) as world:
        yield world
    assert list(ledger_problems()) == []


@pytest.fixture
def ada(world: World) -> Payer:
    return Payer(world, "ada")


@pytest.fixture
def bob(world: World) -> Payer:
    return Payer(world, "bob")


def sweep(world: World, *, after: float = 0) -> None:
    world.clock.advance(after)
    deposits.sweep_deposits(now=now_of(world))


def status(deposit: Deposit) -> str:
    deposit.refresh_from_db()
    return deposit.status


def code(reply: Any) -> str:
    assert reply.status_code >= 400, reply.content
    return reply.json()["error"]["code"]


def received(world: World) -> int:
    """Return what the chain says came in on top of what was there."""
    return world.simulator.balance(INCOMING.public_key) - 1_000 * PI


def fault(world: World, action: Action, path: str, **more: Any) -> None:
    world.simulator.add_faults([Fault(action, "POST", path, **more)])


# --- The way through


def test_a_deposit_is_credited_after_pi_completed_it_and_not_before(
    world: World, ada: Payer
) -> None:
    started = ada.start("12.5")
    deposit = Deposit.objects.get(uuid=started["deposit"])
    assert (status(deposit), ada.balance()) == ("created", 0)
    payment_id = ada.open(started)
    reply = ada.post("approve", payment_id=payment_id, deposit=started["deposit"])
    assert reply.json() == {
        "deposit": started["deposit"],
        "amount": "12.5",
        "status": "approved",
    }
    assert ada.balance() == 0
    txid = ada.sign(payment_id)
    assert (status(deposit), ada.balance()) == ("approved", 0)
    assert ada.complete(payment_id, txid).json()["status"] == "completed"
    assert ada.balance() == received(world) == parse("12.5")
    deposit.refresh_from_db()
    assert (deposit.payment_id, deposit.txid) == (payment_id, txid)
    assert Transfer.objects.get().key == f"deposit:{deposit.uuid}"
    assert world.simulator.state.payments[payment_id].completed


def test_saying_every_step_again_changes_nothing(world: World, ada: Payer) -> None:
    deposit, payment_id = ada.approved()
    assert ada.post("approve", payment_id=payment_id).json()["status"] == "approved"
    txid = ada.sign(payment_id)
    for _again in range(3):
        assert ada.complete(payment_id, txid).json()["status"] == "completed"
    assert ada.post("approve", payment_id=payment_id).json()["status"] == "completed"
    assert ada.post("incomplete", payment_id=payment_id).status_code == 204
    sweep(world, after=3600)
    assert status(deposit) == "completed"
    assert ada.balance() == deposit.amount
    assert Transfer.objects.count() == 1


def test_the_smallest_amount_keeps_its_last_place(world: World, ada: Payer) -> None:
    deposit, payment_id, txid = ada.signed("0.0000001")
    assert ada.complete(payment_id, txid).status_code == 200
    assert ada.balance() == received(world) == deposit.amount == 1


def test_a_deposit_played_in_one_call_is_on_the_chain(world: World, ada: Payer) -> None:
    deposits.play.pay_in(ada.organization, ada.person, 500 * PI, now=now_of(world))
    assert ada.balance() == received(world) == 500 * PI


# --- Refusals: each typed, each moving nothing


def test_who_has_no_pi_account_is_told_to_link_one(world: World) -> None:
    user = accounts.register_user(email="eve@example.org", password="a-secret-1")
    assert user.person
    organization = accounts.create_organization(user.person, name="Eve")
    browser = Browser()
    browser.force_login(user)
    reply = browser.post(
        "/api/v1/pi/deposits/",
        {"organization": str(organization.uuid), "amount": "1"},
        content_type="application/json",
    )
    assert (reply.status_code, code(reply)) == (403, "pi_account_needed")
    assert not Deposit.objects.exists()


@pytest.mark.parametrize("amount", ["0", "-1", "1000000.0000001", "0.00000001", "x", 1])
def test_an_amount_that_cannot_be_paid_starts_nothing(ada: Payer, amount: Any) -> None:
    reply = ada.post("deposits", organization=str(ada.organization.uuid), amount=amount)
    assert code(reply) in {"amount_out_of_range", "invalid"}
    assert not Deposit.objects.exists()


def test_nobody_starts_a_deposit_for_a_client_they_do_not_manage(
    ada: Payer, bob: Payer
) -> None:
    reply = bob.post("deposits", organization=str(ada.organization.uuid), amount="1")
    assert (reply.status_code, code(reply)) == (404, "not_found")


def test_a_page_that_starts_deposits_without_end_is_stopped(ada: Payer) -> None:
    for _n in range(30):
        ada.start()
    reply = ada.post("deposits", organization=str(ada.organization.uuid), amount="1")
    assert (reply.status_code, code(reply)) == (429, "too_many_deposits")


def test_another_sites_page_cannot_make_a_payer_call(ada: Payer) -> None:
    forged = Browser(enforce_csrf_checks=True)
    forged.cookies = ada.browser.cookies
    with time_machine.travel(now_of(ada.world), tick=False):
        reply = forged.post(
            "/api/v1/pi/deposits/",
            {"organization": str(ada.organization.uuid), "amount": "1"},
            content_type="application/json",
        )
    assert reply.status_code == 403
    assert not Deposit.objects.exists()


Tamper = Callable[[World, str], None]


def _direction(world: World, payment_id: str) -> None:
    world.simulator.state.payments[payment_id].direction = "app_to_user"


def _amount(world: World, payment_id: str) -> None:
    world.simulator.state.payments[payment_id].amount += 1


def _metadata(world: World, payment_id: str) -> None:
    world.simulator.state.payments[payment_id].metadata = {"deposit_id": str(uuid4())}


def _no_metadata(world: World, payment_id: str) -> None:
    world.simulator.state.payments[payment_id].metadata = {"deposit_id": 7}


def _user_cancels(world: World, payment_id: str) -> None:
    world.simulator.state.payments[payment_id].user_cancelled = True


def _pi_cancels(world: World, payment_id: str) -> None:
    world.clock.advance(90)


@pytest.mark.parametrize(
    ("tamper", "refusal"),
    [
        (_direction, "wrong_direction"),
        (_amount, "wrong_amount"),
        (_metadata, "wrong_deposit"),
        (_no_metadata, "wrong_deposit"),
        (_user_cancels, "payment_cancelled"),
        (_pi_cancels, "payment_cancelled"),
    ],
)
def test_a_payment_that_differs_from_our_row_is_not_approved(
    world: World, ada: Payer, tamper: Tamper, refusal: str
) -> None:
    started = ada.start()
    payment_id = ada.open(started)
    tamper(world, payment_id)
    assert code(ada.post("approve", payment_id=payment_id)) == refusal
    payment = world.simulator.state.payments[payment_id]
    assert not payment.approved
    deposit = Deposit.objects.get()
    assert (deposit.status, deposit.payment_id) == ("created", None)
    assert ada.balance() == 0


def test_a_payment_on_another_network_is_not_approved(
    world: World, ada: Payer, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = ada.start()
    payment_id = ada.open(started)
    monkeypatch.setattr("rewards.simulator.platform.PASSPHRASE", "Pi Network")
    assert code(ada.post("approve", payment_id=payment_id)) == "wrong_network"
    assert not world.simulator.state.payments[payment_id].approved


def test_an_amount_changed_after_the_approval_is_not_completed(
    world: World, ada: Payer
) -> None:
    deposit, payment_id, txid = ada.signed()
    _amount(world, payment_id)
    assert code(ada.complete(payment_id, txid)) == "wrong_amount"
    assert (status(deposit), ada.balance()) == ("approved", 0)


@pytest.mark.parametrize("tamper", [_direction, _amount, _metadata, _no_metadata])
def test_what_changed_after_the_approval_is_not_settled_by_the_sweep(
    world: World, ada: Payer, tamper: Tamper
) -> None:
    deposit, payment_id, _txid = ada.signed()
    tamper(world, payment_id)
    sweep(world, after=60)
    assert (status(deposit), deposit.txid, ada.balance()) == ("approved", None, 0)
    assert not world.simulator.state.payments[payment_id].completed


@pytest.mark.parametrize("what", ["approve", "complete", "incomplete", "cancelled"])
def test_a_payment_posted_by_a_stranger_is_refused_and_says_nothing(
    world: World, ada: Payer, bob: Payer, what: str
) -> None:
    deposit, payment_id, txid = ada.signed()
    body = {"payment_id": payment_id} | ({"txid": txid} if what == "complete" else {})
    reply = bob.post(what, **body)
    assert (reply.status_code, code(reply)) == (403, "not_your_payment")
    assert status(deposit) == "approved"
    assert ada.balance() == bob.balance() == 0
    assert Browser().post(
        f"/api/v1/pi/{what}/", body, content_type="application/json"
    ).status_code in {401, 403}


def test_a_payment_for_anothers_deposit_is_refused(
    world: World, ada: Payer, bob: Payer
) -> None:
    """Bob pays with his own Pi, but names Ada's deposit."""
    started = ada.start()
    payment_id = bob.open(started)
    assert code(bob.post("approve", payment_id=payment_id)) == "wrong_deposit"
    assert not world.simulator.state.payments[payment_id].approved


def test_a_replayed_payment_does_not_pay_another_deposit(
    world: World, ada: Payer
) -> None:
    first, payment_id, txid = ada.signed()
    ada.complete(payment_id, txid)
    second = ada.start()
    reply = ada.post("approve", payment_id=payment_id, deposit=second["deposit"])
    assert code(reply) == "wrong_deposit"
    assert Deposit.objects.get(uuid=second["deposit"]).status == "created"
    assert ada.balance() == first.amount


def test_a_second_payment_for_a_deposit_is_refused(world: World, ada: Payer) -> None:
    started = ada.start()
    first = ada.open(started)
    ada.post("approve", payment_id=first)
    second = ada.open(started)
    assert code(ada.post("approve", payment_id=second)) == "deposit_has_payment"
    assert not world.simulator.state.payments[second].approved


def test_a_replayed_transaction_pays_once(world: World, ada: Payer, bob: Payer) -> None:
    deposit, payment_id, txid = ada.signed()
    assert ada.complete(payment_id, txid).status_code == 200
    other, other_id = bob.approved()
    assert code(bob.complete(other_id, txid)) == "transaction_used"
    assert (status(other), bob.balance()) == ("approved", 0)
    third, third_id, third_txid = ada.signed()
    assert code(ada.complete(third_id, txid)) == "wrong_transaction"
    assert ada.complete(third_id, third_txid).status_code == 200
    assert ada.balance() == received(world) == deposit.amount + third.amount


def test_claiming_anothers_transaction_first_does_not_take_it_from_them(
    world: World, ada: Payer, bob: Payer
) -> None:
    deposit, payment_id, txid = ada.signed()
    stolen, stolen_id = bob.approved()
    assert code(bob.complete(stolen_id, txid)) == "not_verified"
    assert (status(stolen), stolen.txid, bob.balance()) == ("approved", None, 0)
    assert ada.complete(payment_id, txid).status_code == 200
    assert ada.balance() == received(world) == deposit.amount


def test_a_transaction_that_does_not_exist_credits_nothing(
    world: World, ada: Payer
) -> None:
    deposit, payment_id = ada.approved()
    assert code(ada.complete(payment_id, "ab" * 32)) == "not_verified"
    assert (status(deposit), ada.balance()) == ("approved", 0)
    assert ada.complete(payment_id, ada.sign(payment_id)).status_code == 200


def test_a_payment_that_pi_does_not_know_is_refused(world: World, ada: Payer) -> None:
    for what, more in (("approve", {}), ("complete", {"txid": "ab" * 32})):
        reply = ada.post(what, payment_id="nobody", **more)
        assert (reply.status_code, code(reply)) == (404, "payment_unknown")


@pytest.mark.parametrize(
    "extra",
    [
        {"_link": "http://169.254.169.254/latest"},
        {"payment": {"transaction": {"_link": "http://localhost/"}}},
        {"amount": "999"},
        {"uid": "someone"},
    ],
)
def test_a_field_that_is_not_needed_is_refused_unread(
    world: World, ada: Payer, extra: dict[str, Any]
) -> None:
    started = ada.start()
    payment_id = ada.open(started)
    calls = len(world.simulator.script.log)
    reply = ada.post("approve", payment_id=payment_id, **extra)
    assert (reply.status_code, code(reply)) == (400, "invalid")
    assert set(reply.json()["error"]["fields"]) == set(extra)
    assert len(world.simulator.script.log) == calls


@pytest.mark.parametrize(
    "payment_id", ["../me", "http://evil/", "a" * 65, "a/cancel", "", None]
)
def test_an_identifier_that_is_an_address_is_refused_unread(
    world: World, ada: Payer, payment_id: Any
) -> None:
    calls = len(world.simulator.script.log)
    assert code(ada.post("approve", payment_id=payment_id)) == "invalid"
    assert len(world.simulator.script.log) == calls


def test_a_completion_without_an_approval_of_ours_is_refused(
    world: World, ada: Payer
) -> None:
    payment_id = ada.open(ada.start())
    world.simulator.state.payments[payment_id].approved = True
    txid = ada.sign(payment_id)
    assert code(ada.complete(payment_id, txid)) == "payment_not_approved"
    assert ada.balance() == 0
    # It was paid all the same: as an incomplete payment it is finished.
    assert ada.post("incomplete", payment_id=payment_id).status_code == 204
    assert ada.balance() == received(world)


# --- Lost answers


@pytest.mark.parametrize(
    "action",
    [Action.DROP_REQUEST, Action.DROP_ANSWER, Action.HTML_500, Action.TRUNCATED],
)
@pytest.mark.parametrize("again", ["sdk", "sweep"])
def test_an_approval_without_an_answer_is_made_good(
    world: World, ada: Payer, action: Action, again: str
) -> None:
    started = ada.start()
    payment_id = ada.open(started)
    fault(world, action, "/approve$")
    assert code(ada.post("approve", payment_id=payment_id)) == "pi_unreachable"
    deposit = Deposit.objects.get()
    assert (deposit.status, deposit.payment_id) == ("approving", payment_id)
    if again == "sdk":
        world.clock.advance(10)
        assert ada.post("approve", payment_id=payment_id).status_code == 200
    else:
        sweep(world, after=20)
    assert status(deposit) == "approved"
    assert ada.complete(payment_id, ada.sign(payment_id)).status_code == 200
    assert ada.balance() == received(world)


@pytest.mark.parametrize(
    "action",
    [
        *(Action.DROP_REQUEST, Action.DROP_ANSWER, Action.HTML_500, Action.TRUNCATED),
        *(Action.HTTP_504, Action.DUPLICATE),
    ],
)
@pytest.mark.parametrize("again", ["sdk", "sweep", "incomplete"])
def test_a_completion_without_an_answer_is_credited_once(
    world: World, ada: Payer, action: Action, again: str
) -> None:
    deposit, payment_id, txid = ada.signed()
    fault(world, action, "/complete$")
    reply = ada.complete(payment_id, txid)
    if action is Action.DUPLICATE:
        assert reply.status_code == 200
    else:
        assert code(reply) == "pi_unreachable"
        assert (status(deposit), deposit.txid) == ("completing", txid)
        assert ada.balance() == 0
    if again == "sdk":
        assert ada.complete(payment_id, txid).status_code == 200
    elif again == "incomplete":
        assert ada.post("incomplete", payment_id=payment_id).status_code == 204
    sweep(world, after=60)
    assert status(deposit) == "completed"
    assert ada.balance() == received(world) == deposit.amount
    assert Transfer.objects.count() == 1


def test_a_page_that_closed_after_the_payment_loses_nothing(
    world: World, ada: Payer
) -> None:
    """The browser never says which transaction: Pi does."""
    deposit, _payment_id, txid = ada.signed()
    sweep(world, after=60)
    assert (status(deposit), deposit.txid) == ("completed", txid)
    assert ada.balance() == received(world) == deposit.amount


def test_an_answer_that_says_neither_yes_nor_no_credits_nothing(
    world: World, ada: Payer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 200 without developer_completed is not a success."""
    deposit, payment_id, txid = ada.signed()
    real = world.simulator.platform.complete

    def forget(request: Any, identifier: str) -> Any:
        answer = real(request, identifier)
        world.simulator.state.payments[identifier].completed = False
        body = answer.body.replace(
            b'"developer_completed": true', b'"developer_completed": false'
        )
        return type(answer)(answer.status, body, answer.headers)

    routes = world.simulator._routes
    monkeypatch.setattr(
        world.simulator,
        "_routes",
        [(m, p, forget if do == real else do) for m, p, do in routes],
    )
    assert code(ada.complete(payment_id, txid)) == "not_verified"
    assert (status(deposit), ada.balance()) == ("completing", 0)
    monkeypatch.setattr(world.simulator, "_routes", routes)
    sweep(world, after=60)
    assert ada.balance() == deposit.amount


def test_what_another_transaction_completed_is_not_credited_for_this_one(
    world: World, ada: Payer
) -> None:
    """The payment is completed elsewhere while its completion by a lie is asked for."""
    deposit, payment_id = ada.approved()
    signed: list[str] = []
    real = world.simulator.exchange

    def complete_in_between(method: str, path: str, *rest: Any) -> Any:
        if path.endswith("/complete") and not signed:
            signed.append(ada.sign(payment_id))
            world.simulator.state.payments[payment_id].completed = True
        return real(method, path, *rest)

    world.simulator.exchange = complete_in_between  # type: ignore[method-assign]
    assert code(ada.complete(payment_id, "ab" * 32)) == "not_verified"
    assert (status(deposit), deposit.txid, ada.balance()) == ("approved", None, 0)
    sweep(world, after=60)
    assert (status(deposit), deposit.txid) == ("completed", signed[0])
    assert ada.balance() == received(world) == deposit.amount


def test_a_refusal_that_lasts_a_day_is_given_to_staff(world: World, ada: Payer) -> None:
    deposit, payment_id, txid = ada.signed()
    fault(
        world,
        Action.REFUSE,
        "/complete$",
        nth=0,
        code="verification_failed",
        landed=False,
    )
    assert code(ada.complete(payment_id, txid)) == "not_verified"
    sweep(world, after=3600)
    assert status(deposit) == "completing"
    sweep(world, after=86_400)
    assert (status(deposit), deposit.refusal) == ("refused", "verification_failed")
    assert ada.balance() == 0
    # Staff ask again; Pi's answer alone decides.
    staff = accounts.register_user(
        email="treasurer@example.org",
        password="a-secret-1",
        is_staff=True,
        is_superuser=True,
    )
    desk = Browser()
    enter(desk, staff)
    page = desk.get(f"/admin/rewards/deposit/{deposit.pk}/change/").content.decode()
    assert txid in page
    assert "verification_failed" in page
    chosen = {"action": "ask_again", "_selected_action": [deposit.pk]}
    desk.post("/admin/rewards/deposit/", chosen)
    assert (status(deposit), ada.balance()) == ("completing", 0)
    world.simulator.script.faults.clear()
    desk.post("/admin/rewards/deposit/", chosen)
    assert (status(deposit), deposit.refusal) == ("completed", "")
    assert ada.balance() == received(world)


# --- Giving up


def test_what_is_not_signed_in_time_is_cancelled_at_pi(
    world: World, ada: Payer
) -> None:
    deposit, payment_id = ada.approved()
    sweep(world, after=300)
    assert status(deposit) == "approved"
    sweep(world, after=900)
    assert status(deposit) == "cancelled"
    assert world.simulator.state.payments[payment_id].cancelled
    assert code(ada.post("approve", payment_id=payment_id)) == "payment_cancelled"


def test_a_signature_just_before_the_cancel_wins(world: World, ada: Payer) -> None:
    """Pi refuses to cancel what has a transaction; the next sweep credits it."""
    deposit, payment_id = ada.approved()
    looked_at: list[str] = []
    real = world.simulator.exchange

    def sign_in_between(method: str, path: str, *rest: Any) -> Any:
        if path.endswith("/cancel") and not looked_at:
            looked_at.append(ada.sign(payment_id))
        return real(method, path, *rest)

    world.simulator.exchange = sign_in_between  # type: ignore[method-assign]
    sweep(world, after=1000)
    assert looked_at
    assert status(deposit) == "approved"
    sweep(world, after=60)
    assert status(deposit) == "completed"
    assert ada.balance() == received(world) == deposit.amount


def test_a_cancel_is_believed_only_when_pi_says_so(world: World, ada: Payer) -> None:
    deposit, payment_id = ada.approved()
    assert ada.post("cancelled", payment_id=payment_id).status_code == 204
    assert status(deposit) == "approved"
    world.as_user(ada.token, "/simulated/wallet/cancel", payment_id=payment_id)
    assert ada.post("cancelled", payment_id=payment_id).status_code == 204
    assert status(deposit) == "cancelled"


def test_a_deposit_given_up_before_pi_knew_of_it_is_closed(ada: Payer) -> None:
    started = ada.start()
    assert ada.post("cancelled", deposit=started["deposit"]).status_code == 204
    assert Deposit.objects.get().status == "cancelled"


def test_an_incomplete_payment_without_a_transaction_is_cancelled(
    world: World, ada: Payer
) -> None:
    deposit, payment_id = ada.approved()
    assert ada.post("incomplete", payment_id=payment_id).status_code == 204
    assert status(deposit) == "cancelled"
    nobodys = ada.open(ada.start(), metadata={"something": "else"})
    assert ada.post("incomplete", payment_id=nobodys).status_code == 204
    assert world.simulator.state.payments[nobodys].cancelled


def test_what_was_never_begun_is_closed_after_a_day(world: World, ada: Payer) -> None:
    ada.start()
    sweep(world, after=timedelta(hours=25).total_seconds())
    assert Deposit.objects.get().status == "cancelled"


def test_one_deposit_that_cannot_be_settled_holds_up_no_other(
    world: World, ada: Payer, bob: Payer
) -> None:
    stuck, _id, _txid = ada.signed()
    _amount(world, stuck.payment_id or "")
    good, _id, _txid = bob.signed()
    sweep(world, after=60)
    assert (status(stuck), status(good)) == ("approved", "completed")


# --- Play money


def test_play_money_is_refused_where_pi_is_real(ada: Payer, settings: Any) -> None:
    settings.PI_BACKEND = "pi_testnet"
    with pytest.raises(deposits.play.DepositRefused):
        deposits.credit_play_money(
            ada.organization, ada.person, PI, now=datetime.now(UTC)
        )
    with pytest.raises(deposits.play.DepositRefused):
        deposits.play.pay_in(ada.organization, ada.person, PI, now=datetime.now(UTC))
    assert not Deposit.objects.exists()


def test_amounts_are_text_so_that_nothing_is_rounded(ada: Payer) -> None:
    started = ada.start("999999.9999999")
    assert started["amount"] == "999999.9999999" == to_text(9_999_999_999_999)


def test_the_payers_wallet_is_evidence_once_it_moved_value(
    world: World, ada: Payer
) -> None:
    _deposit, payment_id, txid = ada.signed()
    ada.person.refresh_from_db()
    assert ada.person.level == 1
    ada.complete(payment_id, txid)
    ada.person.refresh_from_db()
    assert ada.person.level == 2


def test_a_wallet_of_another_person_cannot_pay(
    world: World, ada: Payer, bob: Payer
) -> None:
    _deposit, payment_id, txid = ada.signed()
    ada.complete(payment_id, txid)
    state = world.simulator.state
    stolen = bob.open(bob.start())
    state.payments[stolen].from_address = state.payments[payment_id].from_address
    assert code(bob.post("approve", payment_id=stolen)) == "wallet_taken"
    assert not state.payments[stolen].approved
    assert Deposit.objects.get(payer=bob.person).payment_id is None
