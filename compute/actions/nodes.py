"""Pairing and removing nodes: one-time codes, keys, last sign of life."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.actions import record_audit
from accounts.errors import EvidenceNeeded
from accounts.models import Person
from compute import queries
from compute.actions.docket import Docket
from compute.agent import protocol
from compute.errors import CodeRefused, MalformedMessage, TooManyNodes
from compute.models import Lease, Node, PairingCode
from rewards.ledger import pending_account

CODE_LIFE = timedelta(minutes=15)
NODES_MAX = 20  # of one person
CAPABILITIES_MAX = 40
# A sign of life is written this often: an idle poll should not cost a write.
SEEN_STEP = timedelta(seconds=15)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def issue_code(person: Person, *, now: datetime) -> str:
    """Return a pairing code, which is shown once. Raises EvidenceNeeded.

    It carries the fingerprint of our model key, so that a node can refuse a server
    that only pretends to be this one.
    """
    if person.level < 1:
        raise EvidenceNeeded
    secret = secrets.token_hex(16)
    PairingCode.objects.create(
        person=person, digest=_digest(secret), expires_at=now + CODE_LIFE
    )
    return f"{secret}.{protocol.fingerprint(queries.server_key())}"


@transaction.atomic
def enroll(request: protocol.EnrollRequest, *, now: datetime) -> Node:
    """Bring a node with a one-time code; the same node with the same code again is
    answered again, since the first answer may have been lost.

    Raises CodeRefused, TooManyNodes, MalformedMessage.
    """
    try:
        secret, _mark = protocol.split_code(request.code)
    except protocol.Malformed as error:
        raise CodeRefused from error
    code = (
        PairingCode.objects.select_for_update()
        .select_related(None)
        .filter(digest=_digest(secret))
        .first()
    )
    if code is None:
        raise CodeRefused
    known = Node.objects.filter(public_key=request.public_key.lower()).first()
    if code.used_at is not None:
        if known is None or known.person_id != code.person_id:
            raise CodeRefused
        return known
    if code.expires_at <= now or known is not None:
        raise CodeRefused
    mine = Node.objects.filter(person=code.person).exclude(status=Node.Status.REVOKED)
    if mine.count() >= NODES_MAX:
        raise TooManyNodes
    node = Node.objects.create(
        person=code.person,
        name=request.name.strip()[:80] or "node",
        public_key=request.public_key.lower(),
        capabilities=_bounded(request.capabilities),
        seen_at=now,
    )
    code.used_at = now
    code.save(update_fields=["used_at"])
    pending_account(code.person)  # opened now, so that payments only look it up
    record_audit(code.person, "enroll_node", f"node:{node.uuid}")
    return node


def greet(node: Node, *, capabilities: dict[str, Any], now: datetime) -> None:
    """Note what the node can do and that it is there."""
    Node.objects.filter(pk=node.pk).update(
        capabilities=_bounded(capabilities), seen_at=now
    )


def _bounded(capabilities: dict[str, Any]) -> dict[str, str]:
    if len(capabilities) > CAPABILITIES_MAX:
        raise MalformedMessage
    return {
        str(key)[:40]: str(value).replace("\x00", "")[:200]
        for key, value in capabilities.items()
    }


def touch_node(node: Node, *, now: datetime) -> None:
    """Note that the node was there, if that is news."""
    if node.seen_at is None or now - node.seen_at >= SEEN_STEP:
        Node.objects.filter(pk=node.pk).update(seen_at=now)


@transaction.atomic
def revoke_node(node: Node, *, actor: Person | None, now: datetime) -> None:
    """Remove a node for good; what it was doing goes to others at once."""
    Person.objects.select_for_update(no_key=True).get(pk=node.person_id)
    changed = (
        Node.objects.filter(pk=node.pk)
        .exclude(status=Node.Status.REVOKED)
        .update(status=Node.Status.REVOKED)
    )
    if not changed:
        return
    record_audit(actor, "revoke_node", f"node:{node.uuid}")
    held = Lease.objects.filter(node=node, status=Lease.Status.ACTIVE)
    docket = Docket(held.values_list("unit_id", flat=True), now=now)
    for lease in docket.running():
        if lease.node_id == node.pk:
            docket.end_lease(lease, Lease.Status.RELEASED)
    docket.close()
