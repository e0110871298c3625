"""Laws of projects over HTTP: who may, what is refused, what it costs."""

import uuid
from typing import Any

import pytest
from django.test import Client as Browser

from accounts import actions as accounts_actions
from compute.models import Job
from labeling.models import Campaign
from marketplace.models import Project, ProjectItem
from rewards.models import Account, Transfer
from rewards.money import parse
from tests.marketplace import world

pytestmark = pytest.mark.django_db


def code(reply: Any) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


def at(project: Project, verb: str = "") -> str:
    return f"/api/v1/projects/{project.uuid}/" + (f"{verb}/" if verb else "")


def new_project(client: world.Client, dataset: Any, **changes: Any) -> Any:
    body = {
        "dataset": str(dataset.uuid),
        "name": "Animals",
        "task_type": "boxes",
        "labels": [{"name": "animal", "color": "#112233"}, {"name": "vehicle"}],
        "model": world.new_model().digest,
        "class_map": {"dog": "animal"},
        "reward": "0.05",
        "inference_price": "0.004",
        "max_answers": 3,
    }
    return client.post("/api/v1/projects/", body | changes)


def test_a_program_with_a_key_does_everything_a_page_does() -> None:
    client = world.new_client()
    _key, secret = accounts_actions.create_api_key(
        client.organization, client.person, name="script"
    )
    program = Browser(headers={"Authorization": f"Bearer {secret}"})
    kind = {"content_type": "application/json"}
    made = program.post("/api/v1/datasets/", {"name": "photos"}, **kind)
    assert made.status_code == 201
    dataset = f"/api/v1/datasets/{made.json()['uuid']}/"
    files = [world.upload(f"{i}.jpg", world.picture()) for i in range(2)]
    assert program.post(dataset + "items/", {"files": files}).json()["added"] == 2
    assert program.get(dataset).json()["item_count"] == 2
    (first, _second) = program.get(dataset + "items/").json()["results"]
    bytes_of = program.get(first["url"])
    assert b"".join(bytes_of.streaming_content).startswith(b"\xff\xd8")

    assert program.get("/api/v1/models/").json() == []
    digest = world.new_model().digest
    (model,) = program.get("/api/v1/models/").json()
    assert (model["digest"], model["classes"]) == (digest, world.CLASSES)
    project = program.post(
        "/api/v1/projects/",
        {
            "dataset": made.json()["uuid"],
            "name": "Animals",
            "task_type": "boxes",
            "labels": [{"name": "animal"}],
            "model": digest,
            "class_map": {"dog": "animal"},
            "reward": "0.05",
            "inference_price": "0.004",
        },
        **kind,
    ).json()
    path = f"/api/v1/projects/{project['project']['uuid']}/"
    quote = program.get(path + "quote/").json()
    assert (quote["items"], quote["total"], quote["least"]) == (2, "0.3476", "0.2376")
    (wallet,) = program.get("/api/v1/wallet/").json()
    assert wallet["balance"] == "1000"
    assert (
        program.post(path + "fund/", {"amount": quote["total"]}, **kind).json()[
            "spend"
        ]["available"]
        == "0.3476"
    )
    launched = program.post(path + "launch/", {}, **kind).json()
    assert launched["project"]["status"] == "active"
    assert launched["progress"]["waiting"] == 2
    for verb, status in (
        ("pause", "paused"),
        ("resume", "active"),
        ("close", "closing"),
    ):
        reply = program.post(path + f"{verb}/", {}, **kind).json()
        assert reply["project"]["status"] == status
    (listed,) = program.get("/api/v1/projects/").json()["results"]
    assert listed["uuid"] == project["project"]["uuid"]
    closed = world.advance(Project.objects.get())
    assert closed.status == Project.Status.CLOSED
    assert program.get("/api/v1/wallet/").json()[0]["balance"] == "1000"


