"""Laws of asking: who may take out how much, from which account, to whom."""

import pytest

from accounts import actions
from accounts.errors import EvidenceNeeded
from accounts.models import Evidence, Membership
from rewards.errors import InsufficientFunds, PayoutMoved, PayoutRefused
from rewards.models import Payout
from rewards.payouts import approvals, queries, requests
from tests.rewards.payouts import PI, Scene


def test_what_is_asked_for_is_on_hold_until_it_leaves(payday: Scene) -> None:
    person, account = payday.person(pi=20)
    payout = requests.request_payout(person, account, 15 * PI, now=payday.now)
    account.refresh_from_db()
    assert (account.balance, account.available) == (20 * PI, 5 * PI)
    assert payout.status == Payout.Status.REQUESTED
    requests.cancel_payout(person, payout.uuid, now=payday.now)
    account.refresh_from_db()
    assert account.available == 20 * PI
    events = [event.to_status for event in queries.events_of(payout)]
    assert events == ["requested", "cancelled"]


@pytest.mark.parametrize(
    ("pi", "code"), [(0, "payout_too_small"), (51, "payout_daily_limit")]
)
def test_too_little_and_too_much_are_refused(payday: Scene, pi: int, code: str) -> None:
    person, account = payday.person()
    with pytest.raises(PayoutRefused) as refusal:
        requests.request_payout(person, account, pi * PI, now=payday.now)
    assert refusal.value.get_codes() == code


def test_the_limit_of_a_day_counts_what_was_paid_before(payday: Scene) -> None:
    person, account = payday.person()
    payday.approved(person, account, 40)
    payday.work(rounds=2)
    with pytest.raises(PayoutRefused):
        requests.request_payout(person, account, 11 * PI, now=payday.now)
    payday.wait(24 * 3600)
    requests.request_payout(person, account, 11 * PI, now=payday.now)


def test_limits_rise_with_the_level_of_evidence(payday: Scene) -> None:
    person, account = payday.person(level=1)
    with pytest.raises(EvidenceNeeded):
        requests.request_payout(person, account, 2 * PI, now=payday.now)
    actions.record_evidence(
        person, kind=Evidence.Kind.STAFF_CHECK, level=3, source="test"
    )
    requests.request_payout(person, account, 90 * PI, now=payday.now)


def test_more_than_there_is_cannot_be_asked_for(payday: Scene) -> None:
    person, account = payday.person(pi=3)
    with pytest.raises(InsufficientFunds):
        requests.request_payout(person, account, 4 * PI, now=payday.now)
    assert not Payout.objects.exists()


def test_one_payout_of_an_account_is_open_at_a_time(payday: Scene) -> None:
    person, account = payday.person()
    first = requests.request_payout(person, account, 2 * PI, now=payday.now)
    with pytest.raises(PayoutRefused) as refusal:
        requests.request_payout(person, account, 2 * PI, now=payday.now)
    assert refusal.value.get_codes() == "payout_open"
    requests.cancel_payout(person, first.uuid, now=payday.now)
    requests.request_payout(person, account, 2 * PI, now=payday.now)


def test_nobody_takes_from_anothers_account(payday: Scene) -> None:
    person, _ = payday.person()
    _, foreign = payday.person()
    with pytest.raises(PayoutRefused) as refusal:
        requests.request_payout(person, foreign, 2 * PI, now=payday.now)
    assert refusal.value.get_codes() == "not_your_account"


def test_without_a_pi_account_there_is_nobody_to_pay(payday: Scene) -> None:
    person, account = payday.person()
    person.piidentity_set.update(retired_at=payday.now)
    with pytest.raises(PayoutRefused) as refusal:
        requests.request_payout(person, account, 2 * PI, now=payday.now)
    assert refusal.value.get_codes() == "no_pi_account"


def test_a_clients_money_goes_back_to_who_paid_it_in_and_no_more(
    payday: Scene,
) -> None:
    person, organization, account = payday.depositor(30)
    payday.fund(account, 10)  # from somebody else
    other, _ = payday.person()
    Membership.objects.create(
        person=other, organization=organization, role=Membership.Role.MANAGER
    )
    for asking, pi in ((other, 1), (person, 31)):
        with pytest.raises(PayoutRefused) as refusal:
            requests.request_payout(asking, account, pi * PI, now=payday.now)
        assert refusal.value.get_codes() == "not_the_depositor"
    payday.approved(person, account, 30)
    payday.work(rounds=2)
    with pytest.raises(PayoutRefused):
        requests.request_payout(person, account, 1 * PI, now=payday.now)
    account.refresh_from_db()
    assert account.balance == 10 * PI


def test_a_viewer_of_an_organization_takes_nothing_out(payday: Scene) -> None:
    _, organization, account = payday.depositor(30)
    viewer, _ = payday.person()
    Membership.objects.create(person=viewer, organization=organization)
    with pytest.raises(PayoutRefused):
        requests.request_payout(viewer, account, 1 * PI, now=payday.now)


def test_what_has_left_cannot_be_taken_back(payday: Scene) -> None:
    person, account = payday.person()
    payout = payday.approved(person, account)
    payday.work()
    with pytest.raises(PayoutMoved):
        requests.cancel_payout(person, payout.uuid, now=payday.now)


def test_small_payouts_go_alone_from_the_second_on(payday: Scene) -> None:
    person, account = payday.person()
    first = requests.request_payout(person, account, 2 * PI, now=payday.now)
    assert (first.status, first.automatic) == ("requested", False)
    approvals.prepare(first.uuid, payday.staff(), now=payday.now)
    approvals.approve(first.uuid, payday.staff(), now=payday.now)
    payday.work(rounds=2)
    second = requests.request_payout(person, account, 2 * PI, now=payday.now)
    assert (second.status, second.automatic) == ("approved", True)
    requests.cancel_payout(person, second.uuid, now=payday.now)
    large = requests.request_payout(person, account, 10 * PI, now=payday.now)
    assert large.status == "requested"
