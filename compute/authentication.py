"""Which node is calling: requests signed with the key that the node enrolled."""

import re
import time

from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from compute import manifests, queries
from compute.agent import protocol
from compute.errors import (
    ClockSkew,
    NodeRevoked,
    RequestReplayed,
    SignatureMissing,
    SignatureWrong,
)
from compute.models import Node

# Longer than a request stays valid on either side of our clock.
NONCE_SECONDS = 2 * protocol.SKEW_SECONDS + 60
NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}\Z")


def check_signature(request: Request, *, public_key: str) -> None:
    """Accept a request once, if this key signed it now.

    Raises SignatureMissing, ClockSkew, SignatureWrong, RequestReplayed.
    """
    said = {name: request.headers.get(name, "") for name in protocol.HEADERS}
    sent, nonce = said[protocol.TIME_HEADER], said[protocol.NONCE_HEADER]
    if not (
        sent.isascii() and sent.isdigit() and len(sent) < 16 and NONCE.match(nonce)
    ):
        raise SignatureMissing
    now = time.time()
    if abs(now - int(sent)) > protocol.SKEW_SECONDS:
        raise ClockSkew(server_time=now)
    message = protocol.signing_bytes(
        method=request.method or "",
        path=request.get_full_path(),
        body=request.body,
        time=sent,
        nonce=nonce,
    )
    signature = said[protocol.SIGNATURE_HEADER]
    if not manifests.verify(message, signature=signature, public_key=public_key):
        raise SignatureWrong
    # Only after the signature holds: nobody else can use up a node's nonces.
    if not cache.add(f"node-nonce:{public_key}:{nonce}", 1, timeout=NONCE_SECONDS):
        raise RequestReplayed


class NodeAuthentication(BaseAuthentication):
    """Lets a node in by its signature; ``request.auth`` is the node."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Node]:
        node = queries.node_by_uuid(request.headers.get(protocol.NODE_HEADER, ""))
        if node is None:
            raise SignatureMissing
        check_signature(request, public_key=node.public_key)
        if node.status == Node.Status.REVOKED:
            raise NodeRevoked
        return AnonymousUser(), node

    def authenticate_header(self, request: Request) -> str:
        return "Tessera-Signature"


class IsNode(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, Node)


class NodeThrottle(SimpleRateThrottle):
    """A limit for each node, and for each address that enrolls nodes."""

    scope = "node"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        node = request.auth
        ident = node.pk if isinstance(node, Node) else self.get_ident(request)
        return self.cache_format % {"scope": self.scope, "ident": ident}


def node_of(request: Request) -> Node:
    """Return the node that signed this request."""
    assert isinstance(request.auth, Node)
    return request.auth
