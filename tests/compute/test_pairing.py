"""A node is paired once, with a code of its operator, to the server that it means."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.errors import EvidenceNeeded
from compute import actions, queries
from compute.agent import protocol
from compute.models import Node
from tests.compute.net import TestNode, new_node, new_person

pytestmark = pytest.mark.django_db


def code_of(person) -> str:
    return actions.issue_code(person, now=timezone.now())


def test_a_code_brings_one_node_and_names_the_servers_key() -> None:
    person = new_person()
    code = code_of(person)
    reply = TestNode(person).enroll(code)
    assert reply.status == 200
    assert protocol.fingerprint(reply.body["server_key"]) == code.partition(".")[2]
    second = TestNode(person).enroll(code)
    assert (second.status, second.code) == (403, "code_refused")
    assert Node.objects.get().person == person


def test_a_node_that_lost_the_answer_is_answered_again() -> None:
    node = TestNode(new_person())
    code = code_of(node.person)
    assert node.enroll(code).body["node"] == node.enroll(code).body["node"]
    assert Node.objects.count() == 1


def test_a_code_dies_after_a_quarter_of_an_hour() -> None:
    person = new_person()
    code = code_of(person)
    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=1)):
        assert TestNode(person).enroll(code).code == "code_refused"


def test_only_a_verified_person_gets_a_code() -> None:
    with pytest.raises(EvidenceNeeded):
        code_of(new_person(level=0))


@pytest.mark.parametrize("code", ["", "x", "0" * 32 + "." + "0" * 32, "\x00", "ü" * 40])
def test_an_invented_code_is_refused(code: str) -> None:
    assert TestNode(new_person()).enroll(code).status in (400, 403)


def test_the_key_must_be_owned_by_whoever_enrolls_it() -> None:
    honest, thief = TestNode(new_person()), TestNode(new_person())
    reply = thief.post(
        protocol.ENROLL,
        code=code_of(thief.person),
        public_key=honest.key.public,
        name="mine",
    )
    assert (reply.status, reply.code) == (401, "signature_wrong")


def test_a_person_has_a_bounded_number_of_nodes(monkeypatch) -> None:
    monkeypatch.setattr("compute.actions.nodes.NODES_MAX", 1)
    node = new_node()
    assert TestNode(node.person).enroll(code_of(node.person)).code == "too_many_nodes"


def test_a_removed_node_is_turned_away() -> None:
    node = new_node()
    row = queries.nodes_of(node.person).get()
    actions.revoke_node(row, actor=node.person, now=timezone.now())
    reply = node.post(protocol.CLAIM, max_units=1)
    assert (reply.status, reply.code) == (403, "node_revoked")
