"""Reads over models, nodes and units; what an operator is shown, and why."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.http import Http404
from django.utils.translation import gettext as _

from accounts import queries as accounts_queries
from accounts.models import Person
from compute import manifests
from compute.models import Job, Lease, Model, Node, Unit

ONLINE = timedelta(hours=2)  # twice the longest poll
ONLINE_CACHED_SECONDS = 10  # at most; a few nodes are counted each time
WAITING_COUNTED = 200  # enough to share out fairly; counting on would cost too much


def registered_models() -> QuerySet[Model]:
    return Model.objects.order_by("name", "id")


def model_by_digest(digest: str) -> Model:
    """Return the model. Raises Http404."""
    model = Model.objects.filter(digest=digest).first()
    if model is None:
        raise Http404
    return model


@lru_cache(maxsize=64)
def _read_manifest(text: str) -> dict[str, Any]:
    return dict(json.loads(text))


def manifest_of(model: Model) -> dict[str, Any]:
    """Return the manifest; shared between callers, who must not change it."""
    return _read_manifest(model.manifest)


def classes_of(model: Model) -> list[str]:
    return manifests.classes(manifest_of(model))


def server_key() -> str:
    """Return the public half (hex) of the key that signs models."""
    return manifests.public_hex(manifests.signing_key(settings.MODEL_KEY_FILE))


def node_by_uuid(text: str) -> Node | None:
    """Return the node that says it has this id, with its person."""
    try:
        value = uuid.UUID(text)
    except ValueError:
        return None
    return Node.objects.select_related("person").filter(uuid=value).first()


def nodes_of(person: Person) -> QuerySet[Node]:
    """Return the person's nodes with ``done`` (paid executions) and ``earned``."""
    paid = Q(lease__result__accepted=True)
    return (
        Node.objects.filter(person=person)
        .exclude(status=Node.Status.REVOKED)
        .annotate(
            done=Count("lease", filter=paid),
            earned=Sum("lease__price", filter=paid, default=0),
        )
        .order_by("id")
    )


def earned_by_nodes(person: Person) -> int:
    """Return what all nodes of the person earned, removed ones too, in 1e-7 Pi."""
    paid = Lease.objects.filter(person=person, result__accepted=True)
    return int(paid.aggregate(total=Sum("price", default=0))["total"])


def node_owned_by(person: Person, node_uuid: uuid.UUID) -> Node:
    """Return the person's own node. Raises Http404."""
    node = Node.objects.filter(person=person, uuid=node_uuid).first()
    if node is None:
        raise Http404
    return node


def recent_leases(person: Person, *, limit: int = 12) -> QuerySet[Lease]:
    return (
        Lease.objects.filter(person=person)
        .select_related("node", "unit", "result")
        .order_by("-id")[:limit]
    )


def online_nodes(now: datetime) -> int:
    """Return about how many nodes are polling."""
    count = cache.get("compute.online")
    if count is None:
        count = Node.objects.filter(
            seen_at__gt=now - ONLINE, status=Node.Status.ACTIVE
        ).count()
        seconds = min(count // 10, ONLINE_CACHED_SECONDS)
        cache.set("compute.online", count, seconds)
    return int(count)


def open_unit_count(job: Job) -> int:
    """Return how many units of the job are not decided yet."""
    return Unit.objects.filter(
        job=job, status__in=[Unit.Status.OPEN, Unit.Status.DISPUTED]
    ).count()


def claimable_units(
    person: Person, *, cannot_run: tuple[str, ...] = ()
) -> QuerySet[Unit]:
    """Return the units that this person's nodes may be given, earliest first."""
    seen = Lease.objects.filter(
        unit=OuterRef("pk"),
        person=person,
        status__in=[Lease.Status.ACTIVE, Lease.Status.SUBMITTED],
    )
    units = Unit.objects.filter(
        ~Exists(seen),
        status=Unit.Status.OPEN,
        free__gt=0,
        job__status=Job.Status.ACTIVE,
    )
    own = accounts_queries.tenants_of(person)
    if own:
        units = units.exclude(job__tenant__in=own)
    if cannot_run:
        units = units.exclude(job__model__digest__in=cannot_run)
    return units.order_by("position")


def waiting_executions(person: Person, *, cannot_run: tuple[str, ...] = ()) -> int:
    """Count what waits for this person in the first WAITING_COUNTED units.

    Zero means that nothing can be given to this person now.
    """
    found = claimable_units(person, cannot_run=cannot_run)
    first = found.values("free")[:WAITING_COUNTED]
    return int(first.aggregate(total=Sum("free", default=0))["total"])


@dataclass(frozen=True)
class WhyIdle:
    code: str
    message: str


def why_idle(person: Person, node: Node | None = None) -> list[WhyIdle]:
    """Return every reason for which this person's nodes may be without work."""
    found: list[WhyIdle] = []
    if person.level < 1:
        found.append(WhyIdle("level", _("Confirm first that you are one real person.")))
    if node is not None and node.status == Node.Status.QUARANTINED:
        found.append(
            WhyIdle("quarantined", _("We are checking this node's results first."))
        )
    return found + _why_no_units(person)


def _why_no_units(person: Person) -> list[WhyIdle]:
    if waiting_executions(person):
        return [
            WhyIdle(
                "work_waiting",
                _("There is work. Your node gets some when it asks next."),
            )
        ]
    open_units = Unit.objects.filter(status=Unit.Status.OPEN, free__gt=0)
    if not open_units.exists():
        return [WhyIdle("no_units", _("No client has work for nodes at this moment."))]
    running = open_units.filter(job__status=Job.Status.ACTIVE)
    found = []
    if open_units.exclude(job__status=Job.Status.ACTIVE).exists():
        found.append(WhyIdle("paused", _("A client has paused a project.")))
    own = accounts_queries.tenants_of(person)
    if own and running.filter(job__tenant__in=own).exists():
        found.append(
            WhyIdle(
                "own_project",
                _("Some work is of your own organization; others must do it."),
            )
        )
    if running.exclude(job__tenant__in=own).exists():
        found.append(
            WhyIdle(
                "others_turn",
                _(
                    "Your nodes did their part of what is open. Each picture also "
                    "needs the node of another person."
                ),
            )
        )
    return found
