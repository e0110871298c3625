"""Who is given which unit, at what price, and what they are not told."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Organization
from compute import actions
from compute.agent import protocol
from compute.models import Job, Lease, Unit
from rewards.errors import InsufficientFunds
from tests.compute.net import (
    FEE,
    PRICE,
    new_job,
    new_node,
    new_person,
    open_units,
)

pytestmark = pytest.mark.django_db


def test_units_are_given_in_the_order_in_which_they_were_opened() -> None:
    units = open_units(new_job(), 3)
    new_node().claim(3)
    leased = Lease.objects.order_by("id").values_list("unit_id", flat=True)
    assert list(leased) == [unit.pk for unit in units]


def test_a_unit_is_given_to_as_many_persons_as_must_agree_and_no_more() -> None:
    open_units(new_job())
    assert [len(new_node().claim()) for _ in range(3)] == [1, 1, 0]


def test_two_nodes_of_one_person_never_see_the_same_unit() -> None:
    open_units(new_job())
    first = new_node()
    second = new_node(first.person)
    assert len(first.claim()) == 1
    assert second.claim() == []


def test_nobody_works_for_their_own_organization() -> None:
    owner = new_person()
    open_units(new_job(owner=owner))
    assert new_node(owner).claim() == []
    assert len(new_node().claim()) == 1


def test_a_paused_job_gives_nothing_and_a_resumed_one_does() -> None:
    job, node = new_job(), new_node()
    open_units(job)
    actions.set_job_status(job, Job.Status.PAUSED)
    assert node.claim() == []
    actions.set_job_status(job, Job.Status.ACTIVE)
    assert len(node.claim()) == 1


def test_the_price_is_fixed_at_the_claim() -> None:
    open_units(new_job())
    (lease,) = new_node().claim()
    assert lease["price"] == "0.005"
    assert Lease.objects.get(uuid=lease["lease"]).price == PRICE


def test_a_lease_says_nothing_of_client_job_or_purpose() -> None:
    job = new_job()
    open_units(job)
    reply = new_node().post(protocol.CLAIM, max_units=1)
    (lease,) = reply.body["leases"]
    assert set(lease) == {"lease", "model", "price", "inputs"}
    tenant = Organization.objects.get(uuid=job.tenant)
    text = json.dumps(reply.body)
    assert all(word not in text for word in (job.uuid.hex, job.tenant, tenant.name))


def test_a_known_model_is_not_sent_again() -> None:
    open_units(new_job(), 2)
    node = new_node()
    first = node.post(protocol.CLAIM, max_units=1).body
    (model,) = first["models"]
    again = node.post(protocol.CLAIM, max_units=1, known_models=[model["digest"]]).body
    assert (len(again["leases"]), again["models"]) == (1, [])


def test_a_model_that_a_node_cannot_run_is_not_offered_to_it() -> None:
    job = new_job()
    open_units(job)
    assert new_node().claim(cannot_run=[job.model.digest]) == []


def test_a_short_queue_is_shared_between_the_nodes_that_are_here() -> None:
    nodes = [new_node() for _ in range(4)]
    open_units(new_job(), 8)
    assert len(nodes[0].claim(64)) == 4
    assert len(nodes[1].claim(64)) == 3


def test_units_are_opened_only_as_far_as_the_escrow_covers_them() -> None:
    job = new_job(escrow=5 * (PRICE + FEE))
    assert len(open_units(job, 2)) == 2
    with pytest.raises(InsufficientFunds):
        open_units(job, 1)
    assert Unit.objects.count() == 2


def test_an_idle_node_is_told_when_to_ask_again_and_why_it_waits() -> None:
    node = new_node()
    reply = node.post(protocol.CLAIM, max_units=1)
    assert 0.2 < reply.body["next_poll_s"] < 0.3
    why = node.send(protocol.WHY, b"", method="GET")
    assert [reason["code"] for reason in why.body["reasons"]] == ["no_units"]


def test_every_reason_for_idleness_is_told() -> None:
    owner = new_person()
    node = new_node(owner)

    def codes() -> list[str]:
        why = node.send(protocol.WHY, b"", method="GET")
        return [reason["code"] for reason in why.body["reasons"]]

    open_units(new_job(owner=owner))
    assert codes() == ["own_project"]
    job = new_job()
    open_units(job)
    assert codes() == ["work_waiting"]
    node.claim()
    assert codes() == ["own_project", "others_turn"]
    actions.set_job_status(job, Job.Status.PAUSED)
    assert codes() == ["paused", "own_project"]


def test_an_expired_lease_goes_to_another_at_once() -> None:
    open_units(new_job(replicas=1))
    slow, other = new_node(), new_node()
    assert len(slow.claim()) == 1
    assert other.claim() == []
    later = timezone.now() + timedelta(seconds=61)
    assert actions.expire_leases(later) == 1
    with time_machine.travel(later):
        assert len(other.claim()) == 1


def test_a_renewed_lease_does_not_expire() -> None:
    open_units(new_job())
    node = new_node()
    (lease,) = node.claim()
    start = timezone.now()
    with time_machine.travel(start + timedelta(seconds=40)):
        reply = node.post(protocol.RENEW, leases=[lease["lease"]])
        assert reply.body["renewed"] == [lease["lease"]]
    assert actions.expire_leases(start + timedelta(seconds=70)) == 0
    assert actions.expire_leases(start + timedelta(seconds=110)) == 1
    reply = node.post(protocol.RENEW, leases=[lease["lease"]])
    assert reply.body["gone"] == [lease["lease"]]


def test_a_released_lease_may_come_back_to_the_same_node() -> None:
    open_units(new_job())
    node = new_node()
    (lease,) = node.claim()
    reply = node.post(protocol.RELEASE, leases=[lease["lease"]])
    assert reply.body["released"] == 1
    assert len(node.claim()) == 1


def test_a_node_gives_back_only_its_own() -> None:
    open_units(new_job())
    node, other = new_node(), new_node()
    (lease,) = node.claim()
    assert other.post(protocol.RELEASE, leases=[lease["lease"]]).body["released"] == 0
    assert Lease.objects.get().status == Lease.Status.ACTIVE


def test_a_node_that_starts_anew_gives_back_what_it_forgot() -> None:
    open_units(new_job(), 2)
    node = new_node()
    kept, _forgotten = node.claim()
    assert node.hello(holding=[kept["lease"]]).body["released"] == 1
    assert Lease.objects.get(status=Lease.Status.ACTIVE).uuid.hex == kept[
        "lease"
    ].replace("-", "")


def test_a_removed_nodes_work_goes_to_others_at_once() -> None:
    open_units(new_job(replicas=1))
    node, other = new_node(), new_node()
    node.claim()
    row = Lease.objects.get().node
    actions.revoke_node(row, actor=node.person, now=timezone.now())
    assert len(other.claim()) == 1
