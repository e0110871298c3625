"""What differs between ledger, Platform and chain is named, and stops payouts."""

from typing import Any

import httpx
import pytest
from django.core import mail
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from rewards import triggers
from rewards.models import Account, Deposit, Envelope, Payout, Reconciliation, Stop
from rewards.payouts import controls
from rewards.reconciliation import notices, treasury
from rewards.simulator.faults import Action, Fault
from rewards.simulator.keys import INCOMING, OUTGOING
from tests.rewards.simulated import stranger
from tests.rewards.teller import Till, open_till

pytestmark = pytest.mark.django_db
PI = 10_000_000
Outcome = Reconciliation.Outcome


@pytest.fixture
def till(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Till:
    settings.TREASURER_EMAILS = ["treasurer@example.org"]
    return open_till(monkeypatch, settings)


def findings(till: Till) -> str:
    row = till.reconcile()
    assert row.outcome == Outcome.MISMATCH, row.findings
    return "\n".join(row.findings)


def transfer_out(till: Till, to: str, amount: str = "3", **changes: Any) -> str:
    reply = till.world.submit(till.world.envelope(to=to, amount=amount, **changes))
    assert reply.status_code == 200, reply.text
    return reply.json()["hash"]


def test_untouched_books_match(till: Till) -> None:
    row = till.reconcile()
    assert (row.outcome, row.findings) == (Outcome.MATCH, [])


def test_deposits_payouts_and_fees_match_to_the_last_unit(till: Till) -> None:
    earner = till.person(earned="40.0000001")
    till.paid(earner, "12.3456789")
    row = till.reconcile()
    assert (row.outcome, row.findings) == (Outcome.MATCH, [])
    figures = row.figures
    assert figures["received_in"] == figures["booked_in_in"] == 400_000_001
    assert figures["gone_out"] == figures["booked_out_out"] == 123_456_789 + 100_000
    assert not Stop.objects.exists()


@pytest.mark.parametrize("steps", range(1, 7))
def test_a_payout_on_its_way_is_no_difference_at_any_step(
    till: Till, steps: int
) -> None:
    payout = till.ask(till.person())
    till.approve(payout)
    till.work(steps=steps)
    row = till.reconcile()
    assert (row.outcome, row.findings) == (Outcome.MATCH, [])


def test_a_landed_payment_whose_answer_was_lost_is_no_difference(till: Till) -> None:
    payout = till.ask(till.person())
    till.approve(payout)
    till.world.simulator.add_faults(
        [Fault(Action.LANDED_UNKNOWN, "POST", "/transactions")]
    )
    till.work(steps=4)
    assert Envelope.objects.get().fate == Envelope.Fate.OPEN
    row = till.reconcile()
    assert (row.outcome, row.findings) == (Outcome.MATCH, [])
    assert row.figures["unbooked_out"] == payout.amount + 100_000


def test_the_next_comparison_goes_on_where_the_last_match_ended(till: Till) -> None:
    earner = till.person()
    till.paid(earner)
    first = till.reconcile()
    till.world.clock.advance(100_000)
    till.paid(earner, "7")
    second = till.reconcile()
    assert (second.outcome, second.findings) == (Outcome.MATCH, [])
    assert second.figures["gone_out"] == first.figures["gone_out"] + 7 * PI + 100_000
    assert second.figures["opening_out"] == first.figures["opening_out"]


def test_pi_that_left_without_a_payout_is_named_and_stops_payouts(till: Till) -> None:
    till.person()
    to = stranger().public_key
    till.world.simulator.chain.open_account(to, 10 * PI)
    txid = transfer_out(till, to)
    said = findings(till)
    assert txid in said
    assert to in said
    stop = Stop.objects.get()
    assert stop.kind == Stop.Kind.RECONCILIATION
    assert txid in stop.reason
    assert controls.why_stopped()


def test_a_payment_sent_twice_is_named(till: Till) -> None:
    payout = till.paid(till.person())
    txid = transfer_out(
        till, payout.to_address, amount="12", memo=str(payout.payment_id)
    )
    assert txid in findings(till)


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("amount", 130_000_000, "13 Pi is booked"),
        ("to_address", "G" + "A" * 55, "not to GAAA"),
        ("payment_id", "another", "carries the memo"),
    ],
)
def test_a_payout_that_differs_from_the_chain_is_named(
    till: Till, field: str, value: Any, word: str
) -> None:
    payout = till.paid(till.person())
    Payout.objects.filter(pk=payout.pk).update(**{field: value})
    said = findings(till)
    assert str(payout.uuid) in said
    assert word in said


