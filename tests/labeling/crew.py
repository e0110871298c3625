"""A funded client, its campaign, verified people and their browsers."""

import itertools
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.test import Client

from accounts import actions as accounts_actions
from accounts.models import Evidence, Person, User
from labeling import actions
from labeling.models import Campaign, Task
from rewards import ledger
from rewards.models import Account, Transfer
from tests.staff import enter

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
REWARD, FEE = 100_000, 10_000
QUESTION = {
    "labels": [
        {"name": "dog", "color": "#7c3aed"},
        {"name": "cat", "color": "#0f766e"},
    ],
    "instructions": "Draw a box around every animal.",
}
_numbers = itertools.count(1)


def box(x: float, label: str = "dog", **changes: Any) -> dict[str, Any]:
    return {"x": x, "y": 20.0, "w": 100.0, "h": 80.0, "label": label} | changes


def boxes(*found: dict[str, Any]) -> dict[str, Any]:
    return {"boxes": list(found)}


def picture(name: str = "dog.jpg") -> dict[str, Any]:
    return {
        "digest": "ab" * 32,
        "media_type": "image/jpeg",
        "width": 640,
        "height": 480,
        "name": name,
    }


@dataclass
class Worker:
    """A person at a browser."""

    user: User
    person: Person
    browser: Client
    taken: list[dict[str, Any]] = field(default_factory=list)

    def take(self, campaign: Campaign, count: int = 1, **more: Any) -> Any:
        reply = self.browser.post(
            f"/api/v1/work/campaigns/{campaign.uuid}/assignments/",
            {"count": count} | more,
            content_type="application/json",
        )
        return reply.json()

    def take_one(self, campaign: Campaign) -> dict[str, Any]:
        (assignment,) = self.take(campaign)["assignments"]
        return assignment

    def send(self, assignment: dict[str, Any], verb: str, **body: Any) -> Any:
        return self.browser.post(
            f"/api/v1/work/assignments/{assignment['uuid']}/{verb}/",
            {"token": assignment["token"]} | body,
            content_type="application/json",
        )

    def answer(
        self,
        assignment: dict[str, Any],
        content: Any,
        key: str | None = None,
        **more: Any,
    ) -> Any:
        body = {
            "content": content,
            "idempotency_key": key or str(uuid.uuid4()),
            "seconds": 3.5,
        }
        return self.send(assignment, "answer", **(body | more))

    def label(self, campaign: Campaign, content: Any) -> Any:
        return self.answer(self.take_one(campaign), content).json()

    @property
    def earned(self) -> int:
        account = Account.objects.filter(
            person=self.person, kind=Account.Kind.PENDING
        ).first()
        return account.balance if account else 0


def new_user(level: int = 1, **fields: Any) -> User:
    user = accounts_actions.register_user(
        email=f"person{next(_numbers)}@example.org", password="a-secret-1", **fields
    )
    if level:
        accounts_actions.record_evidence(
            user.person, kind=Evidence.Kind.STAFF_CHECK, level=level, source="tests"
        )
    return user


def new_worker(level: int = 1, **fields: Any) -> Worker:
    user = new_user(level, **fields)
    browser = Client()
    browser.force_login(user)
    if user.is_staff:
        enter(browser, user)
    return Worker(user, user.person, browser)


def open_campaign(*, funds: int = 100_000_000, **changes: Any) -> Campaign:
    """Open a campaign on an escrow of its own with this much in it."""
    number = next(_numbers)
    escrow = ledger.open_account(f"project:{number}:escrow", Account.Kind.ESCROW)
    fees = ledger.open_account(f"project:{number}:fees", Account.Kind.FEES)
    if funds:
        with transaction.atomic():
            ledger.post(
                [
                    ledger.Movement(
                        key=f"fund:{number}",
                        debit=ledger.pi_in_account().pk,
                        credit=escrow.pk,
                        amount=funds,
                        kind=Transfer.Kind.FUND,
                    )
                ]
            )
    settings = {
        "account": escrow,
        "fee_account": fees,
        "title": "Animals",
        "task_type": "boxes",
        "question": QUESTION,
        "reward": REWARD,
        "fee": FEE,
        "max_answers": 3,
        "tenant": str(uuid.uuid4()),
    }
    return actions.open_campaign(**(settings | changes))


def open_tasks(campaign: Campaign, count: int = 1, **changes: Any) -> list[Task]:
    return actions.open_tasks(
        campaign,
        [
            actions.NewTask(inputs=[picture(f"{number}.jpg")], **changes)
            for number in range(count)
        ],
        now=NOW,
    )


def balance(account: Account) -> int:
    return Account.objects.get(pk=account.pk).balance


def held(account: Account) -> int:
    return Account.objects.get(pk=account.pk).held
