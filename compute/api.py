"""The nodes' side of compute over HTTP: each message parsed, one action, answered."""

import random
import re
from collections.abc import Iterable
from typing import Any, TypeVar
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from blobs import queries as blobs
from compute import actions, queries, scheduling, tasks
from compute.agent import protocol
from compute.authentication import (
    IsNode,
    NodeAuthentication,
    NodeThrottle,
    check_signature,
    node_of,
)
from compute.errors import MalformedMessage
from compute.models import Model
from rewards import money

log = structlog.get_logger(__name__)
PUBLIC_KEY = re.compile(r"[0-9a-fA-F]{64}\Z")
Message = TypeVar("Message")


class NodeView(APIView):
    """What every message of a node shares: signature, limit, no browsable schema."""

    authentication_classes = [NodeAuthentication]
    permission_classes = [IsNode]
    throttle_classes = [NodeThrottle]
    schema = None  # described in docs/protocol.md


def read(kind: type[Message], request: Request) -> Message:
    """Return the message in the request's body. Raises MalformedMessage."""
    try:
        return protocol.parse(kind, request.body)
    except protocol.Malformed as error:
        raise MalformedMessage(str(error)) from error


def read_ids(texts: list[str]) -> set[UUID]:
    """Return lease ids. Raises MalformedMessage."""
    if len(texts) > actions.HELD_MAX:
        raise MalformedMessage
    try:
        return {UUID(text) for text in texts}
    except ValueError as error:
        raise MalformedMessage from error


def pace(*, given: int = 0) -> dict[str, float]:
    """Return what every answer carries: when to ask again, and the time here."""
    now = timezone.now()
    wait = scheduling.next_poll_s(
        online=queries.online_nodes(now),
        polls_per_second=settings.POLLS_PER_SECOND,
        given=given,
        chance=random.random(),  # noqa: S311 (spreads polls, protects nothing)
    )
    return {"next_poll_s": round(wait, 3), "server_time": now.timestamp()}


def answer(message: Any) -> Response:
    return Response(protocol.to_json(message))


class Enroll(NodeView):
    authentication_classes = []
    permission_classes = []

    def post(self, request: Request) -> Response:
        message = read(protocol.EnrollRequest, request)
        if not PUBLIC_KEY.match(message.public_key):
            raise MalformedMessage
        # Signed with the new key: the node must own what it enrolls.
        check_signature(request, public_key=message.public_key.lower())
        node = actions.enroll(message, now=timezone.now())
        reply = protocol.EnrollReply(
            node=str(node.uuid), server_key=queries.server_key(), **pace()
        )
        return answer(reply)


class Hello(NodeView):
    def post(self, request: Request) -> Response:
        message = read(protocol.HelloRequest, request)
        node, now = node_of(request), timezone.now()
        actions.greet(node, capabilities=message.capabilities, now=now)
        released = actions.release_unlisted(node, read_ids(message.holding), now=now)
        reply = protocol.HelloReply(
            name=node.name,
            released=released,
            lease_seconds=settings.LEASE_SECONDS,
            **pace(),
        )
        return answer(reply)


class Claim(NodeView):
    def post(self, request: Request) -> Response:
        message = read(protocol.ClaimRequest, request)
        node, now = node_of(request), timezone.now()
        actions.touch_node(node, now=now)
        granted = actions.claim(
            node,
            max_units=message.max_units,
            cannot_run=message.cannot_run[: protocol.BATCH_MAX],
            now=now,
        )
        models = {each.unit.job.model for each in granted}
        reply = protocol.ClaimReply(
            leases=[grant(each) for each in granted],
            models=signed_models(models, known=set(message.known_models)),
            lease_seconds=settings.LEASE_SECONDS,
            **pace(given=len(granted)),
        )
        return answer(reply)


def grant(granted: actions.Granted) -> protocol.LeaseGrant:
    """Return what a node is told of a lease: nothing says why it was given."""
    return protocol.LeaseGrant(
        lease=str(granted.lease.uuid),
        model=granted.unit.job.model.digest,
        price=money.to_text(granted.lease.price),
        inputs=[
            protocol.InputFile(
                digest=file["digest"],
                media_type=file["media_type"],
                size=file["size"],
                width=file["width"],
                height=file["height"],
                url=blobs.link(file["digest"]),
            )
            for file in granted.unit.inputs
        ],
    )


def signed_models(
    models: Iterable[Model], *, known: set[str]
) -> list[protocol.SignedModel]:
    return [
        protocol.SignedModel(
            digest=model.digest,
            manifest=model.manifest,
            signature=model.signature,
            key_id=model.key_id,
            graph_url=blobs.link(model.graph_id),
        )
        for model in models
        if model.digest not in known
    ]


class Renew(NodeView):
    def post(self, request: Request) -> Response:
        message = read(protocol.RenewRequest, request)
        asked = read_ids(message.leases)
        renewed = actions.renew(node_of(request), asked, now=timezone.now())
        reply = protocol.RenewReply(
            renewed=sorted(str(item) for item in renewed),
            gone=sorted(str(item) for item in asked - renewed),
            **pace(given=1),
        )
        return answer(reply)


class Results(NodeView):
    def post(self, request: Request) -> Response:
        message = read(protocol.ResultsRequest, request)
        if len(message.results) > protocol.BATCH_MAX:
            raise MalformedMessage
        taken = actions.accept_results(
            node_of(request), message.results, now=timezone.now()
        )
        for unit_id in taken.disputed:
            hint_dispute(unit_id)
        reply = protocol.ResultsReply(
            acknowledgements=taken.acknowledgements, **pace(given=1)
        )
        return answer(reply)


def hint_dispute(unit_id: int) -> None:
    """Have the unit settled soon; without a broker the beat finds it later."""
    try:
        tasks.settle_unit.delay_on_commit(unit_id)  # type: ignore[attr-defined]
    except OperationalError:
        log.warning("hint_lost", unit=unit_id)


class Release(NodeView):
    def post(self, request: Request) -> Response:
        message = read(protocol.ReleaseRequest, request)
        released = actions.release(
            node_of(request), read_ids(message.leases), now=timezone.now()
        )
        return answer(protocol.ReleaseReply(released=released, **pace()))


class Why(NodeView):
    def get(self, request: Request) -> Response:
        node = node_of(request)
        reasons = [
            protocol.Reason(code=each.code, message=each.message)
            for each in queries.why_idle(node.person, node)
        ]
        return answer(protocol.WhyReply(reasons=reasons, **pace()))
