"""Laws of the pages for people who label."""

from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actions import link_pi_identity
from labeling.models import Campaign
from tests.labeling.crew import Worker, boxes, new_worker, open_tasks

pytestmark = pytest.mark.django_db


def test_who_is_not_confirmed_is_told_what_to_do(campaign: Campaign) -> None:
    open_tasks(campaign)
    stranger = new_worker(level=0)
    page = stranger.browser.get("/earn/").content.decode()
    assert 'href="/confirm-identity/"' in page
    assert f"/earn/{campaign.uuid}/" not in page
    reply = stranger.browser.get(f"/earn/{campaign.uuid}/")
    assert reply.status_code == 302
    assert reply["Location"] == "/confirm-identity/"


def test_confirming_with_pi_opens_the_work(campaign: Campaign) -> None:
    open_tasks(campaign)
    stranger = new_worker(level=0)
    link_pi_identity(
        stranger.person,
        uid="pi-1",
        username="stranger",
        network="simulated",
        now=timezone.now(),
    )
    after = stranger.browser.get("/earn/").content.decode()
    assert f"/earn/{campaign.uuid}/" in after
    assert stranger.browser.get(f"/earn/{campaign.uuid}/").status_code == 200


def test_looking_at_the_confirmation_confirms_nothing() -> None:
    stranger = new_worker(level=0)
    assert stranger.browser.get("/confirm-identity/").status_code == 200
    stranger.person.refresh_from_db()
    assert stranger.person.level == 0


def test_my_work_says_of_each_answer_what_it_earned_and_why(
    campaign: Campaign, people: list[Worker]
) -> None:
    open_tasks(campaign)
    people[0].label(campaign, boxes())
    waiting = people[0].browser.get("/earn/answers/").content.decode()
    assert "Waiting for another person" in waiting
    people[1].label(campaign, boxes())
    decided = people[0].browser.get("/earn/answers/").content.decode()
    assert "Another person gave the same answer." in decided
    assert '<span class="money">0.01' in decided


@pytest.mark.parametrize("before", ["", "7", "-1", "x", "²"])
def test_any_place_in_my_work_can_be_asked_for(before: str, worker: Worker) -> None:
    reply = worker.browser.get("/earn/answers/", {"before": before})
    assert reply.status_code == 200


def test_the_pages_are_for_people_who_are_signed_in() -> None:
    for path in ("/earn/", "/earn/answers/", "/confirm-identity/", f"/earn/{uuid4()}/"):
        assert Client().get(path)["Location"].startswith("/accounts/login/")


def test_an_unknown_campaign_is_not_found(worker: Worker) -> None:
    assert worker.browser.get(f"/earn/{uuid4()}/").status_code == 404
