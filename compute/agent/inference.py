"""The only place that runs a model: picture in, output out, as the manifest says."""

import io
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import onnxruntime
import PIL
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]
PICTURE_FORMATS = ("JPEG", "PNG", "WEBP")
PIXELS_MAX = 60_000_000
CANDIDATES_MAX = 1000  # the surest boxes that are looked at
OPTIMIZATION = {
    "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
    "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
}


class CannotRun(Exception):
    """This computer has not what the manifest asks for."""


class BadInput(Exception):
    """The picture cannot be read, or is not the one that was announced."""


class ModelFailed(Exception):
    """The graph or the decoding of its output ended in an error."""


def runtime() -> dict[str, str]:
    """Return the versions that decide the last digits of an output."""
    return {"onnxruntime": onnxruntime.__version__, "pillow": PIL.__version__}


class Model:
    """A graph loaded once; ``run`` may be called by several threads at a time."""

    def __init__(self, manifest: str, graph: bytes) -> None:
        """Load the graph. Raises CannotRun."""
        self.manifest: dict[str, Any] = json.loads(manifest)
        _check_runtime(self.manifest["runtime"])
        self._input = self.manifest["input"]
        self._decode = self.manifest["decode"]
        options = onnxruntime.SessionOptions()
        # Each picture is one thread's work: parallel pictures use the cores better.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.graph_optimization_level = OPTIMIZATION[
            self.manifest["runtime"]["optimization"]
        ]
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                graph, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise CannotRun(f"the graph cannot be loaded: {error}") from error

    def run(self, picture: bytes, *, width: int, height: int) -> dict[str, Any]:
        """Return the output for one picture. Raises BadInput, ModelFailed."""
        pixels = prepare(picture, self._input, width=width, height=height)
        try:
            scores, boxes = self._session.run(
                [self._decode["scores"], self._decode["boxes"]],
                {self._input["tensor"]: pixels},
            )
            return decode(scores, boxes, self._decode, width=width, height=height)
        except Exception as error:
            raise ModelFailed(str(error)) from error

    @cached_property
    def name(self) -> str:
        return str(self.manifest["name"])


def _check_runtime(asked: Mapping[str, str]) -> None:
    if asked["optimization"] not in OPTIMIZATION:
        raise CannotRun(f"unknown optimization {asked['optimization']}")
    for name, version in runtime().items():
        wanted = asked[name]
        if not f"{version}.".startswith(f"{wanted}."):
            raise CannotRun(f"the model needs {name} {wanted}, here is {version}")


def prepare(
    picture: bytes, spec: Mapping[str, Any], *, width: int, height: int
) -> Floats:
    """Return the tensor of one picture. Raises BadInput.

    The resize is Pillow's affine one, which does not smooth: whole-number arithmetic,
    the same on every computer, and what the model has seen in training.
    """
    try:
        file = Image.open(io.BytesIO(picture), formats=PICTURE_FORMATS)
        _check_size(file.size, (width, height))
        image = file.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadInput(str(error)) from error
    across, down = spec["width"], spec["height"]
    small = image.transform(
        (across, down),
        Image.Transform.AFFINE,
        (width / across, 0.0, 0.0, 0.0, height / down, 0.0),
        Image.Resampling.BILINEAR,
    )
    pixels = np.asarray(small, dtype=np.float32)
    pixels = pixels * np.float32(spec["scale"]) + np.float32(spec["offset"])
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[np.newaxis])


def _check_size(size: tuple[int, int], announced: tuple[int, int]) -> None:
    """Look before decoding: a small file can unfold to a huge picture."""
    if size != announced or size[0] * size[1] > PIXELS_MAX:
        raise BadInput(f"the picture is {size}, not {announced}")


def decode(
    scores: Floats,
    boxes: Floats,
    spec: Mapping[str, Any],
    *,
    width: int,
    height: int,
) -> dict[str, Any]:
    """Return boxes in pixels of the picture, the surest first.

    ``scores`` is [1, anchors, classes]; ``boxes`` is [1, anchors, 1, 4] as ymin, xmin,
    ymax, xmax in 0 … 1.
    """
    names: list[str | None] = spec["classes"]
    grid = scores[0]
    # Flat, then divided: numpy looks for places in two dimensions ten times slower.
    flat = np.flatnonzero(grid >= np.float32(spec["threshold"]))
    surest = np.lexsort((flat, -grid.ravel()[flat]))[:CANDIDATES_MAX]
    anchors, columns = np.divmod(flat[surest], grid.shape[1])
    output = []
    for index in suppress(boxes[0, anchors, 0], columns, iou=spec["nms_iou"]):
        anchor, column = int(anchors[index]), int(columns[index])
        box = _in_pixels(boxes[0, anchor, 0], width=width, height=height)
        if box is not None and names[column] is not None:
            score = float(grid[anchor, column])
            output.append({**box, "class": names[column], "score": score})
    return {"boxes": output[: spec["limit"]]}


def suppress(boxes: Floats, classes: NDArray[np.int64], *, iou: float) -> list[int]:
    """Return the indexes of the boxes that no earlier one of their class covers."""
    ymin, xmin, ymax, xmax = boxes.astype(np.float64).T
    area = np.maximum(ymax - ymin, 0) * np.maximum(xmax - xmin, 0)
    high = np.minimum(ymax[:, None], ymax) - np.maximum(ymin[:, None], ymin)
    wide = np.minimum(xmax[:, None], xmax) - np.maximum(xmin[:, None], xmin)
    common = np.maximum(high, 0) * np.maximum(wide, 0)
    union = area[:, None] + area - common
    covers = (common > iou * union) & (classes[:, None] == classes)
    free = np.ones(len(boxes), dtype=bool)
    kept: list[int] = []
    for index in range(len(boxes)):
        if free[index]:
            kept.append(index)
            free &= ~covers[index]
    return kept


def _in_pixels(box: Floats, *, width: int, height: int) -> dict[str, float] | None:
    """Return the part of a box inside the picture, or None when less than a pixel."""
    ymin, xmin, ymax, xmax = (min(max(float(value), 0.0), 1.0) for value in box)
    x, y = xmin * width, ymin * height
    w, h = xmax * width - x, ymax * height - y
    return {"x": x, "y": y, "w": w, "h": h} if w >= 1 and h >= 1 else None
