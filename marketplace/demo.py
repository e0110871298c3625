"""The demo's people, their organization, and its funded project on the bundled photos.

Everything is made by the actions that pages and API call; each step first looks whether
it was done, so that building again goes on where the last time ended. Simulated Pi has
to answer: people join its accounts, and the client's deposit is paid on its chain.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import gettext_noop

from accounts import actions as accounts_actions
from accounts import linking, pi_app
from accounts import queries as accounts_queries
from accounts.models import Organization, Person, User
from compute import actions as compute_actions
from compute import queries as compute_queries
from marketplace import pipeline
from marketplace.actions import datasets as dataset_actions
from marketplace.actions import projects as project_actions
from marketplace.models import Dataset, Project
from marketplace.queries import datasets as dataset_queries
from marketplace.queries import projects as project_queries
from rewards import deposits, ledger
from rewards.money import parse

DOMAIN = "tessera.demo"
PASSWORD = "seven-tiles-of-light"  # noqa: S105 (printed by the demo, on loopback only)
# For the authenticator of the demo's staff; `manage.py demo_code` knows it too.
SECOND_FACTOR = "ORSXG43FOJQSAZDFNVXSAY3PMRSXG5DB"
OPERATORS = 3
PEOPLE = 7
TREASURERS = 2  # one prepares, the other approves
ORGANIZATION = "Aurora Vision"
DATASET = "Street and field"
PROJECT = "What is in the picture?"
DEPOSIT = parse("500")
PHOTOS = Path(settings.BASE_DIR) / "marketplace" / "demo_photos"
INSTRUCTIONS = gettext_noop(
    "Draw a box around each person, animal, vehicle and kite, and around tableware. "
    "A box touches the thing on all four sides. If there is nothing, send no box."
)

LABELS = {
    "person": "#7c3aed",
    "animal": "#0f766e",
    "vehicle": "#b45309",
    "tableware": "#be185d",
    "kite": "#1d4ed8",
}
CLASSES = {
    "person": ("person",),
    "animal": (
        *("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear"),
        *("zebra", "giraffe"),
    ),
    "vehicle": (
        *("bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"),
    ),
    "tableware": ("bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl"),
    "kite": ("kite",),
}

REVIEWER_MAY = (
    *("labeling.view_campaign", "labeling.view_task", "labeling.change_task"),
    *("labeling.view_answer", "labeling.view_verdict", "labeling.view_report"),
    *("accounts.view_person", "compute.view_node"),
)
TREASURER_MAY = (
    *("rewards.view_account", "rewards.view_transfer", "rewards.view_hold"),
    *("rewards.view_deposit", "rewards.change_deposit"),
    *("accounts.view_organization", "accounts.view_auditevent"),
    *("rewards.view_payout", "rewards.change_payout", "rewards.view_payoutevent"),
    *("rewards.view_envelope", "rewards.view_stop", "rewards.change_stop"),
    *("rewards.view_reconciliation", "rewards.add_reconciliation"),
    "marketplace.view_project",
)


def email(name: str) -> str:
    return f"{name}@{DOMAIN}"


def accounts(*, operators: int = OPERATORS) -> list[dict[str, str]]:
    """Return who may sign in, and what each should look at first."""
    rows = [
        ("client", email("client"), "/projects/  /datasets/  /wallet/"),
        ("operators", _several("operator", operators), "/nodes/"),
        ("people", _several("person", PEOPLE), "/earn/"),
        ("reviewer", email("reviewer"), "/admin/"),
        (
            "treasurers",
            _several("treasurer", TREASURERS),
            "/admin/rewards/payout/till/",
        ),
        ("admin", email("admin"), "/admin/"),
    ]
    return [{"who": who, "email": at, "look": look} for who, at, look in rows]


def _several(name: str, count: int) -> str:
    return f"{email(name + '1')} … {email(f'{name}{count}')}"


def build(now: datetime, *, operators: int = OPERATORS) -> Project:
    """Make whatever is missing of the demo; return its running project."""
    client = build_people(now, operators=operators)
    dataset = _dataset(accounts_queries.organizations_of(client).get(), client)
    project = _project(dataset, client)
    if project.status == Project.Status.DRAFT:
        missing = project_queries.quote_of(project).total - project.escrow.available
        if missing > 0:
            project_actions.fund_project(project, client, amount=missing)
        project = project_actions.launch_project(project, client, now=now)
        pipeline.advance(project.pk, now=now)
    return project


def build_people(now: datetime, *, operators: int = OPERATORS) -> Person:
    """Make everybody who is missing, and the client's wallet; return the client."""
    client = _with_pi("client", now=now)
    _organization(client, now=now)
    for number in range(1, operators + 1):
        _with_pi(f"operator{number}", now=now)
    for number in range(1, PEOPLE + 1):
        _with_pi(f"person{number}", now=now)
    _staff("reviewer", role="Reviewers", permissions=REVIEWER_MAY)
    for number in range(1, TREASURERS + 1):
        _staff(f"treasurer{number}", role="Treasurers", permissions=TREASURER_MAY)
    admin = _user("admin", is_staff=True, is_superuser=True)
    accounts_actions.set_second_factor(admin, secret=SECOND_FACTOR)
    return client