def test_a_payout_booked_but_never_sent_is_named(till: Till) -> None:
    payout = till.paid(till.person())
    Envelope.objects.update(hash="ab" * 32)
    said = findings(till)
    assert f"payout {payout.uuid} is booked as sent" in said


def test_a_refunded_payout_that_landed_is_named(till: Till) -> None:
    payout = till.paid(till.person())
    Payout.objects.filter(pk=payout.pk).update(status=Payout.Status.REFUNDED)
    assert "although the money was given back" in findings(till)


def test_a_fee_booked_wrongly_is_named(till: Till) -> None:
    till.paid(till.person())
    triggers.remove(connection)  # as somebody with the database's key could
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE rewards_transfer SET amount = 1 WHERE kind = 'network_fee'"
            )
    finally:
        triggers.install(connection)
    assert "the chain took 0.01 Pi as fee" in findings(till)


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("amount", 1, "0.0000001 Pi is booked"),
        ("txid", "cd" * 32, "the chain holds no payment"),
        ("payment_id", "nobody", "Pi knows no payment"),
    ],
)
def test_a_deposit_that_differs_from_pi_is_named(
    till: Till, field: str, value: Any, word: str
) -> None:
    deposit = till.deposit(till.client(), "5")
    Deposit.objects.update(**{field: value})
    said = findings(till)
    assert str(deposit.uuid) in said
    assert word in said


def test_pi_that_anybody_sends_us_does_not_stop_payouts(till: Till) -> None:
    """Else a stranger could stop them for the price of a network fee."""
    till.person()
    till.reconcile()
    visitor = till.client()
    token = till.world.sign_in(visitor.name)["accessToken"]
    payment = till.world.as_user(
        token, "/simulated/payments", amount=2, memo="a gift", metadata={"a": 1}
    ).json()
    till.world.platform.approve(payment["identifier"])
    till.world.as_user(token, "/simulated/wallet/pay", payment_id=payment["identifier"])
    row = till.reconcile()
    assert (row.outcome, row.findings) == (Outcome.MATCH, [])
    assert row.figures["unasked_in"] == 2 * PI


def test_pi_moved_between_our_wallets_is_booked_by_itself(till: Till) -> None:
    till.person()
    transfer_out(
        till,
        OUTGOING.public_key,
        amount="30",
        signer=INCOMING,
        source=INCOMING.public_key,
        **_sequence_of(till, INCOMING.public_key),
    )
    row = till.reconcile()
    assert (row.outcome, row.findings) == (Outcome.MATCH, [])
    assert row.figures["booked_in_out"] == 30 * PI
    assert row.figures["booked_out_in"] == 30 * PI + 100_000
    assert till.reconcile().outcome == Outcome.MATCH


def _sequence_of(till: Till, address: str) -> dict[str, int]:
    """The helper counts from the outgoing wallet's sequence."""

    def sequence(who: str) -> int:
        return int(till.world.http.get(f"/accounts/{who}").json()["sequence"])

    return {"skip": sequence(address) - sequence(OUTGOING.public_key)}


def test_what_the_treasurer_books_with_a_reason_matches_again(till: Till) -> None:
    till.person()
    to = stranger().public_key
    till.world.simulator.chain.open_account(to, 10 * PI)
    txid = transfer_out(till, to)
    assert txid in findings(till)
    treasury.book_transaction(
        txid, till.network.chain, till.staff(), reason="paid the auditor"
    )
    row = till.reconcile()
    assert (row.outcome, row.findings) == (Outcome.MATCH, [])
    assert Account.objects.get(code="adjust:writeoff").balance == -3 * PI
    assert Stop.objects.get().lifted_at is None


def test_a_closed_escrow_that_holds_money_is_named(till: Till) -> None:
    earner = till.person()
    Account.objects.filter(pk=earner.available.pk).update(
        kind=Account.Kind.ESCROW, closed=True
    )
    assert f"{earner.available.code} is closed, but holds" in findings(till)


def test_in_flight_that_no_payout_explains_is_named(till: Till) -> None:
    payout = till.ask(till.person())
    till.approve(payout)
    till.work(steps=1)
    Payout.objects.update(status=Payout.Status.APPROVED)
    assert "payouts:in_flight holds 120000000" in findings(till)


