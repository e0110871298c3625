"""The one definition of the wire between server and node: paths, messages, signing."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from compute.agent.parsing import Malformed, from_json, parse, serialize, to_json

__all__ = ["Malformed", "from_json", "parse", "serialize", "to_json"]

VERSION = 1
PREFIX = "/api/v1/nodes/"
ENROLL = PREFIX + "enroll/"
HELLO = PREFIX + "hello/"
CLAIM = PREFIX + "claim/"
RENEW = PREFIX + "renew/"
RESULTS = PREFIX + "results/"
RELEASE = PREFIX + "release/"
WHY = PREFIX + "why/"
PATHS = (ENROLL, HELLO, CLAIM, RENEW, RESULTS, RELEASE, WHY)

NODE_HEADER = "Tessera-Node"  # the node's uuid; absent at enroll
TIME_HEADER = "Tessera-Time"  # whole seconds since 1970
NONCE_HEADER = "Tessera-Nonce"  # 16 to 64 characters, never used twice
SIGNATURE_HEADER = "Tessera-Signature"  # hex Ed25519 over ``signing_bytes``
HEADERS = (NODE_HEADER, TIME_HEADER, NONCE_HEADER, SIGNATURE_HEADER)

SKEW_SECONDS = 120
BATCH_MAX = 64  # leases in one message
BOXES_MAX = 500
FINGERPRINT_LENGTH = 32

# What a node may say instead of an output.
BAD_INPUT = "bad_input"  # the picture cannot be read, or is not what its digest says
MODEL_FAILED = "model_failed"  # the graph or its decoding ended in an error
INVALID_OUTPUT = "invalid_output"  # said by the server: the output breaks the manifest
RESULT_ERRORS = (BAD_INPUT, MODEL_FAILED, INVALID_OUTPUT)

# What the server answers for each result.
RECORDED = "recorded"  # kept; it is paid when the unit is decided in its favour
INVALID = "invalid"  # breaks the manifest; set aside, with a reason
TOO_LATE = "too_late"  # the unit no longer needs it
UNKNOWN = "unknown"  # no lease of this node has this id
ACKNOWLEDGEMENTS = (RECORDED, INVALID, TOO_LATE, UNKNOWN)


@dataclass(frozen=True, kw_only=True)
class InputFile:
    digest: str
    media_type: str
    size: int
    width: int
    height: int
    url: str = field(default="", metadata={"longest": 2000})


@dataclass(frozen=True, kw_only=True)
class SignedModel:
    digest: str
    manifest: str = field(metadata={"longest": 100_000})
    signature: str
    key_id: str
    graph_url: str = field(metadata={"longest": 2000})


@dataclass(frozen=True, kw_only=True)
class LeaseGrant:
    lease: str
    model: str
    price: str
    inputs: list[InputFile]


@dataclass(frozen=True, kw_only=True)
class EnrollRequest:
    code: str
    public_key: str
    name: str
    capabilities: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class EnrollReply:
    node: str
    server_key: str
    next_poll_s: float
    server_time: float


@dataclass(frozen=True, kw_only=True)
class HelloRequest:
    capabilities: dict[str, Any] = field(default_factory=dict)
    holding: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class HelloReply:
    name: str
    released: int
    lease_seconds: int
    next_poll_s: float
    server_time: float


@dataclass(frozen=True, kw_only=True)
class ClaimRequest:
    max_units: int
    known_models: list[str] = field(default_factory=list)
    cannot_run: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ClaimReply:
    leases: list[LeaseGrant]
    models: list[SignedModel]
    lease_seconds: int
    next_poll_s: float
    server_time: float


@dataclass(frozen=True, kw_only=True)
class RenewRequest:
    leases: list[str]


@dataclass(frozen=True, kw_only=True)
class RenewReply:
    renewed: list[str]
    gone: list[str]
    next_poll_s: float
    server_time: float


@dataclass(frozen=True, kw_only=True)
class ExecutionResult:
    lease: str
    seconds: float
    output: dict[str, Any] | None = None
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class ResultsRequest:
    """Results are read one by one, so that a bad one does not spoil the others."""

    results: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    lease: str
    state: str
    reason: str = field(default="", metadata={"longest": 500})


@dataclass(frozen=True, kw_only=True)
class ResultsReply:
    acknowledgements: list[Acknowledgement]
    next_poll_s: float
    server_time: float


@dataclass(frozen=True, kw_only=True)
class ReleaseRequest:
    leases: list[str]


@dataclass(frozen=True, kw_only=True)
class ReleaseReply:
    released: int
    next_poll_s: float
    server_time: float


@dataclass(frozen=True, kw_only=True)
class Reason:
    code: str
    message: str = field(metadata={"longest": 500})


@dataclass(frozen=True, kw_only=True)
class WhyReply:
    reasons: list[Reason]
    next_poll_s: float
    server_time: float


MESSAGES: tuple[type, ...] = (
    InputFile,
    SignedModel,
    LeaseGrant,
    EnrollRequest,
    EnrollReply,
    HelloRequest,
    HelloReply,
    ClaimRequest,
    ClaimReply,
    RenewRequest,
    RenewReply,
    ExecutionResult,
    ResultsRequest,
    Acknowledgement,
    ResultsReply,
    ReleaseRequest,
    ReleaseReply,
    Reason,
    WhyReply,
)


def signing_bytes(
    *, method: str, path: str, body: bytes, time: str, nonce: str
) -> bytes:
    """Return what a node signs for one request."""
    digest = hashlib.sha256(body).hexdigest()
    return "\n".join([method.upper(), path, digest, time, nonce]).encode()


def fingerprint(public_key: str) -> str:
    """Return the short form of a public key (hex) that a pairing code carries."""
    digest = hashlib.sha256(bytes.fromhex(public_key)).hexdigest()
    return digest[:FINGERPRINT_LENGTH]


def split_code(code: str) -> tuple[str, str]:
    """Return the secret and the server key's fingerprint. Raises Malformed."""
    secret, _, mark = code.strip().lower().partition(".")
    if len(secret) < 16 or len(mark) != FINGERPRINT_LENGTH:
        raise Malformed("this is not a whole pairing code")
    return secret, mark
