"""The only place where the server executes a model: the agent's code, set apart.

It runs in a process of its own, as a node would run it: the server's processes never
load a client's graph, and an execution that hangs or crashes takes nothing with it.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from blobs import queries as blobs

START_SECONDS = 60
SECONDS_EACH = 10

log = structlog.get_logger(__name__)


class DidNotEnd(Exception):
    """The process crashed or ran out of time; nothing is known about the inputs."""


@dataclass(frozen=True)
class Outcome:
    """An output, or the error with which the execution ended."""

    output: dict[str, Any] | None
    error: str = ""


def run(
    *, manifest: str, graph: str, inputs: Sequence[list[dict[str, Any]]]
) -> list[Outcome]:
    """Execute each input and return the outcomes in order. Raises DidNotEnd."""
    with tempfile.TemporaryDirectory(prefix="tessera-execute-") as name:
        folder = Path(name)
        _fetch(folder, {graph, *(file["digest"] for each in inputs for file in each)})
        order = {"manifest": manifest, "graph": graph, "inputs": list(inputs)}
        (folder / "order.json").write_text(json.dumps(order))
        answer = _execute(folder, seconds=START_SECONDS + SECONDS_EACH * len(inputs))
    return [
        Outcome(output=item.get("output"), error=item.get("error", ""))
        for item in answer
    ]


def _fetch(folder: Path, digests: set[str]) -> None:
    """Put the bytes beside the order; what the store has lost is found missing."""
    for digest in digests:
        try:
            (folder / digest).write_bytes(blobs.read_blob(digest))
        except FileNotFoundError:
            log.warning("blob_lost", digest=digest)


def _execute(folder: Path, *, seconds: int) -> list[dict[str, Any]]:
    # Neither our secrets nor our settings are for the graph's process.
    environment = {
        key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ
    }
    try:
        done = subprocess.run(  # noqa: S603 (our own module, no shell)
            [sys.executable, "-m", "compute.agent.execute", str(folder)],
            cwd=settings.BASE_DIR,
            env=environment,
            capture_output=True,
            timeout=seconds,
            check=True,
        )
        return list(json.loads(done.stdout)["outcomes"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        log.warning("execution_did_not_end", error=repr(error))
        raise DidNotEnd from error
