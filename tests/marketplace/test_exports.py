"""Laws of exports: settled labels only, in the client's own pixels, harmless."""

import contextlib
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from pycocotools.coco import COCO

from marketplace.actions import datasets as dataset_actions
from marketplace.actions import projects as project_actions
from marketplace.models import Project
from rewards.money import parse
from tests.marketplace import world

pytestmark = pytest.mark.django_db


def text(reply: Any) -> str:
    return b"".join(reply.streaming_content).decode()


def loaded(tmp_path: Path, content: str) -> COCO:
    file = tmp_path / "labels.json"
    file.write_text(content)
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(file))


def labelled(client: world.Client, project: Project, answer: Any) -> Project:
    project = world.advance(project)
    for _index in range(2):
        world.label_all(world.new_person()[1], project, answer)
    return world.advance(project)


def test_coco_loads_in_pycocotools_in_the_clients_own_pixels(
    tmp_path: Path, settings
) -> None:
    settings.PICTURE_MAX_SIDE = 400  # what is sent twice as large is halved
    client = world.new_client()
    dataset = client.dataset(pictures=0)
    client.add(dataset, world.picture(size=(800, 600)))
    project = client.project(dataset)
    project_actions.fund_project(project, client.person, amount=parse("5"))
    project = project_actions.launch_project(project, client.person, now=world.NOW)
    labelled(client, project, world.same_boxes)
    for path in (
        f"/api/v1/projects/{project.uuid}/export/coco/",
        f"/projects/{project.uuid}/export/coco/",
    ):
        reply = client.browser.get(path)
        assert 'filename="animals.json"' in reply["Content-Disposition"]
        coco = loaded(tmp_path, text(reply))
        (image,) = coco.loadImgs(coco.getImgIds())
        assert (image["file_name"], image["width"], image["height"]) == (
            "photo-0.jpg",
            800,
            600,
        )
        (annotation,) = coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]]))
        assert annotation["bbox"] == [24.0, 44.0, 196.0, 156.0]
        assert annotation["area"] == 196.0 * 156.0
        (category,) = coco.loadCats([annotation["category_id"]])
        assert category["name"] == "animal"
        assert len(coco.getCatIds()) == 2


def test_a_picture_with_nothing_on_it_is_listed_without_boxes(tmp_path: Path) -> None:
    client = world.new_client()
    project = client.launched(pictures=2)
    labelled(client, project, lambda _one: {"boxes": []})
    reply = client.browser.get(f"/api/v1/projects/{project.uuid}/export/coco/")
    coco = loaded(tmp_path, text(reply))
    assert (len(coco.getImgIds()), len(coco.getAnnIds())) == (2, 0)
    rows = text(client.browser.get(f"/api/v1/projects/{project.uuid}/export/csv/"))
    assert [row["label"] for row in csv.DictReader(io.StringIO(rows))] == ["", ""]


def test_only_what_is_settled_is_exported(tmp_path: Path) -> None:
    client = world.new_client()
    project = world.advance(client.launched(pictures=2))
    world.label_all(world.new_person()[1], project)
    reply = client.browser.get(f"/api/v1/projects/{project.uuid}/export/coco/")
    body = json.loads(text(reply))
    assert (body["images"], body["annotations"]) == ([], [])


def test_a_single_choice_is_exported_without_an_invented_box(tmp_path: Path) -> None:
    client = world.new_client()
    project = client.launched(pictures=1, task_type="single_choice")
    labelled(client, project, lambda _one: {"label": "vehicle"})
    reply = client.browser.get(f"/api/v1/projects/{project.uuid}/export/coco/")
    coco = loaded(tmp_path, text(reply))
    (annotation,) = coco.loadAnns(coco.getAnnIds())
    assert "bbox" not in annotation
    assert coco.loadCats([annotation["category_id"]])[0]["name"] == "vehicle"
    rows = text(client.browser.get(f"/api/v1/projects/{project.uuid}/export/csv/"))
    assert next(csv.DictReader(io.StringIO(rows)))["label"] == "vehicle"


def test_csv_holds_no_formula(tmp_path: Path) -> None:
    client = world.new_client()
    dataset = client.dataset(pictures=0)
    name = '=HYPERLINK("http:evil")'
    dataset_actions.add_pictures(
        dataset, client.person, [world.upload(name, world.picture())]
    )
    project = client.project(dataset, labels=[{"name": "@animal"}], class_map={})
    project_actions.fund_project(project, client.person, amount=parse("5"))
    project = project_actions.launch_project(project, client.person, now=world.NOW)
    box = {"x": 1.0, "y": 2.0, "w": 30.0, "h": 40.0, "label": "@animal"}
    labelled(client, project, lambda _one: {"boxes": [box]})
    rows = text(client.browser.get(f"/api/v1/projects/{project.uuid}/export/csv/"))
    (row,) = csv.DictReader(io.StringIO(rows))
    assert row["label"] == "'@animal"
    assert row["file_name"].startswith("'=HYPERLINK")
    assert [row[key] for key in ("x", "y", "w", "h")] == ["1.0", "2.0", "30.0", "40.0"]


def test_an_unknown_form_is_not_found() -> None:
    client = world.new_client()
    project = client.launched(pictures=1)
    reply = client.browser.get(f"/api/v1/projects/{project.uuid}/export/word/")
    assert reply.status_code == 404
