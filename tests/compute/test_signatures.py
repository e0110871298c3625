"""Only the node itself can speak as the node, and each word of it counts once."""

import json
import time

import pytest

from compute.agent import protocol
from tests.compute.net import TestNode, new_node

pytestmark = pytest.mark.django_db
BODY = json.dumps({"max_units": 1}).encode()


@pytest.fixture
def node() -> TestNode:
    return new_node()


def test_a_signed_request_is_let_in(node: TestNode) -> None:
    assert node.send(protocol.CLAIM, BODY).status == 200


@pytest.mark.parametrize("path", [p for p in protocol.PATHS if p != protocol.WHY])
def test_an_unsigned_request_is_refused(node: TestNode, path: str) -> None:
    body = json.dumps({"code": "c", "public_key": "0" * 64, "name": "n"}).encode()
    reply = node.send_signed(path, body, {})
    assert (reply.status, reply.code) == (401, "signature_missing")


def test_a_changed_body_is_refused(node: TestNode) -> None:
    headers = node.headers(protocol.CLAIM, BODY)
    reply = node.send_signed(protocol.CLAIM, b'{"max_units": 9}', headers)
    assert (reply.status, reply.code) == (401, "signature_wrong")


def test_a_signature_for_another_address_is_refused(node: TestNode) -> None:
    headers = node.headers(protocol.RELEASE, BODY)
    assert node.send_signed(protocol.CLAIM, BODY, headers).code == "signature_wrong"


def test_a_node_cannot_speak_as_another(node: TestNode) -> None:
    other = new_node()
    reply = node.send(protocol.CLAIM, BODY, **{protocol.NODE_HEADER: other.uuid})
    assert reply.code == "signature_wrong"


def test_a_request_said_twice_is_refused(node: TestNode) -> None:
    headers = node.headers(protocol.CLAIM, BODY)
    assert node.send_signed(protocol.CLAIM, BODY, headers).status == 200
    again = node.send_signed(protocol.CLAIM, BODY, headers)
    assert (again.status, again.code) == (401, "request_replayed")


@pytest.mark.parametrize("offset", [-125.0, 125.0])
def test_a_wrong_clock_is_told_the_time(node: TestNode, offset: float) -> None:
    headers = node.headers(protocol.CLAIM, BODY, clock_offset=offset)
    reply = node.send_signed(protocol.CLAIM, BODY, headers)
    assert (reply.status, reply.code) == (401, "clock_skew")
    assert reply.body["error"]["server_time"] == pytest.approx(time.time(), abs=5)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"max_units": true}', b'{"max_units": "1"}', b"\xff"]
)
def test_a_malformed_message_is_named_so(node: TestNode, body: bytes) -> None:
    reply = node.send(protocol.CLAIM, body)
    assert (reply.status, reply.code) == (400, "malformed")
