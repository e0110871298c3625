"""The treasurer's pages: two persons, reasons, batches, stops; who may look and do."""

import re
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.test import Client as Browser

from accounts.models import AuditEvent, User
from rewards.models import Payout, PayoutEvent, Reconciliation, Stop
from rewards.simulator.faults import Action, Fault
from tests.rewards.simulated import stranger
from tests.rewards.teller import Till, open_till
from tests.staff import enter

pytestmark = pytest.mark.django_db
Status = Payout.Status
TREASURER = (
    *("view_payout", "change_payout", "view_payoutevent", "view_stop", "change_stop"),
    *("view_reconciliation", "add_reconciliation", "view_account"),
)
LIST = "/admin/rewards/payout/"
TILL = "/admin/rewards/payout/till/"


class Desk:
    """A member of staff at the admin."""

    def __init__(self, till: Till, *permissions: str, **more: bool) -> None:
        self.till = till
        earner = till.person(earned="0", linked=False, is_staff=True, **more)
        self.user: User = earner.user
        self.person = earner.person
        self.user.user_permissions.add(
            *Permission.objects.filter(
                codename__in=permissions, content_type__app_label="rewards"
            )
        )
        self.browser = Browser()
        with time_machine.travel(till.now, tick=False):
            enter(self.browser, self.user)

    def get(self, path: str) -> Any:
        with time_machine.travel(self.till.now, tick=False):
            return self.browser.get(path)

    def post(self, path: str, **body: Any) -> str:
        """Send a form, and return the words of the page it leads to."""
        with time_machine.travel(self.till.now, tick=False):
            reply = self.browser.post(path, body, follow=True)
        assert reply.status_code == 200, reply.status_code
        return words(reply.content.decode())

    def do(self, payout: Payout, do: str, **body: Any) -> str:
        return self.post(f"{LIST}{payout.pk}/decide/", do=do, **body)


def words(html: str) -> str:
    text = re.sub(r"<[^>]+>", " ", html.replace("&nbsp;", " "))
    return " ".join(text.replace("&#x27;", "'").split())


def status(payout: Payout) -> str:
    payout.refresh_from_db()
    return payout.status


