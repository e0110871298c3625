"""Laws of paying: exactly once, whatever is lost, and given back only on proof."""

from contextlib import suppress

import pytest
from django.db import connection

from accounts.models import Evidence
from rewards.models import Account, Envelope, Payout, Stop, Transfer
from rewards.payouts import controls, engine, leases, queries, requests, reviews
from rewards.payouts.leases import LeaseLost
from rewards.payouts.transitions import ARROWS, FINAL, in_flight_account
from rewards.queries import ledger_problems
from rewards.simulator.faults import Action, Crash, Fault
from rewards.simulator.keys import OUTGOING
from tests.rewards.payouts import PI, Scene

SUBMIT = r"^/transactions$"


def paid(payday: Scene, payout: Payout) -> int:
    """Return how often the chain has paid this, checking the books on the way."""
    payout.refresh_from_db()
    debits = payday.simulator.debits(payout.payment_id or "none")
    assert payday.drift() == 0
    assert Account.objects.get(pk=in_flight_account().pk).balance == 0
    assert list(ledger_problems()) == []
    return len(debits)


def test_an_approved_payout_arrives_and_every_step_is_kept(payday: Scene) -> None:
    person, account = payday.person(pi=20)
    payout = payday.approved(person, account, 5)
    address = payday.pi_user(person).address
    before = payday.simulator.balance(address)
    payday.work()
    assert paid(payday, payout) == 1
    assert payday.simulator.balance(address) == before + 5 * PI
    account.refresh_from_db()
    assert (account.balance, account.held) == (15 * PI, 0)
    steps = [event.to_status for event in queries.events_of(payout)][2:]
    assert steps == [
        *("approved", "reserved", "created", "signed", "submitted"),
        *("confirmed", "completed"),
    ]
    keys = Transfer.objects.filter(group=f"payout:{payout.uuid}")
    amounts = {row.key.split(":")[-1]: row.amount for row in keys}
    assert amounts == {"reserve": 5 * PI, "done": 5 * PI, "fee": 100_000}


def test_a_wallet_that_was_paid_is_evidence_once(payday: Scene) -> None:
    person, account = payday.person()
    for _ in range(2):
        payday.approved(person, account)
        payday.work(rounds=2)
    evidence = Evidence.objects.filter(person=person, kind=Evidence.Kind.WALLET)
    assert evidence.count() == 1
    assert evidence.get().level == 2


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("landed", [False, True])
@pytest.mark.parametrize(
    "path",
    [r"/incomplete", r"/v2/payments$", r"/complete$", SUBMIT, r"^/transactions/"],
)
def test_a_process_that_dies_around_any_call_loses_and_doubles_nothing(
    payday: Scene, path: str, *, landed: bool, nth: int
) -> None:
    payout = payday.approved(*payday.person())
    payday.faults(Fault(Action.CRASH, "", path, nth=nth, landed=landed))
    for number in range(4):
        with suppress(Crash):
            payday.work(holder=f"worker {number}")
        payday.wait(61)
    assert payout.status == Payout.Status.APPROVED
    assert paid(payday, payout) == 1
    assert payout.status == Payout.Status.COMPLETED


@pytest.mark.parametrize(
    "action",
    [
        *(Action.LANDED_UNKNOWN, Action.HTTP_504, Action.DROP_ANSWER),
        *(Action.DROP_REQUEST, Action.BAD_SEQUENCE, Action.DUPLICATE),
    ],
)
def test_in_doubt_the_same_envelope_is_sent_again(
    payday: Scene, action: Action
) -> None:
    payout = payday.approved(*payday.person())
    payday.faults(Fault(action, "POST", SUBMIT))
    payday.work(rounds=4)
    assert paid(payday, payout) == 1
    assert Envelope.objects.filter(payout=payout).count() == 1


def test_an_envelope_is_stored_before_it_is_sent(payday: Scene) -> None:
    payout = payday.approved(*payday.person())
    payday.faults(Fault(Action.CRASH, "POST", SUBMIT, landed=False))
    with pytest.raises(Crash):
        payday.work()
    envelope = Envelope.objects.get(payout=payout)
    assert (envelope.fate, envelope.wallet) == ("open", OUTGOING.public_key)
    assert not payday.simulator.state.transactions


def test_a_new_envelope_only_after_the_old_one_can_never_land(payday: Scene) -> None:
    payout = payday.approved(*payday.person())
    payday.faults(Fault(Action.HTTP_504, "POST", SUBMIT, nth=0))
    payday.work(rounds=8)
    assert Envelope.objects.filter(payout=payout).count() == 1
    payday.simulator.script.faults.clear()
    payday.wait(400)
    payday.work(rounds=2)
    assert paid(payday, payout) == 1
    fates = Envelope.objects.order_by("id").values_list("fate", flat=True)
    assert list(fates) == ["dead", "landed"]


