"""A person's money page and its API: what can be taken out, what is missing."""

import re
from typing import Any

import pytest
import time_machine

from rewards.models import Payout, Stop
from rewards.payouts import approvals, controls
from rewards.simulator.faults import Action, Fault
from tests.rewards.teller import Earner, Till, open_till

pytestmark = pytest.mark.django_db
Status = Payout.Status


@pytest.fixture
def till(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Till:
    return open_till(monkeypatch, settings)


def page(till: Till, earner: Earner, **query: Any) -> str:
    with time_machine.travel(till.now, tick=False):
        earner.browser.force_login(earner.user)
        reply = earner.browser.get("/money/", query)
    assert reply.status_code == 200
    return words(reply.content.decode())


def words(html: str) -> str:
    text = re.sub(r"<[^>]+>", " ", html.replace("&nbsp;", " "))
    return " ".join(text.replace("&#x27;", "'").split())


def ask(till: Till, earner: Earner, amount: str) -> Any:
    with time_machine.travel(till.now, tick=False):
        earner.browser.force_login(earner.user)
        return earner.browser.post("/money/", {"amount": amount})


def api(till: Till, earner: Earner, path: str = "", **body: Any) -> Any:
    with time_machine.travel(till.now, tick=False):
        earner.browser.force_login(earner.user)
        address = f"/api/v1/payouts/{path}"
        if not body and not path:
            return earner.browser.get(address)
        return earner.browser.post(address, body, content_type="application/json")


def test_the_page_says_what_is_free_the_fee_and_the_limits(till: Till) -> None:
    text = page(till, till.person(earned="40.5"))
    assert "40.5 π free to take out" in text
    assert "From 1 π to 40.5 π" in text
    assert "50 π" in text
    assert "network fee, paid by Tessera 0.01 π" in text


def test_asking_puts_the_amount_on_its_way_and_shows_the_steps(till: Till) -> None:
    earner = till.person()
    assert ask(till, earner, "12,5").status_code == 302
    payout = Payout.objects.get()
    assert (payout.amount, payout.status) == (125_000_000, Status.REQUESTED)
    text = page(till, earner)
    assert "27.5 π free to take out on its way out 12.5 π" in text
    assert "Two members of staff look at it" in text
    assert "One payout is on its way" in text
    assert "Take it back" in text


@pytest.mark.parametrize(
    ("amount", "why"),
    [
        ("0.5", "smallest payout is 1 Pi"),
        ("41", "not enough Pi"),
        ("51", "50 Pi in 24 hours"),
        ("1.00000001", "at most 7 decimals"),
        ("-3", "at most 7 decimals"),
        ("all", "at most 7 decimals"),
        ("", "required"),
    ],
)
def test_what_cannot_be_taken_out_is_refused_with_a_reason(
    till: Till, amount: str, why: str
) -> None:
    reply = ask(till, till.person(), amount)
    assert reply.status_code == 400
    assert why in words(reply.content.decode())
    assert not Payout.objects.exists()


def test_a_second_payout_waits_for_the_first(till: Till) -> None:
    earner = till.person()
    ask(till, earner, "3")
    reply = ask(till, earner, "3")
    assert "still on its way" in words(reply.content.decode())
    assert Payout.objects.count() == 1


def test_who_has_no_pi_account_is_led_to_join_one(till: Till) -> None:
    earner = till.person(linked=False)
    assert "Join my Pi account" in page(till, earner)
    assert "Sign in with Pi first" in words(ask(till, earner, "3").content.decode())


def test_who_did_not_show_their_wallet_is_told_how(till: Till) -> None:
    earner = till.person()
    identity = earner.person.piidentity_set.get()
    identity.scopes = ["username"]
    identity.save()
    assert "allowed us to see your wallet" in page(till, earner)


def test_who_is_not_confirmed_is_told_who_confirms(till: Till) -> None:
    earner = till.person(level=1)
    assert "member of our staff confirms" in page(till, earner)
    assert ask(till, earner, "3").status_code == 400


def test_a_paused_site_says_so_and_still_takes_the_question(till: Till) -> None:
    earner = till.person()
    controls.stop(Stop.Kind.KILL_SWITCH, reason="secret reason", now=till.now)
    text = page(till, earner)
    assert "Payouts are paused" in text
    assert "secret reason" not in text
    assert ask(till, earner, "3").status_code == 302


def test_a_paid_payout_shows_each_time_and_its_transaction(till: Till) -> None:
    earner = till.person()
    payout = till.paid(earner)
    with time_machine.travel(till.now, tick=False):
        earner.browser.force_login(earner.user)
        html = earner.browser.get("/money/").content.decode()
    assert html.count('data-state="done"') == 5
    assert html.count("<time") == 5
    txid = payout.envelope_set.get().hash
    assert f'href="http://pi/transactions/{txid}"' in html


def test_a_wallet_that_cannot_receive_tells_its_owner_what_to_do(till: Till) -> None:
    earner = till.person()
    payout = till.ask(earner)
    till.approve(payout)
    till.world.simulator.add_faults(
        [
            Fault(
                Action.REFUSE, "POST", "/v2/payments$", code="missing_scope", status=401
            )
        ]
    )
    till.work()
    payout.refresh_from_db()
    assert payout.status == Status.NEEDS_RECIPIENT
    text = page(till, earner)
    assert "Your wallet could not receive it" in text
    assert "allow us to see your wallet address" in text
    assert "40 π free to take out" in text


def test_a_rejected_payout_shows_the_reason(till: Till) -> None:
    earner = till.person()
    payout = till.ask(earner)
    approvals.reject(
        payout.uuid, till.staff(), reason="Please write to us first.", now=till.now
    )
    text = page(till, earner)
    assert "Not approved" in text
    assert "Please write to us first." in text


def test_a_payout_is_taken_back_while_it_has_not_left(till: Till) -> None:
    earner = till.person()
    payout = till.ask(earner)
    address = f"/money/{payout.uuid}/cancel/"
    assert earner.browser.get(address).status_code == 405
    earner.browser.force_login(earner.user)
    earner.browser.post(address)
    payout.refresh_from_db()
    assert payout.status == Status.CANCELLED
    assert "You took it back" in page(till, earner)


def test_a_payout_that_left_is_not_taken_back(till: Till) -> None:
    earner = till.person()
    payout = till.paid(earner)
    reply = api(till, earner, f"{payout.uuid}/cancel/")
    assert reply.status_code == 409


def test_somebody_elses_payout_is_not_there(till: Till) -> None:
    payout = till.ask(till.person())
    stranger = till.person()
    assert "12 π" not in page(till, stranger)
    assert api(till, stranger, f"{payout.uuid}/cancel/").status_code == 404
    reply = stranger.browser.post(f"/money/{payout.uuid}/cancel/")
    assert reply.status_code == 404
    payout.refresh_from_db()
    assert payout.status == Status.REQUESTED


def test_the_api_says_the_same(till: Till) -> None:
    earner = till.person()
    made = api(till, earner, amount="12.5")
    assert made.status_code == 201
    assert made.json()["amount"] == "12.5"
    (row,) = api(till, earner).json()
    assert row["status"] == "requested"
    assert [step["state"] for step in row["steps"]] == [
        *("done", "now", "later", "later", "later")
    ]
    assert row["can_be_taken_back"]
    back = api(till, earner, f"{row['payout']}/cancel/")
    assert back.json()["status"] == "cancelled"


@pytest.mark.parametrize("body", [{"amount": 3}, {"amount": "x"}, {"uid": "me"}])
def test_the_api_takes_an_amount_as_text_and_nothing_else(
    till: Till, body: dict[str, Any]
) -> None:
    reply = api(till, till.person(), **body)
    assert reply.status_code == 400
    assert not Payout.objects.exists()


def test_strangers_are_sent_to_log_in(client: Any) -> None:
    assert client.get("/money/").status_code == 302
    assert client.get("/api/v1/payouts/").status_code in {401, 403}


def test_the_page_costs_the_same_with_many_payouts(
    till: Till, django_assert_max_num_queries: Any
) -> None:
    earner = till.person()
    for _number in range(4):
        approvals.reject(till.ask(earner).uuid, till.staff(), reason="no", now=till.now)
    with django_assert_max_num_queries(26):
        page(till, earner)