@pytest.fixture
def till(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Till:
    return open_till(monkeypatch, settings)


@pytest.fixture
def one(till: Till) -> Desk:
    return Desk(till, *TREASURER)


@pytest.fixture
def other(till: Till) -> Desk:
    return Desk(till, *TREASURER)


@pytest.fixture
def payout(till: Till) -> Payout:
    return till.ask(till.person())


def test_one_prepares_and_another_approves(
    one: Desk, other: Desk, payout: Payout
) -> None:
    assert "Another member of staff approves it" in one.do(payout, "prepare")
    assert status(payout) == Status.PREPARED
    assert "Approved" in other.do(payout, "approve")
    assert status(payout) == Status.APPROVED
    assert (payout.prepared_by, payout.approved_by) == (one.person, other.person)


@pytest.mark.parametrize("is_superuser", [False, True])
def test_the_same_person_never_does_both(
    till: Till, payout: Payout, *, is_superuser: bool
) -> None:
    desk = Desk(till, *TREASURER, is_superuser=is_superuser)
    desk.do(payout, "prepare")
    said = desk.do(payout, "approve")
    assert status(payout) == Status.PREPARED
    assert "person" in said
    assert "Approved. It leaves" not in said


def test_nobody_decides_their_own_payout(till: Till) -> None:
    earner = till.person(is_staff=True, is_superuser=True)
    payout = till.ask(earner)
    with time_machine.travel(till.now, tick=False):
        enter(earner.browser, earner.user)
        for do in ("prepare", "reject"):
            earner.browser.post(
                f"{LIST}{payout.pk}/decide/", {"do": do, "reason": "mine"}
            )
            assert status(payout) == Status.REQUESTED


def test_rejecting_needs_a_reason_and_frees_the_money(
    till: Till, one: Desk, payout: Payout
) -> None:
    assert "Say why" in one.do(payout, "reject")
    assert status(payout) == Status.REQUESTED
    one.do(payout, "reject", reason="please write to us")
    assert status(payout) == Status.REJECTED
    payout.account.refresh_from_db()
    assert payout.account.held == 0


def test_the_page_shows_the_checks_and_every_step(
    till: Till, one: Desk, payout: Payout
) -> None:
    one.do(payout, "prepare")
    text = words(one.get(f"{LIST}{payout.pk}/decide/").content.decode())
    for found in (
        "Evidence level 2",
        "Limit in 24 hours 12 of 50 Pi",
        "First payout the first to this Pi account",
        "Reversals in 30 days 0",
        "Owes us 0 Pi",
        "Age of the account",
        "balance 40 Pi, of it 12 Pi on hold",
    ):
        assert found in text
    assert one.user.email in text
    assert "requested" in text


def test_a_changed_pi_account_stands_out_and_stops_the_approval(
    one: Desk, payout: Payout
) -> None:
    Payout.objects.filter(pk=payout.pk).update(uid="another")
    text = words(one.get(f"{LIST}{payout.pk}/decide/").content.decode())
    assert "Pi account another one since" in text
    assert "another Pi account" in one.do(payout, "prepare")
    assert status(payout) == Status.REQUESTED


def test_many_are_prepared_as_a_batch_and_approved_at_once(
    till: Till, one: Desk, other: Desk
) -> None:
    payouts = [till.ask(till.person()) for _ in range(3)]
    own = till.ask(till.person())
    Payout.objects.filter(pk=own.pk).update(person=one.person)
    chosen = [row.pk for row in (*payouts, own)]
    said = one.post(LIST, action="prepare_chosen", _selected_action=chosen)
    assert "3 payouts" in said
    assert own.uuid.hex[:8] in said
    batch = Payout.objects.get(pk=payouts[0].pk).batch
    assert batch
    text = words(other.get(TILL).content.decode())
    assert f"Batch {batch}: 3 payouts, 36 π" in text
    one.post("/admin/rewards/payout/till/batch/", batch=batch)
    assert {status(row) for row in payouts} == {Status.PREPARED}
    assert "3 payouts" in other.post("/admin/rewards/payout/till/batch/", batch=batch)
    assert {status(row) for row in payouts} == {Status.APPROVED}


def test_prepared_payouts_can_be_chosen_and_approved_in_the_list(
    one: Desk, other: Desk, payout: Payout
) -> None:
    one.do(payout, "prepare")
    other.post(LIST, action="approve_chosen", _selected_action=[payout.pk])
    assert status(payout) == Status.APPROVED


def test_the_kill_switch_stops_payouts_until_it_is_lifted_with_a_reason(
    till: Till, one: Desk, other: Desk, payout: Payout
) -> None:
    till.approve(payout)
    assert "Say why" in one.post(f"{TILL}stops/")
    assert not Stop.objects.exists()
    assert "Payouts stand still" in one.post(f"{TILL}stops/", reason="odd transfers")
    till.work()
    assert status(payout) == Status.APPROVED
    stop = Stop.objects.get()
    assert (stop.kind, stop.raised_by) == (Stop.Kind.KILL_SWITCH, one.person)
    assert "Payouts run" in other.post(f"{TILL}stops/", lift=stop.pk, reason="all well")
    till.work()
    assert status(payout) == Status.COMPLETED
    events = AuditEvent.objects.filter(subject=f"stop:{stop.pk}").order_by("id")
    assert [(row.verb, row.actor, row.detail["reason"]) for row in events] == [
        ("stop_payouts", one.person, "odd transfers"),
        ("lift_stop", other.person, "all well"),
    ]


def test_a_payout_under_review_goes_on_only_with_a_reason(
    till: Till, one: Desk, payout: Payout
) -> None:
    till.approve(payout)
    till.world.simulator.add_faults(
        [Fault(Action.REFUSE, "POST", "/complete$", code="txid_mismatch")]
    )
    till.work()
    assert status(payout) == Status.NEEDS_REVIEW
    assert "Say why" in one.do(payout, "look_again")
    assert "The chain holds this payment" in one.do(payout, "give_back", reason="x")
    one.do(payout, "look_again", reason="Pi was asked")
    till.work()
    assert status(payout) == Status.COMPLETED
    event = PayoutEvent.objects.get(from_status=Status.NEEDS_REVIEW)
    assert (event.actor, event.reason) == (one.person, "Pi was asked")


def test_the_day_is_drawn_from_what_came_and_went(till: Till, one: Desk) -> None:
    till.paid(till.person())
    html = one.get(TILL).content.decode()
    assert 'data-way="in"' in html
    assert "came in 40 π" in words(html)
    assert "went out 12 π" in words(html)
    assert html.count("<rect") == 48
    assert "http" not in re.sub(r"http://(testserver|www\.w3\.org)", "", html)


def test_a_comparison_can_be_asked_for_and_says_what_differs(
    till: Till, one: Desk
) -> None:
    till.person()
    assert "Everything matches" in one.post("/admin/rewards/reconciliation/now/")
    to = stranger().public_key
    till.world.simulator.chain.open_account(to, 10_000_000)
    sent = till.world.submit(till.world.envelope(to=to)).json()["hash"]
    assert sent in one.post("/admin/rewards/reconciliation/now/")
    assert "the books do not match" in words(one.get(TILL).content.decode())
    said = one.post(
        "/admin/rewards/reconciliation/book/", txid=sent, reason="the auditor"
    )
    assert "Booked" in said
    assert "Everything matches" in one.post("/admin/rewards/reconciliation/now/")
    outcomes = Reconciliation.objects.order_by("id").values_list("outcome", flat=True)
    assert list(outcomes) == ["match", "mismatch", "match"]


def test_who_may_only_look_decides_nothing(till: Till, payout: Payout) -> None:
    desk = Desk(till, "view_payout", "view_reconciliation")
    page = desk.get(f"{LIST}{payout.pk}/decide/")
    assert "You may look, but not decide" in words(page.content.decode())
    for path, body in (
        (f"{LIST}{payout.pk}/decide/", {"do": "prepare"}),
        (f"{TILL}stops/", {"reason": "x"}),
        (f"{TILL}batch/", {"batch": "x"}),
        ("/admin/rewards/reconciliation/now/", {}),
        ("/admin/rewards/reconciliation/book/", {"txid": "ab" * 32, "reason": "x"}),
    ):
        assert desk.browser.post(path, body).status_code == 403, path
    desk.browser.post(LIST, {"action": "prepare_chosen", "_selected_action": payout.pk})
    assert status(payout) == Status.REQUESTED
    assert not Stop.objects.exists()


def test_staff_without_the_permission_see_no_payouts(
    till: Till, payout: Payout
) -> None:
    desk = Desk(till, "view_account")
    for path in (LIST, TILL, f"{LIST}{payout.pk}/decide/"):
        assert desk.get(path).status_code == 403


@pytest.mark.parametrize(
    "name", ["payout", "payoutevent", "envelope", "stop", "reconciliation"]
)
def test_rows_are_looked_at_and_never_edited(till: Till, name: str) -> None:
    till.paid(till.person())
    till.reconcile()
    desk = Desk(till, is_superuser=True)
    assert desk.get(f"/admin/rewards/{name}/").status_code == 200
    assert desk.get(f"/admin/rewards/{name}/add/").status_code == 403