def test_an_envelope_that_lands_late_is_found_and_not_paid_again(
    payday: Scene,
) -> None:
    payout = payday.approved(*payday.person())
    payday.faults(Fault(Action.LANDS_LATE, "POST", SUBMIT, nth=0, seconds=100.0))
    payday.work(rounds=16)
    assert paid(payday, payout) == 1
    assert Envelope.objects.filter(payout=payout).count() == 1


@pytest.mark.parametrize("trouble", ["missing_scope", "missing_wallet", "no_account"])
def test_what_the_recipient_can_mend_is_given_back_and_says_how(
    payday: Scene, trouble: str
) -> None:
    person, account = payday.person(pi=20)
    payout = payday.approved(person, account)
    user = payday.pi_user(person)
    if trouble == "missing_scope":
        user.scopes = ["username"]
    elif trouble == "missing_wallet":
        user.has_wallet = False
    else:
        del payday.simulator.state.accounts[user.address]
    payday.work(rounds=3)
    assert paid(payday, payout) == 0
    assert payout.status == Payout.Status.NEEDS_RECIPIENT
    assert "ask again" in queries.advice(payout)
    account.refresh_from_db()
    assert account.available == 20 * PI
    assert not any(row.is_open for row in payday.simulator.state.payments.values())
    requests.request_payout(person, account, 2 * PI, now=payday.now)


def test_a_failed_transaction_still_costs_its_fee(payday: Scene) -> None:
    person, account = payday.person()
    payday.approved(person, account)
    del payday.simulator.state.accounts[payday.pi_user(person).address]
    payday.work(rounds=3)
    fees = Transfer.objects.filter(kind=Transfer.Kind.NETWORK_FEE)
    assert [fee.amount for fee in fees] == [100_000]
    assert payday.drift() == 0


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("amount", 1),
        ("uid", "someone-else"),
        ("from_address", "GOTHER"),
        ("direction", "user_to_app"),
        ("txid", "ab" * 32),
    ],
)
def test_nothing_is_signed_for_a_payment_that_differs_from_our_row(
    payday: Scene, field: str, wrong: object
) -> None:
    payout = payday.approved(*payday.person())
    payday.faults(Fault(Action.CRASH, "GET", r"/v2/payments/\w{28}$", landed=False))
    with pytest.raises(Crash):
        payday.work()
    setattr(next(iter(payday.simulator.state.payments.values())), field, wrong)
    payday.wait(61)
    payday.work(holder="two")
    payout.refresh_from_db()
    assert payout.status == Payout.Status.NEEDS_REVIEW
    assert not Envelope.objects.exists()


def test_one_wallet_never_serves_two_people(payday: Scene) -> None:
    first, account = payday.person()
    payday.approved(first, account)
    payday.work()
    second, other = payday.person()
    payday.pi_user(second).address = payday.pi_user(first).address
    payout = payday.approved(second, other)
    payday.work()
    payout.refresh_from_db()
    assert payout.status == Payout.Status.NEEDS_REVIEW


def test_a_treasurer_gives_back_only_what_the_chain_does_not_hold(
    payday: Scene,
) -> None:
    payout = payday.approved(*payday.person())
    payday.faults(Fault(Action.REFUSE, "POST", r"/complete$", code="not_verified"))
    payday.work()
    payout.refresh_from_db()
    assert payout.status == Payout.Status.NEEDS_REVIEW
    staff = payday.staff()
    with pytest.raises(Exception, match="cannot be given back"):
        reviews.give_back(payout.uuid, staff, reason="stuck", now=payday.now)
    reviews.look_again(payout.uuid, staff, reason="Pi is well again", now=payday.now)
    payday.work()
    assert paid(payday, payout) == 1
    assert payout.status == Payout.Status.COMPLETED


# --- Who may pay


def test_a_wallet_has_one_worker_at_a_time(payday: Scene) -> None:
    payday.teller("one")
    wallet, network = payday.wallet, payday.network
    assert leases.take(network, wallet, holder="two", now=payday.now) is None
    payday.wait(61)
    assert leases.take(network, wallet, holder="two", now=payday.now) is not None


def test_a_worker_that_was_overtaken_writes_nothing(payday: Scene) -> None:
    payout = payday.approved(*payday.person())
    old = payday.teller("one")
    payday.wait(61)
    payday.work(holder="two")
    other = payday.approved(*payday.person())
    with pytest.raises(LeaseLost):
        engine.step(other.uuid, old, payday.now)
    assert paid(payday, payout) == 1


