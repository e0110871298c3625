"""A client's order by the public API, and people who answer it: for real processes."""

import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.site.stack import Stack

LABELS = {"person": ["person"], "animal": ["dog", "horse", "giraffe", "bird", "cat"]}
REWARD = "0.05"
PRICE = "0.004"


class Client:
    """An organization's program, with its API key."""

    def __init__(self, stack: Stack) -> None:
        key = stack.prepared["api_key"]
        self._http = stack.client(Authorization=f"Bearer {key}")

    def call(self, method: str, path: str, **body: Any) -> Any:
        answer = self._http.request(method, f"/api/v1{path}", **body)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text[:2000]}"
        return answer.json()

    def upload(self, photos: Sequence[Path], *, name: str) -> str:
        """Make a dataset of these photos; return its uuid."""
        dataset = str(self.call("POST", "/datasets/", json={"name": name})["uuid"])
        files = [("files", (path.name, path.read_bytes())) for path in photos]
        outcome = self.call("POST", f"/datasets/{dataset}/items/", files=files)
        assert outcome["added"] == len(photos), outcome
        return dataset

    def order(self, dataset: str, *, name: str) -> str:
        """Make a boxes project and fund it whole; return its uuid."""
        model = self.call("GET", "/models/")[0]["digest"]
        project = self.call(
            "POST",
            "/projects/",
            json={
                "dataset": dataset,
                "name": name,
                "task_type": "boxes",
                "labels": [{"name": label} for label in LABELS],
                "model": model,
                "class_map": {
                    name: label for label, names in LABELS.items() for name in names
                },
                "reward": REWARD,
                "inference_price": PRICE,
                "max_answers": 3,
            },
        )["project"]["uuid"]
        total = self.call("GET", f"/projects/{project}/quote/")["total"]
        self.call("POST", f"/projects/{project}/fund/", json={"amount": total})
        return str(project)

    def launch(self, project: str) -> None:
        self.call("POST", f"/projects/{project}/launch/")

    def project(self, project: str) -> Any:
        return self.call("GET", f"/projects/{project}/")


class Labeler(threading.Thread):
    """A person who accepts every proposal, and says it again until it was heard."""

    def __init__(self, stack: Stack, *, email: str, campaign: str) -> None:
        super().__init__(name=email, daemon=True)
        self.done = threading.Event()
        self.answered = 0
        self.failure: BaseException | None = None
        self._http = stack.client(email)
        self._campaign = campaign

    def run(self) -> None:
        try:
            while not self.done.is_set():
                given = self._post(f"campaigns/{self._campaign}/assignments/", count=3)
                if not given["assignments"]:
                    self.done.wait(0.2)
                for assignment in given["assignments"]:
                    self._answer(assignment)
        except BaseException as error:  # noqa: BLE001 (told to the test, which fails)
            self.failure = error

    def _answer(self, assignment: dict[str, Any]) -> None:
        boxes = (assignment["task"]["proposal"] or {"boxes": []})["boxes"]
        fields = ("x", "y", "w", "h", "label")
        self._post(
            f"assignments/{assignment['uuid']}/answer/",
            token=assignment["token"],
            content={"boxes": [{key: box[key] for key in fields} for box in boxes]},
            idempotency_key=str(uuid.uuid4()),
            seconds=2.5,
        )
        self.answered += 1

    def _post(self, path: str, **body: Any) -> Any:
        """Send the same message until the server answers it."""
        deadline = time.monotonic() + 60
        while True:
            try:
                answer = self._http.post(f"/api/v1/work/{path}", json=body)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code < 500:
                assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
                return answer.json()
            assert time.monotonic() < deadline, f"{path} was not answered"
            self.done.wait(0.1)