def test_what_belongs_to_others_is_not_found() -> None:
    client, stranger = world.new_client(), world.new_client()
    project = client.project(client.dataset())
    for path in (
        f"/api/v1/datasets/{project.dataset.uuid}/",
        f"/api/v1/datasets/{project.dataset.uuid}/items/",
        at(project),
        at(project, "quote"),
        at(project, "export/coco"),
        f"/datasets/{project.dataset.uuid}/",
        f"/projects/{project.uuid}/",
        f"/projects/{project.uuid}/progress/",
        f"/projects/{project.uuid}/results/",
        f"/projects/{project.uuid}/export/csv/",
    ):
        assert client.browser.get(path).status_code == 200, path
        assert stranger.browser.get(path).status_code == 404, path
    for verb in ("fund", "launch", "pause", "resume", "close", "unfund"):
        assert stranger.post(at(project, verb), {"amount": "1"}).status_code == 404
        reply = stranger.browser.post(f"/projects/{project.uuid}/{verb}/", {})
        assert reply.status_code == 404, verb
    assert code(new_project(stranger, project.dataset))[0] == 404
    assert stranger.browser.get("/api/v1/datasets/").json()["results"] == []


def test_a_viewer_sees_everything_and_changes_nothing() -> None:
    client = world.new_client()
    project = client.project(client.dataset())
    viewer = world.new_viewer(client)
    assert viewer.get(f"/projects/{project.uuid}/").status_code == 200
    kind = {"content_type": "application/json"}
    for verb in ("fund", "launch", "unfund"):
        reply = viewer.post(at(project, verb), {"amount": "1"}, **kind)
        assert code(reply) == (403, "not_manager")
    body = {"name": "mine", "organization": str(client.organization.uuid)}
    assert code(viewer.post("/api/v1/datasets/", body, **kind))[0] == 403


def test_too_little_escrow_is_refused_clearly_and_leaves_nothing() -> None:
    client = world.new_client()
    made = new_project(client, client.dataset())
    project = Project.objects.get(uuid=made.json()["project"]["uuid"])
    client.post(at(project, "fund"), {"amount": "0.3"})
    reply = client.post(at(project, "launch"))
    assert code(reply) == (402, "insufficient_funds")
    assert "0.0476 Pi short" in reply.json()["error"]["message"]
    project.refresh_from_db()
    assert (project.status, project.launched_at) == (Project.Status.DRAFT, None)
    assert not Job.objects.exists()
    assert not Campaign.objects.exists()
    assert not ProjectItem.objects.exists()
    client.post(at(project, "fund"), {"amount": "0.0476"})
    assert client.post(at(project, "launch")).status_code == 200


def test_an_empty_dataset_cannot_be_launched() -> None:
    client = world.new_client()
    project = client.project(client.dataset(pictures=0))
    assert code(client.post(at(project, "launch"))) == (409, "empty_dataset")


def test_a_project_keeps_the_items_it_was_launched_with() -> None:
    client = world.new_client()
    project = client.launched(pictures=2)
    client.add(project.dataset, world.picture())
    assert client.browser.get(at(project, "quote")).json()["items"] == 2
    assert client.browser.get(at(project)).json()["progress"]["total"] == 2


def test_the_wallet_is_never_overdrawn_and_the_refusal_says_what_is_missing() -> None:
    client = world.new_client(pi="1")
    project = client.project(client.dataset())
    reply = client.post(at(project, "fund"), {"amount": "1.5"})
    assert code(reply) == (402, "insufficient_funds")
    assert "0.5 Pi more" in reply.json()["error"]["message"]
    assert client.wallet.balance == parse("1")


@pytest.mark.parametrize("amount", ["", "-1", "x", "0.00000001", None, True, [], "NaN"])
def test_what_is_not_an_amount_is_refused(amount: Any) -> None:
    client = world.new_client()
    project = client.project(client.dataset())
    reply = client.post(at(project, "fund"), {"amount": amount})
    assert code(reply) == (400, "invalid")
    assert client.post(at(project, "fund"), {"amount": "0"}).status_code == 409
    assert client.wallet.balance == parse("1000")