def test_a_wallet_has_one_open_envelope_at_a_time(payday: Scene) -> None:
    payouts = [payday.approved(*payday.person()) for _ in range(3)]
    payday.faults(Fault(Action.HTTP_504, "POST", SUBMIT, nth=1))
    payday.work()
    assert Envelope.objects.filter(fate=Envelope.Fate.OPEN).count() == 1
    payday.work(rounds=3)
    assert [paid(payday, payout) for payout in payouts] == [1, 1, 1]


# --- What stops them


def test_nothing_leaves_while_payouts_are_stopped(payday: Scene, settings) -> None:
    payout, staff = payday.approved(*payday.person()), payday.staff()
    stop = controls.stop(
        Stop.Kind.KILL_SWITCH, reason="a look", now=payday.now, actor=staff
    )
    payday.work(rounds=2)
    controls.lift(stop, actor=staff, now=payday.now)
    settings.PAYOUTS_ENABLED = False
    payday.work(rounds=2)
    assert not payday.simulator.state.payments
    settings.PAYOUTS_ENABLED = True
    payday.work()
    assert paid(payday, payout) == 1


def test_what_was_sent_is_completed_though_payouts_are_stopped(
    payday: Scene,
) -> None:
    payout, staff = payday.approved(*payday.person()), payday.staff()
    payday.faults(Fault(Action.CRASH, "POST", SUBMIT))
    with pytest.raises(Crash):
        payday.work()
    payday.wait(61)
    controls.stop(Stop.Kind.KILL_SWITCH, reason="a look", now=payday.now, actor=staff)
    payday.work(holder="two")
    payout.refresh_from_db()
    assert payout.status == Payout.Status.SIGNED  # known only to us: nothing is sent
    for row in queries.open_stops():
        controls.lift(row, actor=staff, now=payday.now)
    payday.work(holder="two")
    assert paid(payday, payout) == 1


@pytest.mark.parametrize(
    ("code", "status", "times"),
    [("too_many_payments", 400, 1), ("unauthorized", 401, 1), ("a_new_code", 400, 2)],
)
def test_an_answer_that_is_not_about_one_payout_stops_them_all(
    payday: Scene, code: str, status: int, times: int
) -> None:
    payout = payday.approved(*payday.person())
    payday.faults(
        *(
            Fault(
                Action.REFUSE,
                "POST",
                r"/v2/payments$",
                nth=n + 1,
                code=code,
                status=status,
            )
            for n in range(times)
        )
    )
    payday.work(rounds=4)
    [stop] = queries.open_stops()
    assert (stop.kind, paid_nothing(payday)) == (Stop.Kind.CIRCUIT_BREAKER, True)
    controls.lift(stop, actor=payday.staff(), now=payday.now)
    payday.wait(300)
    payday.work()
    assert paid(payday, payout) == 1


def paid_nothing(payday: Scene) -> bool:
    return not payday.simulator.state.transactions


def test_caps_hold_back_what_would_break_them(payday: Scene, settings) -> None:
    settings.PAYOUT_HOURLY_CAP_PI = "8"
    first = payday.approved(*payday.person())
    second = payday.approved(*payday.person())
    payday.work(rounds=3)
    second.refresh_from_db()
    assert (second.status, second.waits_for) == ("approved", "hourly_cap")
    payday.wait(3600)
    payday.work()
    assert (paid(payday, first), paid(payday, second)) == (1, 1)


def test_the_wallet_keeps_its_floor(payday: Scene, settings) -> None:
    settings.PAYOUT_WALLET_FLOOR_PI = "99996"
    payout = payday.approved(*payday.person())
    payday.work()
    payout.refresh_from_db()
    assert (payout.status, payout.waits_for) == ("created", "wallet_floor")
    settings.PAYOUT_WALLET_FLOOR_PI = "20"
    payday.wait(300)
    payday.work()
    assert paid(payday, payout) == 1


def test_every_status_has_its_arrows_or_is_final() -> None:
    assert set(ARROWS) | FINAL == set(Payout.Status)
    assert all(targets <= set(Payout.Status) for targets in ARROWS.values())


def test_a_transition_can_be_neither_changed_nor_deleted(payday: Scene) -> None:
    payout = payday.approved(*payday.person())
    event = queries.events_of(payout).last()
    assert event is not None
    with pytest.raises(Exception, match="append-only"), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE rewards_payoutevent SET reason = 'x' WHERE id = %s", [event.pk]
        )
