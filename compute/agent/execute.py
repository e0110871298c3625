"""Executes an order from a folder and prints the outcomes: how the server re-executes.

    python -m compute.agent.execute FOLDER

The folder holds order.json (manifest, graph's digest, inputs) and the bytes of every
file under its digest. It is the code that nodes run, so that both give the same.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from compute.agent import protocol
from compute.agent.inference import BadInput, CannotRun, Model, ModelFailed


def main() -> None:
    folder = Path(sys.argv[1])
    order = json.loads((folder / "order.json").read_text())
    json.dump({"outcomes": outcomes(folder, order)}, sys.stdout)


def outcomes(folder: Path, order: dict[str, Any]) -> list[dict[str, Any]]:
    """Return {"output"} or {"error"} for each input, in order."""
    try:
        graph = read(folder, order["graph"])
        model = Model(order["manifest"], graph)
    except (BadInput, CannotRun):
        return [{"error": protocol.MODEL_FAILED} for _ in order["inputs"]]
    return [outcome(folder, model, files[0]) for files in order["inputs"]]


def outcome(folder: Path, model: Model, file: dict[str, Any]) -> dict[str, Any]:
    try:
        picture = read(folder, file["digest"])
        output = model.run(picture, width=file["width"], height=file["height"])
    except BadInput:
        return {"error": protocol.BAD_INPUT}
    except ModelFailed:
        return {"error": protocol.MODEL_FAILED}
    return {"output": output}


def read(folder: Path, digest: str) -> bytes:
    """Return the bytes of this digest. Raises BadInput."""
    path = folder / Path(digest).name
    data = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(data).hexdigest() != digest:
        raise BadInput(digest)
    return data


if __name__ == "__main__":
    main()