def test_the_same_funding_sent_twice_pays_once() -> None:
    client = world.new_client()
    project = client.project(client.dataset())
    for _index in range(2):
        reply = client.post(at(project, "fund"), {"amount": "5", "number": 1})
        assert reply.status_code == 200
    assert client.wallet.balance == parse("995")
    other = client.post(at(project, "fund"), {"amount": "6", "number": 1})
    assert code(other) == (409, "key_reused")
    assert (
        code(client.post(at(project, "fund"), {"amount": "6", "number": 9}))[0] == 409
    )
    assert client.post(at(project, "fund"), {"amount": "6"}).status_code == 200
    assert client.wallet.balance == parse("989")


def test_a_draft_gives_its_money_back_as_often_as_it_is_asked() -> None:
    client = world.new_client()
    project = client.project(client.dataset())
    for _index in range(2):
        client.post(at(project, "fund"), {"amount": "5"})
        for _again in range(2):
            reply = client.post(at(project, "unfund"))
            assert reply.json()["spend"]["available"] == "0"
        assert client.wallet.balance == parse("1000")
    assert reply.json()["spend"]["spent"] == "0"
    assert Transfer.objects.filter(kind=Transfer.Kind.REFUND).count() == 2
    launched = client.launched()
    assert code(client.post(at(launched, "unfund"))) == (409, "wrong_status")


def test_each_verb_needs_its_status() -> None:
    client = world.new_client()
    draft = client.project(client.dataset())
    for verb in ("pause", "resume", "close"):
        assert code(client.post(at(draft, verb))) == (409, "wrong_status")
    running = client.launched()
    assert code(client.post(at(running, "launch"))) == (409, "wrong_status")
    assert client.post(at(running, "resume")).status_code == 200  # it is so already
    client.post(at(running, "close"))
    assert code(client.post(at(running, "fund"), {"amount": "1"}))[0] == 409
    world.advance(running)
    for verb in ("pause", "resume", "close", "launch"):
        assert code(client.post(at(running, verb))) == (409, "wrong_status")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"labels": []}, "labels"),
        ({"labels": [{"name": "a"}, {"name": " a "}]}, "labels"),
        ({"labels": [{"name": "a", "color": "red"}]}, "labels"),
        ({"class_map": {}}, "class_map"),
        ({"class_map": {"unicorn": "animal"}}, "class_map"),
        ({"class_map": {"dog": "unicorn"}}, "class_map"),
        ({"max_answers": 1}, "max_answers"),
        ({"max_answers": 10}, "max_answers"),
        ({"task_type": "poem"}, "task_type"),
        ({"reward": "100000"}, "reward"),
        ({"name": ""}, "name"),
    ],
)
def test_terms_that_make_no_sense_are_refused_by_field(
    changes: dict[str, Any], field: str
) -> None:
    client = world.new_client()
    reply = new_project(client, client.dataset(), **changes)
    assert code(reply) == (400, "invalid")
    assert field in reply.json()["error"]["fields"]
    assert not Project.objects.exists()
    assert not Account.objects.filter(kind=Account.Kind.ESCROW).exists()


def test_labels_keep_their_colours_and_get_one_if_they_have_none() -> None:
    client = world.new_client()
    made = new_project(client, client.dataset()).json()["project"]
    first, second = made["labels"]
    assert first == {"name": "animal", "color": "#112233"}
    assert second["color"].startswith("#")


def test_a_model_that_is_not_there_is_not_found() -> None:
    client = world.new_client()
    assert new_project(client, client.dataset(), model="ab" * 32).status_code == 404


def test_two_datasets_of_one_name_are_refused() -> None:
    client = world.new_client()
    assert client.post("/api/v1/datasets/", {"name": "a"}).status_code == 201
    assert code(client.post("/api/v1/datasets/", {"name": "a"})) == (409, "name_taken")


def test_an_unknown_project_is_not_found() -> None:
    client = world.new_client()
    assert code(client.browser.get(f"/api/v1/projects/{uuid.uuid4()}/"))[0] == 404
