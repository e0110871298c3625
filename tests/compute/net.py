"""Operators, signing nodes and funded jobs, made as the product makes them."""

import io
import itertools
import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone
from PIL import Image

from accounts import actions as accounts_actions
from accounts.models import Evidence, Organization, Person
from blobs import actions as blobs_actions
from compute import actions
from compute.agent import protocol
from compute.agent.keys import Key
from compute.models import Job, Model, Unit
from rewards import ledger, queries
from rewards.models import Account, Transfer

PRICE, FEE, ESCROW = 50_000, 5_000, 100_000_000
ZOO = Path(settings.BASE_DIR) / "compute" / "zoo"
PHOTOS = Path(settings.BASE_DIR) / "marketplace" / "demo_photos"
_numbers = itertools.count(1)


def new_person(*, level: int = 1) -> Person:
    user = accounts_actions.register_user(
        email=f"operator{next(_numbers)}@example.org", password="correct horse"
    )
    assert user.person is not None
    if level:
        accounts_actions.record_evidence(
            user.person, kind=Evidence.Kind.PI_SIGN_IN, level=level, source="test"
        )
    return user.person


@dataclass
class Reply:
    status: int
    body: dict[str, Any]

    @property
    def code(self) -> str:
        return str(self.body["error"]["code"])


@dataclass
class TestNode:
    """A node that signs as the agent does and speaks through Django's test client."""

    __test__ = False
    person: Person
    key: Key = field(default_factory=lambda: Key(Ed25519PrivateKey.generate()))
    uuid: str = ""
    browser: Client = field(default_factory=Client)

    def send(self, path: str, body: bytes, *, method: str = "POST", **changed: str):
        headers = self.headers(path, body, method=method) | changed
        return self.send_signed(path, body, headers, method=method)

    def headers(
        self, path: str, body: bytes, *, method: str = "POST", clock_offset: float = 0.0
    ) -> dict[str, str]:
        return self.key.headers(
            method=method,
            path=path,
            body=body,
            node=self.uuid,
            clock_offset=clock_offset,
        )

    def send_signed(
        self, path: str, body: bytes, headers: dict[str, str], *, method: str = "POST"
    ) -> Reply:
        answer = self.browser.generic(
            method, path, body, content_type="application/json", headers=headers
        )
        return Reply(answer.status_code, json.loads(answer.content))

    def post(self, path: str, **content: Any) -> Reply:
        return self.send(path, json.dumps(content).encode())

    def enroll(self, code: str) -> Reply:
        reply = self.post(
            protocol.ENROLL, code=code, public_key=self.key.public, name="shed"
        )
        if reply.status == 200:
            self.uuid = reply.body["node"]
        return reply

    def hello(self, *, holding: list[str] | None = None) -> Reply:
        return self.post(protocol.HELLO, capabilities={}, holding=holding or [])

    def claim(self, count: int = 8, **content: Any) -> list[dict[str, Any]]:
        reply = self.post(protocol.CLAIM, max_units=count, **content)
        assert reply.status == 200, reply
        return list(reply.body["leases"])

    def answer(
        self, leases: list[dict[str, Any]], output: Any = None, **content: Any
    ) -> list[str]:
        """Send the same output for each lease; return what is acknowledged."""
        results = [
            {"lease": lease["lease"], "seconds": 0.1, "output": output} | content
            for lease in leases
        ]
        reply = self.post(protocol.RESULTS, results=results)
        assert reply.status == 200, reply
        return [item["state"] for item in reply.body["acknowledgements"]]


def new_node(person: Person | None = None) -> TestNode:
    person = person or new_person()
    node = TestNode(person)
    reply = node.enroll(actions.issue_code(person, now=timezone.now()))
    assert reply.status == 200, reply
    return node


def zoo_manifest() -> dict[str, Any]:
    return dict(json.loads((ZOO / "ssdlite_mobilenet_v2_coco.json").read_text()))


def paper_model() -> Model:
    """A model that nobody runs: its graph is a word."""
    return actions.register_model(b"graph", zoo_manifest())


def real_model() -> Model:
    graph = (ZOO / "ssdlite_mobilenet_v2_coco.onnx").read_bytes()
    return actions.register_model(graph, zoo_manifest())


def stored(photo: Path) -> dict[str, Any]:
    data = photo.read_bytes()
    blob = blobs_actions.put(data, media_type="image/jpeg")
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
    return {
        "digest": blob.digest,
        "media_type": "image/jpeg",
        "size": blob.size,
        "width": width,
        "height": height,
    }


def paper_input() -> dict[str, Any]:
    blob = blobs_actions.put(b"picture", media_type="image/jpeg")
    return {
        "digest": blob.digest,
        "media_type": "image/jpeg",
        "size": blob.size,
        "width": 640,
        "height": 480,
    }


def fund(code: str, amount: int, organization: Organization) -> Account:
    account = ledger.open_account(code, Account.Kind.ESCROW, organization=organization)
    movement = ledger.Movement(
        key=f"fund:{code}",
        debit=ledger.pi_in_account().pk,
        credit=account.pk,
        amount=amount,
        kind=Transfer.Kind.FUND,
    )
    with transaction.atomic():
        ledger.post([movement])
    return account


def new_job(
    *, model: Model | None = None, owner: Person | None = None, **terms: Any
) -> Job:
    """A job of a client of its own, with plenty of escrow."""
    number = next(_numbers)
    organization = accounts_actions.create_organization(
        owner or new_person(), name=f"Client {number}"
    )
    account = fund(
        f"project:{number}:escrow", terms.pop("escrow", ESCROW), organization
    )
    fees = ledger.open_account(
        f"project:{number}:fees", Account.Kind.FEES, organization=organization
    )
    return actions.open_job(
        account=account,
        fee_account=fees,
        model=model or paper_model(),
        tenant=str(organization.uuid),
        **({"price": PRICE, "fee": FEE} | terms),
    )


def open_units(job: Job, count: int = 1, *, now: datetime | None = None) -> list[Unit]:
    return actions.open_units(job, [[paper_input()]] * count, now=now or timezone.now())


def box(x: float = 10.0, **changes: Any) -> dict[str, Any]:
    return {
        "x": x,
        "y": 20.0,
        "w": 100.0,
        "h": 80.0,
        "class": "dog",
        "score": 0.9,
    } | changes


def boxes(*found: dict[str, Any]) -> dict[str, Any]:
    return {"boxes": list(found)}


def earned(person: Person) -> int:
    return queries.earnings_of(person).total
