"""A funded client with its browser, nodes that execute, people who answer."""

import io
import itertools
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from PIL import Image

from accounts import actions as accounts_actions
from accounts.models import Evidence, Membership, Organization, Person
from compute import actions as compute_actions
from compute.agent.protocol import EnrollRequest
from compute.models import Model, Node
from marketplace import pipeline
from marketplace.actions import datasets as dataset_actions
from marketplace.actions import projects as project_actions
from marketplace.models import Dataset, Project
from rewards import deposits
from rewards.models import Account
from rewards.money import parse

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
WIDTH, HEIGHT = 320, 240
CLASSES = ["dog", "cat", "car"]
_numbers = itertools.count(1)


def picture(*, size: tuple[int, int] = (WIDTH, HEIGHT), **save: Any) -> bytes:
    """Return a JPEG with a number in black and white tiles: no two are alike."""
    number = next(_numbers)
    image = Image.new("RGB", size, "grey")
    for bit in range(12):
        tile = (bit * size[0] // 12, 0, (bit + 1) * size[0] // 12, size[1] // 4)
        image.paste("white" if number >> bit & 1 else "black", tile)
    out = io.BytesIO()
    image.save(out, **({"format": "JPEG"} | save))
    return out.getvalue()


def upload(name: str, data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def new_person(*, level: int = 1) -> tuple[Person, Browser]:
    user = accounts_actions.register_user(
        email=f"someone{next(_numbers)}@example.org", password="a-secret-1"
    )
    assert user.person
    if level:
        accounts_actions.record_evidence(
            user.person, kind=Evidence.Kind.STAFF_CHECK, level=level, source="tests"
        )
    browser = Browser()
    browser.force_login(user)
    return user.person, browser


@dataclass
class Client:
    """An organization's owner at a browser."""

    person: Person
    browser: Browser
    organization: Organization

    @property
    def wallet(self) -> Account:
        return Account.objects.get(code=f"org:{self.organization.uuid}")

    def pay_in(self, pi: str) -> None:
        deposits.credit_play_money(self.organization, self.person, parse(pi), now=NOW)

    def dataset(self, *, pictures: int = 2) -> Dataset:
        dataset = dataset_actions.create_dataset(
            self.organization, self.person, name=f"photos {next(_numbers)}"
        )
        if pictures:
            self.add(dataset, *(picture() for _index in range(pictures)))
        return dataset

    def add(self, dataset: Dataset, *data: bytes) -> None:
        files = [upload(f"photo-{i}.jpg", each) for i, each in enumerate(data)]
        dataset_actions.add_pictures(dataset, self.person, files)

    def project(self, dataset: Dataset, **changes: Any) -> Project:
        terms: dict[str, Any] = {
            "name": "Animals",
            "task_type": "boxes",
            "labels": [{"name": "animal"}, {"name": "vehicle"}],
            "instructions": "Every animal, please.",
            "model": None,
            "class_map": {"dog": "animal", "cat": "animal"},
            "reward": parse("0.05"),
            "inference_price": parse("0.004"),
            "max_answers": 3,
        }
        return project_actions.create_project(dataset, self.person, **(terms | changes))

    def launched(
        self, *, pictures: int = 2, pi: str = "100", **changes: Any
    ) -> Project:
        project = self.project(self.dataset(pictures=pictures), **changes)
        project_actions.fund_project(project, self.person, amount=parse(pi))
        return project_actions.launch_project(project, self.person, now=NOW)

    def post(self, path: str, body: Any = None) -> Any:
        return self.browser.post(path, body or {}, content_type="application/json")

    def send(self, dataset: Dataset, *files: SimpleUploadedFile) -> Any:
        return self.browser.post(
            f"/api/v1/datasets/{dataset.uuid}/items/", {"files": list(files)}
        )


def new_client(*, pi: str = "1000") -> Client:
    person, browser = new_person(level=0)
    organization = accounts_actions.create_organization(person, name="Client")
    client = Client(person, browser, organization)
    if pi:
        client.pay_in(pi)
    return client


def new_viewer(client: Client) -> Browser:
    person, browser = new_person(level=0)
    Membership.objects.create(
        person=person,
        organization=client.organization,
        role=Membership.Role.VIEWER,
    )
    return browser


def new_model() -> Model:
    """Register a model that no test executes: only its classes matter here."""
    manifest = {
        "format": 1,
        "name": "Animals",
        "licence": "Apache-2.0",
        "source": "tests",
        "input": {"kind": "picture"},
        "decode": {
            "kind": "ssd_boxes",
            "classes": CLASSES,
            "threshold": 0.3,
            "nms_iou": 0.6,
            "limit": 100,
        },
        "comparator": {"kind": "boxes", "iou": 0.99, "score": 0.002, "margin": 0.01},
    }
    return compute_actions.register_model(b"not a graph", manifest)


def found(x: float = 10.0, name: str = "dog", score: float = 0.9) -> dict[str, Any]:
    return {"x": x, "y": 20.0, "w": 100.0, "h": 80.0, "class": name, "score": score}


def new_node() -> Node:
    person, _browser = new_person()
    code = compute_actions.issue_code(person, now=NOW)
    key = uuid.uuid4().hex + uuid.uuid4().hex
    request = EnrollRequest(code=code, name="pc", public_key=key, capabilities={})
    return compute_actions.enroll(request, now=NOW)


def execute(node: Node, *boxes: dict[str, Any], error: str = "", size: int = 50) -> int:
    """Let a node answer everything that it can get; return how many units."""
    done = 0
    while granted := compute_actions.claim(node, max_units=size, now=NOW):
        results: Sequence[dict[str, Any]] = [
            {
                "lease": str(each.lease.uuid),
                "seconds": 0.05,
                "output": None if error else {"boxes": list(boxes)},
                "error": error,
            }
            for each in granted
        ]
        compute_actions.accept_results(node, results, now=NOW)
        done += len(granted)
    return done


Answer = Callable[[dict[str, Any]], dict[str, Any]]


def same_boxes(assignment: dict[str, Any]) -> dict[str, Any]:
    box = {"x": 12.0, "y": 22.0, "w": 98.0, "h": 78.0, "label": "animal"}
    return {"boxes": [box]}


def label_all(browser: Browser, project: Project, answer: Answer = same_boxes) -> int:
    """Let a person answer everything there is for them; return how many tasks."""
    assert project.campaign
    done = 0
    while True:
        reply = browser.post(
            f"/api/v1/work/campaigns/{project.campaign.uuid}/assignments/",
            {"count": 3},
            content_type="application/json",
        ).json()
        if not reply["assignments"]:
            return done
        for assignment in reply["assignments"]:
            sent = browser.post(
                f"/api/v1/work/assignments/{assignment['uuid']}/answer/",
                {
                    "token": assignment["token"],
                    "content": answer(assignment),
                    "idempotency_key": uuid.uuid4().hex,
                    "seconds": 3.5,
                },
                content_type="application/json",
            )
            assert sent.status_code == 200, sent.content
            done += 1


def advance(project: Project) -> Project:
    pipeline.advance(project.pk, now=NOW)
    return Project.objects.select_related("escrow", "fees", "campaign", "job").get(
        pk=project.pk
    )
