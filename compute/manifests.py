"""Model manifests: their one form as bytes, what they must say, and their signature."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from compute.agent import protocol
from compute.agreement import overlap

KEY_ID_LENGTH = 16
# What is kept of a box: a node is told where it stands, never to round.
EDGE_PIXELS = 0.5
SCORE_SLACK = 1e-6


class BadManifest(ValueError):
    """The manifest does not say what a node needs to run the model."""


class BadOutput(ValueError):
    """The output is not of the form that the manifest promises."""


def canonical(manifest: Mapping[str, Any]) -> str:
    """Return the one text of a manifest: this is what is signed and sent."""
    return json.dumps(
        manifest,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def check(manifest: Mapping[str, Any]) -> None:
    """Raise BadManifest when something a node or the comparator needs is missing."""
    try:
        decode, comparator = manifest["decode"], manifest["comparator"]
        usable = (
            manifest["format"] == 1
            and 0 < len(str(manifest["name"])) <= 80
            and manifest["input"]["kind"] == "picture"
            and decode["kind"] == "ssd_boxes"
            and comparator["kind"] == "boxes"
            and 0 < decode["threshold"] < 1
            and 0 < decode["nms_iou"] <= 1
            and 0 < decode["limit"] <= protocol.BOXES_MAX
            and 0 < comparator["iou"] <= 1
            and 0 <= comparator["score"] <= 1
            and 0 <= comparator["margin"] <= 1
            and bool(manifest["licence"] and manifest["source"])
        )
    except (KeyError, TypeError) as error:
        raise BadManifest(f"the manifest lacks {error}") from error
    if not usable:
        raise BadManifest("the manifest has a value that cannot be used")
    names = classes(manifest)
    if not names or len(names) != len(set(names)):
        raise BadManifest("the class names are empty or not all different")


def classes(manifest: Mapping[str, Any]) -> list[str]:
    """Return the class names in the model's order; unused columns are left out."""
    return [name for name in manifest["decode"]["classes"] if name is not None]


def check_boxes(
    output: Mapping[str, Any],
    *,
    manifest: Mapping[str, Any],
    width: int,
    height: int,
) -> dict[str, Any]:
    """Return the output with only what belongs to it. Raises BadOutput.

    The numbers are kept as they came: rounding would move boxes across a boundary.
    """
    boxes = output.get("boxes")
    if not isinstance(boxes, list) or len(boxes) > manifest["decode"]["limit"]:
        raise BadOutput("boxes is not a list, or too long")
    known = set(classes(manifest))
    threshold = manifest["decode"]["threshold"]
    kept = [_box(box, known=known, threshold=threshold) for box in boxes]
    for box in kept:
        inside = (
            box["x"] + box["w"] <= width + EDGE_PIXELS
            and box["y"] + box["h"] <= height + EDGE_PIXELS
        )
        if not inside:
            raise BadOutput("a box leaves the picture")
    return {"boxes": kept}


def _box(box: Any, *, known: set[str], threshold: float) -> dict[str, Any]:
    if not isinstance(box, dict):
        raise BadOutput("a box is not an object")
    name = box.get("class")
    if not isinstance(name, str) or name not in known:
        raise BadOutput("a box has a class that the model does not have")
    x, y, w, h, score = (_number(box.get(key)) for key in ("x", "y", "w", "h", "score"))
    if x < 0 or y < 0 or w <= 0 or h <= 0:
        raise BadOutput("a box has no area or leaves the picture")
    if not threshold - SCORE_SLACK <= score <= 1 + SCORE_SLACK:
        raise BadOutput("a score is below the threshold or above 1")
    kept = {"x": x, "y": y, "w": w, "h": h, "class": name, "score": score}
    # Too small to be compared: the comparator could not even match it with itself.
    if overlap(kept, kept) < 0.999:
        raise BadOutput("a box is too small")
    return kept


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not -1e6 < value < 1e6:
        raise BadOutput("a box has a value that is not a usable number")
    return float(value)


def signing_key(path: Path) -> Ed25519PrivateKey:
    """Return the key that signs models; make it, for its owner only, on first use."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(Ed25519PrivateKey.generate().private_bytes_raw().hex())
        try:
            # A link never replaces: processes that start together keep one key.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))


def public_hex(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def key_id(public_key: str) -> str:
    return protocol.fingerprint(public_key)[:KEY_ID_LENGTH]


def sign(text: str, key: Ed25519PrivateKey) -> str:
    return key.sign(text.encode()).hex()


def verify(message: bytes, *, signature: str, public_key: str) -> bool:
    """Return whether this Ed25519 signature (hex) is of this key (hex)."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True
