"""Laws of the clients' pages: whole stories by plain forms, constant query counts."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from accounts import actions as accounts_actions
from accounts.models import ApiKey, Organization
from marketplace.models import Dataset, Project
from rewards import deposits
from rewards.money import parse
from tests.marketplace import world
from tests.staff import enter

pytestmark = pytest.mark.django_db


def page(browser: Browser, path: str, status: int = 200) -> str:
    reply = browser.get(path)
    assert reply.status_code == status, path
    return reply.content.decode()


def queries(call: Callable[[], Any]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        call()
    return len(seen)


def test_anybody_can_read_what_tessera_is() -> None:
    assert "Three ways" in page(Browser(), "/")


@pytest.mark.parametrize(
    "path", ["/home/", "/datasets/", "/projects/", "/wallet/", "/keys/"]
)
def test_a_stranger_is_asked_to_sign_in(path: str) -> None:
    reply = Browser().get(path)
    assert (reply.status_code, reply.url.split("?")[0]) == (302, "/accounts/login/")


def test_a_new_person_becomes_a_client_and_launches_by_forms_alone() -> None:
    model = world.new_model()
    person, browser = world.new_person(level=0)
    assert "name your organization" in page(browser, "/home/")
    assert browser.get("/datasets/").url == "/organization/new/"
    browser.post("/organization/new/", {"name": "Mosaic Robotics"})
    organization = Organization.objects.get()

    owned = {"organization": str(organization.uuid)}
    reply = browser.post("/datasets/", {"name": "photos", **owned})
    dataset = Dataset.objects.get()
    assert reply.url == f"/datasets/{dataset.uuid}/"
    files = [world.upload(f"{i}.jpg", world.picture()) for i in range(2)]
    assert "1.jpg" in browser.post(reply.url, {"files": files}).content.decode()

    assert str(dataset.uuid) in page(browser, f"/projects/new/?dataset={dataset.uuid}")
    terms = {
        "dataset": str(dataset.uuid),
        "name": "Animals",
        "task_type": "boxes",
        "instructions": "",
        "model": model.digest,
        "reward": "0,05",  # as much of the world writes it
        "inference_price": "0.004",
        "max_answers": "3",
        "label-0-name": "animal",
        "label-0-color": "#112233",
        "label-0-classes": ["dog", "cat"],
        "label-7-name": "vehicle",
        "label-7-color": "#445566",
        "label-7-classes": ["car"],
    }
    quote = browser.post("/projects/new/quote/", terms).content.decode()
    assert "0.3476" in quote
    reply = browser.post("/projects/new/", terms)
    project = Project.objects.get()
    assert reply.url == f"/projects/{project.uuid}/"
    assert project.labels == [
        {"name": "animal", "color": "#112233"},
        {"name": "vehicle", "color": "#445566"},
    ]
    assert project.class_map == {"dog": "animal", "cat": "animal", "car": "vehicle"}

    deposits.credit_play_money(organization, person, parse("10"), now=world.NOW)
    assert "Statement" in page(browser, "/wallet/")

    draft = page(browser, f"/projects/{project.uuid}/")
    assert 'value="0.3476"' in draft
    funding = {"amount": "0.3476", "number": "1"}
    for _twice in range(2):
        browser.post(f"/projects/{project.uuid}/fund/", funding)
    browser.post(f"/projects/{project.uuid}/launch/")
    project.refresh_from_db()
    assert project.status == Project.Status.ACTIVE
    account = organization.account_set.get(kind="organization")
    assert account.balance == parse("10") - parse("0.3476")
    world.advance(project)
    assert "2 with computers" in page(browser, f"/projects/{project.uuid}/")


def test_a_refused_launch_says_on_the_page_what_is_missing() -> None:
    client = world.new_client()
    project = client.project(client.dataset())
    reply = client.browser.post(f"/projects/{project.uuid}/launch/", follow=True)
    assert "Pi short of the quote" in reply.content.decode()


def test_bad_terms_are_shown_beside_the_form_and_nothing_typed_is_lost() -> None:
    client = world.new_client()
    dataset = client.dataset()
    reply = client.browser.post(
        "/projects/new/",
        {
            "dataset": str(dataset.uuid),
            "name": "Mine",
            "task_type": "boxes",
            "model": "",
            "reward": "x",
            "max_answers": "3",
            "label-0-name": "keep me",
            "label-0-color": "#112233",
        },
    )
    text = reply.content.decode()
    assert "Write an amount of Pi" in text
    assert "keep me" in text
    assert not Project.objects.exists()


def test_the_poll_shows_the_mosaic_and_asks_for_the_whole_page_when_it_must() -> None:
    client = world.new_client()
    project = world.advance(client.launched(pictures=3, model=world.new_model()))
    path = f"/projects/{project.uuid}/progress/"
    reply = client.browser.get(path, {"status": "active", "done": "0"})
    assert reply.content.decode().count('<i data-state="detecting">') == 3
    assert "HX-Refresh" not in reply.headers
    assert client.browser.get(path, {"status": "draft"})["HX-Refresh"] == "true"
    changed = client.browser.get(path, {"status": "active", "done": "7"})
    assert changed["HX-Trigger-After-Swap"] == "labelled"


def test_a_verdict_is_drawn_over_its_picture() -> None:
    client = world.new_client()
    project = world.advance(client.launched(pictures=1))
    for _index in range(2):
        world.label_all(world.new_person()[1], project)
    world.advance(project)
    text = page(client.browser, f"/projects/{project.uuid}/")
    assert re.search(r'<rect x="12\.0" y="22\.0" width="98\.0" height="78\.0"', text)
    assert "given back to the wallet" in text


def test_a_keys_secret_is_shown_once_and_a_revoked_key_opens_nothing() -> None:
    client = world.new_client()
    body = {"name": "script", "organization": str(client.organization.uuid)}
    reply = client.browser.post("/keys/", body)
    (secret,) = re.findall(r"tsk_[\w-]{20,}", reply.content.decode())
    assert secret not in page(client.browser, "/keys/")
    program = Browser(headers={"Authorization": f"Bearer {secret}"})
    assert program.get("/api/v1/datasets/").status_code == 200
    key = ApiKey.objects.get()
    stranger = world.new_client()
    assert stranger.browser.post(f"/keys/{key.pk}/revoke/").status_code == 404
    client.browser.post(f"/keys/{key.pk}/revoke/")
    assert program.get("/api/v1/datasets/").status_code == 401


def test_lists_ask_the_same_number_of_queries_however_long_they_are() -> None:
    client = world.new_client()
    project = client.launched(pictures=1, model=world.new_model())
    world.advance(project)
    paths = {
        "/home/": 8,
        "/datasets/": 9,
        f"/datasets/{project.dataset.uuid}/": 10,
        "/projects/": 10,
        f"/projects/{project.uuid}/": 18,
        f"/projects/{project.uuid}/progress/": 8,
        "/wallet/": 14,
        "/api/v1/datasets/": 5,
        f"/api/v1/datasets/{project.dataset.uuid}/items/": 6,
        "/api/v1/projects/": 5,
    }
    few = {path: queries(lambda p=path: page(client.browser, p)) for path in paths}
    for _index in range(3):
        other = client.launched(pictures=4)
        world.advance(other)
        client.add(project.dataset, world.picture(), world.picture())
    many = {path: queries(lambda p=path: page(client.browser, p)) for path in paths}
    assert many == few
    assert few == paths


def test_staff_read_projects_in_the_admin_and_change_nothing() -> None:
    client = world.new_client()
    project = world.advance(client.launched(pictures=2))
    user = accounts_actions.register_user(
        email="boss@example.org",
        password="a-secret-1",
        is_staff=True,
        is_superuser=True,
    )
    browser = Browser()
    enter(browser, user)
    assert "0 / 2" in page(browser, "/admin/marketplace/project/")
    for path in (
        f"project/{project.pk}/change/",
        f"dataset/{project.dataset.pk}/change/",
        "item/",
        "projectitem/",
        "dataset/",
    ):
        page(browser, f"/admin/marketplace/{path}")
    reply = browser.post(f"/admin/marketplace/project/{project.pk}/change/", {})
    assert reply.status_code == 403
