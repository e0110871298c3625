"""The node's own key, and the check of what the server has signed."""

import os
import secrets
import time
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from compute.agent import protocol


class Key:
    """Signs the node's requests; its private half never leaves this computer."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw().hex()

    @classmethod
    def of_home(cls, home: Path) -> "Key":
        """Return the key kept in this folder; make it, readable by its owner only."""
        path = home / "node.ed25519"
        if not path.exists():
            private = Ed25519PrivateKey.generate()
            draft = path.with_suffix(".draft")
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(private.private_bytes_raw().hex())
            draft.replace(path)
        seed = bytes.fromhex(path.read_text().strip())
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    def headers(
        self, *, method: str, path: str, body: bytes, node: str, clock_offset: float
    ) -> dict[str, str]:
        """Return the headers that sign one request, once."""
        moment = str(int(time.time() + clock_offset))
        nonce = secrets.token_urlsafe(18)
        message = protocol.signing_bytes(
            method=method, path=path, body=body, time=moment, nonce=nonce
        )
        return {
            protocol.NODE_HEADER: node,
            protocol.TIME_HEADER: moment,
            protocol.NONCE_HEADER: nonce,
            protocol.SIGNATURE_HEADER: self._private.sign(message).hex(),
        }


def is_signed(text: str, *, signature: str, server_key: str) -> bool:
    """Return whether the server with this key signed this manifest."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(server_key))
        key.verify(bytes.fromhex(signature), text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True
