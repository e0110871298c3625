"""What a node keeps on disk: content by digest, unsent results, who it is."""

import hashlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from compute.agent import protocol
from compute.agent.protocol import ExecutionResult

CACHE_MAX_BYTES = 2 * 1024 * 1024 * 1024
HEX = frozenset("0123456789abcdef")


class Tampered(Exception):
    """These bytes are not what their digest says."""


class AlreadyRunning(Exception):
    """Another agent works in this home."""


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    draft.write_bytes(data)
    draft.replace(path)


class Cache:
    """Models and photos under their SHA-256; what does not fit its name is not kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._size = sum(path.stat().st_size for path in folder.iterdir())

    def get(self, digest: str, fetch: Callable[[], bytes]) -> bytes:
        """Return the bytes, fetching them the first time. Raises Tampered."""
        if len(digest) != 64 or not HEX.issuperset(digest):
            raise Tampered(digest)
        path = self._folder / digest
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            data = b""
        # Read again, checked again: a disk errs and a file can be changed.
        if data and hashlib.sha256(data).hexdigest() == digest:
            return data
        data = fetch()
        if hashlib.sha256(data).hexdigest() != digest:
            raise Tampered(digest)
        self._make_room(len(data))
        write(path, data)
        self._size += len(data)
        return data

    def _make_room(self, size: int) -> None:
        """Forget what was used longest ago when the cache is full."""
        if self._size + size <= CACHE_MAX_BYTES:
            return
        for path in sorted(
            self._folder.iterdir(), key=lambda item: item.stat().st_mtime
        ):
            self._size -= path.stat().st_size
            path.unlink(missing_ok=True)
            if self._size + size <= CACHE_MAX_BYTES // 2:
                return


class Outbox:
    """Results on disk until the server has acknowledged them, whatever happens."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._waiting: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        for path in sorted(folder.glob("*.json")):
            self._load(path)

    def _load(self, path: Path) -> None:
        try:
            item = json.loads(path.read_bytes())
            protocol.from_json(ExecutionResult, item)
        except (ValueError, OSError):
            path.unlink(missing_ok=True)
            return
        self._waiting[item["lease"]] = item

    def put(self, result: ExecutionResult) -> None:
        write(self._folder / f"{result.lease}.json", protocol.serialize(result))
        with self._lock:
            self._waiting[result.lease] = protocol.to_json(result)

    def oldest(self, count: int) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._waiting.values())[:count]

    def remove(self, lease: str) -> None:
        with self._lock:
            self._waiting.pop(lease, None)
        (self._folder / f"{lease}.json").unlink(missing_ok=True)

    def leases(self) -> list[str]:
        with self._lock:
            return list(self._waiting)

    def __len__(self) -> int:
        return len(self._waiting)


class Home:
    """The node's folder, used by one agent at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock_file = (folder / "lock").open("w")
        self._lock()
        self.cache = Cache(folder / "cache")
        self.outbox = Outbox(folder / "outbox")

    def _lock(self) -> None:
        try:
            import fcntl  # noqa: PLC0415 (not on every system)
        except ImportError:
            return
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock_file.close()
            raise AlreadyRunning(str(self.folder)) from error

    def identity(self) -> dict[str, str]:
        """Return who this node is: server, node, server_key; empty before pairing."""
        try:
            return dict(json.loads((self.folder / "node.json").read_text()))
        except FileNotFoundError:
            return {}

    def keep_identity(self, **identity: str) -> None:
        write(self.folder / "node.json", json.dumps(identity).encode())

    def close(self) -> None:
        self._lock_file.close()