def _user(name: str, *, is_staff: bool = False, is_superuser: bool = False) -> User:
    return accounts_queries.user_with_email(
        email(name)
    ) or accounts_actions.register_user(
        email=email(name),
        password=PASSWORD,
        is_staff=is_staff,
        is_superuser=is_superuser,
    )


def _with_pi(name: str, *, now: datetime) -> Person:
    """Make somebody who joined the simulated Pi account that has their name."""
    person = _person(name)
    network = pi_app.network()
    if accounts_queries.pi_identity_of(person, network) is None:
        asked = {"username": name, "scopes": list(pi_app.SCOPES)}
        _, allowed = pi_app.play("authenticate", asked)
        seen = pi_app.platform_client().me(allowed["accessToken"])
        linking.link(person, seen, network=network, now=now)
    return person


def _staff(name: str, *, role: str, permissions: Sequence[str]) -> None:
    user = _user(name, is_staff=True)
    accounts_actions.set_second_factor(user, secret=SECOND_FACTOR)
    if not user.groups.filter(name=role).exists():
        accounts_actions.give_role(user, role=role, permissions=permissions)


def _organization(client: Person, *, now: datetime) -> None:
    organization = accounts_queries.organizations_of(client).first()
    if organization is None:
        organization = accounts_actions.create_organization(client, name=ORGANIZATION)
    if ledger.wallet_account(organization).credits == 0:
        deposits.play.pay_in(organization, client, DEPOSIT, now=now)


def _dataset(organization: Organization, client: Person) -> Dataset:
    known = dataset_queries.datasets_of([organization]).filter(name=DATASET).first()
    dataset = known or dataset_actions.create_dataset(
        organization, client, name=DATASET
    )
    if not dataset_queries.items_of(dataset).exists():
        dataset_actions.add_pictures(
            dataset,
            client,
            [
                SimpleUploadedFile(path.name, path.read_bytes())
                for path in sorted(PHOTOS.glob("*.jpg"))
            ],
        )
    return dataset


def _project(dataset: Dataset, client: Person) -> Project:
    known = (
        project_queries.projects_of([dataset.organization]).filter(name=PROJECT).first()
    )
    return known or project_actions.create_project(
        dataset,
        client,
        name=PROJECT,
        task_type=Project.TaskType.BOXES,
        labels=[{"name": name, "color": color} for name, color in LABELS.items()],
        instructions=INSTRUCTIONS,
        model=compute_queries.registered_models().first(),
        class_map={
            name: label for label, classes in CLASSES.items() for name in classes
        },
        reward=parse("0.05"),
        inference_price=parse("0.004"),
        max_answers=3,
    )


def api_key() -> str:
    """Make a new key of the demo's client and return its secret."""
    client = _person("client")
    organization = accounts_queries.organizations_of(client).get()
    _, secret = accounts_actions.create_api_key(organization, client, name="demo")
    return secret


def _person(name: str) -> Person:
    return accounts_actions.give_person(_user(name))


def pairing_codes(
    operators: int, *, homeless: Sequence[int], now: datetime
) -> list[str | None]:
    """Return, for each operator, a code if they have no node or its home is lost."""
    codes: list[str | None] = []
    for number in range(1, operators + 1):
        person = _person(f"operator{number}")
        paired = compute_queries.nodes_of(person).exists()
        needed = number in homeless or not paired
        codes.append(compute_actions.issue_code(person, now=now) if needed else None)
    return codes
