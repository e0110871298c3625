"""What an operator and staff see of nodes, and what they may do there."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actions import register_user
from accounts.models import Person
from compute import actions
from compute.agent import protocol
from compute.models import Node
from tests.compute.net import (
    TestNode,
    box,
    boxes,
    new_job,
    new_node,
    new_person,
    open_units,
)
from tests.staff import enter

pytestmark = pytest.mark.django_db
CODE = re.compile(r"--code ([0-9a-f]{32}\.[0-9a-f]{32})")


def browser_of(person: Person) -> Client:
    browser = Client()
    browser.force_login(person.user)
    return browser


def test_the_page_needs_a_sign_in() -> None:
    assert Client().get("/nodes/").status_code == 302


def test_the_command_on_the_page_pairs_a_node_and_is_shown_once() -> None:
    person = new_person()
    browser = browser_of(person)
    text = browser.post("/nodes/").content.decode()
    (code,) = CODE.findall(text)
    assert "-m compute.agent --server http://testserver --code" in text
    assert TestNode(person).enroll(code).status == 200
    page = browser.get("/nodes/")
    assert not CODE.search(page.content.decode())
    assert "shed" in page.content.decode()
    assert "no-store" in page["Cache-Control"]


def test_a_person_who_is_not_verified_is_sent_to_confirm_first() -> None:
    browser = browser_of(new_person(level=0))
    assert "/confirm-identity/" in browser.get("/nodes/").content.decode()
    assert browser.post("/nodes/").status_code == 403


def test_every_state_of_a_lease_is_told_in_plain_words() -> None:
    job = new_job()
    node, other = new_node(), new_node()
    browser = browser_of(node.person)

    def page() -> str:
        return browser.get("/nodes/").content.decode()

    open_units(job)
    leases = node.claim()
    assert "It works on a photo" in page()
    node.answer(leases, boxes(box()))
    assert "second computer" in page()
    other.answer(other.claim(), boxes(box()))
    assert "found the same" in page()
    assert "0.005" in page()
    open_units(job)
    node.answer(node.claim(), boxes(box()))
    other.answer(other.claim(), boxes())
    assert "computers differ" in page()
    open_units(job)
    node.answer(node.claim(), None, error=protocol.BAD_INPUT)
    assert "could not run" in page()
    open_units(job)
    node.post(protocol.RELEASE, leases=[node.claim()[0]["lease"]])
    assert "gave it back" in page()
    node.claim()
    actions.expire_leases(timezone.now() + timedelta(seconds=61))
    assert "took too long" in page()


def test_an_operator_removes_only_their_own_node() -> None:
    node, stranger = new_node(), new_person()
    address = f"/nodes/{node.uuid}/remove/"
    assert browser_of(stranger).post(address).status_code == 404
    assert browser_of(node.person).post(address).status_code == 302
    assert Node.objects.get().status == Node.Status.REVOKED


@pytest.mark.parametrize("name", ["node", "job", "unit", "lease", "result", "model"])
def test_staff_look_but_do_not_edit(name: str) -> None:
    open_units(new_job())
    node = new_node()
    node.answer(node.claim(), boxes())
    staff = register_user(
        email="staff@example.org",
        password="correct horse",
        is_staff=True,
        is_superuser=True,
    )
    browser = Client()
    enter(browser, staff)
    assert browser.get(f"/admin/compute/{name}/").status_code == 200
    assert browser.get(f"/admin/compute/{name}/add/").status_code == 403


def test_staff_remove_a_node_from_the_list() -> None:
    node = new_node()
    staff = register_user(
        email="staff@example.org",
        password="correct horse",
        is_staff=True,
        is_superuser=True,
    )
    browser = Client()
    enter(browser, staff)
    row = Node.objects.get(uuid=node.uuid)
    browser.post(
        "/admin/compute/node/",
        {"action": "revoke", "_selected_action": [row.pk]},
    )
    row.refresh_from_db()
    assert row.status == Node.Status.REVOKED
