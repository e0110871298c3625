"""Laws of approving: two members of staff, in time, and nobody for themselves."""

import pytest
from django.db import IntegrityError, transaction

from accounts import actions
from accounts.models import Membership
from rewards.errors import PayoutMoved, PayoutRefused, TwoPersonsNeeded
from rewards.models import Payout
from rewards.payouts import approvals, queries, requests
from tests.rewards.payouts import PI, Scene


def asked(payday: Scene, pi: int = 5) -> Payout:
    person, account = payday.person()
    return requests.request_payout(person, account, pi * PI, now=payday.now)


def test_whoever_prepared_cannot_approve(payday: Scene) -> None:
    payout, staff = asked(payday), payday.staff()
    approvals.prepare(payout.uuid, staff, now=payday.now)
    with pytest.raises(TwoPersonsNeeded):
        approvals.approve(payout.uuid, staff, now=payday.now)
    approved = approvals.approve(payout.uuid, payday.staff(), now=payday.now)
    assert approved.status == Payout.Status.APPROVED


def test_the_database_itself_wants_two_persons(payday: Scene) -> None:
    payout, staff = asked(payday), payday.staff()
    rows = Payout.objects.filter(pk=payout.pk)
    for change in (
        {"prepared_by": staff, "approved_by": staff},
        {"prepared_by": payout.person},
        {"approved_by": payout.person},
        {"status": "approved"},
        {"status": "reserved", "prepared_by": staff},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**change)


def test_a_superuser_is_no_exception(payday: Scene) -> None:
    payout = asked(payday)
    root = actions.register_user(
        email="root@example.org", password="x", is_staff=True, is_superuser=True
    ).person
    assert root is not None
    approvals.prepare(payout.uuid, root, now=payday.now)
    with pytest.raises(TwoPersonsNeeded):
        approvals.approve(payout.uuid, root, now=payday.now)


def test_nobody_decides_over_their_own_money(payday: Scene) -> None:
    person, organization, account = payday.depositor(30)
    payout = requests.request_payout(person, account, 5 * PI, now=payday.now)
    colleague = payday.staff()
    Membership.objects.create(person=colleague, organization=organization)
    for staff in (person, colleague):
        with pytest.raises(TwoPersonsNeeded):
            approvals.prepare(payout.uuid, staff, now=payday.now)
        with pytest.raises(TwoPersonsNeeded):
            approvals.reject(payout.uuid, staff, reason="no", now=payday.now)


def test_only_staff_decide(payday: Scene) -> None:
    payout = asked(payday)
    stranger, _ = payday.person()
    with pytest.raises(TwoPersonsNeeded):
        approvals.prepare(payout.uuid, stranger, now=payday.now)


def test_a_rejection_has_a_reason_and_frees_the_money(payday: Scene) -> None:
    payout, staff = asked(payday), payday.staff()
    with pytest.raises(PayoutRefused):
        approvals.reject(payout.uuid, staff, reason=" ", now=payday.now)
    approvals.reject(payout.uuid, staff, reason="duplicate", now=payday.now)
    payout.account.refresh_from_db()
    assert payout.account.held == 0
    last = queries.events_of(payout).last()
    assert last is not None
    assert (last.actor, last.from_status, last.to_status, last.reason) == (
        staff,
        "requested",
        "rejected",
        "duplicate",
    )


def test_an_approval_that_was_not_used_in_time_is_void(payday: Scene) -> None:
    payout = payday.approved(*payday.person())
    payday.wait(24 * 3600)
    payday.work()  # the worker does not use it either
    assert approvals.expire_approvals(now=payday.now) == 1
    payout.refresh_from_db()
    assert (payout.status, payout.prepared_by, payout.approved_by) == (
        "requested",
        None,
        None,
    )
    assert approvals.expire_approvals(now=payday.now) == 0


def test_a_second_person_who_comes_too_late_is_refused(payday: Scene) -> None:
    payout = asked(payday)
    approvals.prepare(payout.uuid, payday.staff(), now=payday.now)
    payday.wait(24 * 3600 + 1)
    with pytest.raises(PayoutRefused) as refusal:
        approvals.approve(payout.uuid, payday.staff(), now=payday.now)
    assert refusal.value.get_codes() == "approval_expired"


def test_what_changed_since_the_asking_is_seen_at_the_approval(
    payday: Scene, settings
) -> None:
    payout = asked(payday)
    approvals.prepare(payout.uuid, payday.staff(), now=payday.now)
    settings.PAYOUT_DAILY_BY_LEVEL_PI = ["0", "0", "4", "4"]
    with pytest.raises(PayoutRefused):
        approvals.approve(payout.uuid, payday.staff(), now=payday.now)
    settings.PAYOUT_DAILY_BY_LEVEL_PI = ["0", "0", "50", "50"]
    payout.person.piidentity_set.update(retired_at=payday.now)
    with pytest.raises(PayoutRefused) as refusal:
        approvals.approve(payout.uuid, payday.staff(), now=payday.now)
    assert refusal.value.get_codes() == "pi_account_changed"


def test_a_batch_leaves_out_what_cannot_go_and_says_why(payday: Scene) -> None:
    payouts = [asked(payday) for _ in range(3)]
    requests.cancel_payout(payouts[1].person, payouts[1].uuid, now=payday.now)
    first, second = payday.staff(), payday.staff()
    left_out = approvals.prepare_batch(
        [payout.uuid for payout in payouts], first, batch="monday", now=payday.now
    )
    assert [uuid for uuid, _ in left_out] == [payouts[1].uuid]
    assert approvals.approve_batch("monday", second, now=payday.now) == []
    statuses = Payout.objects.order_by("id").values_list("status", flat=True)
    assert list(statuses) == ["approved", "cancelled", "approved"]


def test_nothing_is_decided_twice(payday: Scene) -> None:
    payout = payday.approved(*payday.person())
    with pytest.raises(PayoutMoved):
        approvals.approve(payout.uuid, payday.staff(), now=payday.now)
    payday.work()
    with pytest.raises(PayoutMoved):
        approvals.reject(payout.uuid, payday.staff(), reason="late", now=payday.now)