def test_a_payment_at_pi_that_is_not_ours_is_named(till: Till) -> None:
    uid = till.world.uid("somebody")
    payment = till.world.platform.create_payment(uid, PI, "?", {"who": "knows"})
    assert payment.identifier in findings(till)


def test_when_pi_cannot_be_asked_nothing_is_said_to_match(till: Till) -> None:
    till.world.simulator.add_faults(
        [Fault(Action.HTTP_504, "GET", "/accounts/.*", nth=0)]
    )
    row = till.reconcile()
    assert row.outcome == Outcome.UNKNOWN
    assert not Stop.objects.exists()
    assert len(mail.outbox) == 1


def test_the_treasurer_is_told_which_rows_differ(till: Till) -> None:
    payout = till.paid(till.person())
    Payout.objects.filter(pk=payout.pk).update(amount=1)
    findings(till)
    (letter,) = mail.outbox
    assert letter.to == ["treasurer@example.org"]
    assert str(payout.uuid) in letter.body


def test_a_stop_of_any_kind_is_told_once(till: Till) -> None:
    controls.stop(Stop.Kind.CIRCUIT_BREAKER, reason="tx_bad_auth", now=till.now)
    assert notices.tell_of_stops(till.now) == 1
    assert notices.tell_of_stops(till.now) == 0
    assert ["tx_bad_auth" in letter.body for letter in mail.outbox] == [True]


def test_the_command_fails_when_something_differs(till: Till, capsys: Any) -> None:
    call_command("reconcile")
    assert "balance_out" in capsys.readouterr().out
    controls.stop(Stop.Kind.KILL_SWITCH, reason="x", now=till.now)
    payout = till.ask(till.person())
    Payout.objects.filter(pk=payout.pk).update(
        status=Payout.Status.RESERVED, automatic=True
    )
    with pytest.raises(CommandError) as failed:
        call_command("reconcile")
    assert failed.value.returncode == 1


# --- The web hook


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://hooks.example.org/", "93.184.216.34"),
        ("https://user:word@hooks.example.org/", "93.184.216.34"),
        ("https://hooks.example.org/", "127.0.0.1"),
        ("https://hooks.example.org/", "10.0.0.8"),
        ("https://hooks.example.org/", "169.254.169.254"),
        ("https://hooks.example.org/", "::1"),
        ("https://hooks.example.org/", "::ffff:10.0.0.1"),
        ("https://hooks.example.org/", "fd00::1"),
    ],
)
def test_a_hook_is_public_and_https_or_is_not_called(url: str, address: str) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise AssertionError("it was called")

    with pytest.raises(notices.HookRefused):
        notices.post_hook(
            url,
            {},
            resolve=lambda _host, _port: [address],
            transport=httpx.MockTransport(fail),
        )


def test_a_hook_with_one_address_inside_is_not_called_at_all() -> None:
    with pytest.raises(notices.HookRefused, match="our own network"):
        notices.post_hook(
            "https://hooks.example.org/",
            {},
            resolve=lambda _host, _port: ["93.184.216.34", "10.0.0.8"],
            transport=httpx.MockTransport(lambda _request: httpx.Response(204)),
        )


def test_a_hook_is_called_at_the_address_that_was_looked_at() -> None:
    calls: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(204)

    notices.post_hook(
        "https://hooks.example.org/t/1",
        {"subject": "s"},
        resolve=lambda _host, _port: ["93.184.216.34"],
        transport=httpx.MockTransport(take),
    )
    (call,) = calls
    assert call.url == "https://93.184.216.34/t/1"
    assert call.headers["Host"] == "hooks.example.org"
    assert call.extensions["sni_hostname"] == "hooks.example.org"


def test_a_redirect_of_a_hook_is_not_followed() -> None:
    with pytest.raises(notices.HookRefused):
        notices.post_hook(
            "https://hooks.example.org/",
            {},
            resolve=lambda _host, _port: ["93.184.216.34"],
            transport=httpx.MockTransport(
                lambda _request: httpx.Response(302, headers={"Location": "http://a/"})
            ),
        )


def test_a_broken_hook_does_not_keep_the_letter_back(till: Till, settings: Any) -> None:
    settings.TREASURER_WEBHOOK = "http://127.0.0.1:9/"
    assert notices.tell("x", ["y"])
    assert len(mail.outbox) == 1
