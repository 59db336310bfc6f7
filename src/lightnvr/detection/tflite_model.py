"""A TensorFlow Lite model, run by LiteRT: an optional package."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray

from lightnvr.detection.labels import labels_beside, labels_packed
from lightnvr.detection.model import first_line, model_input, read_model, reading_of
from lightnvr.detection.models_folder import UnusableModel
from lightnvr.detection.suppression import Floats

_USUAL_SIDE = 320
_FLOATS = (np.float32, np.float16)
_BYTES = (np.uint8, np.int8)


class _Tensor(TypedDict):
    """What LiteRT says of an input or output. `quantization` is what a step is worth, and which number is zero."""

    name: str
    index: int
    shape: NDArray[np.int32]
    dtype: type[np.generic]
    quantization: tuple[float, int]


class _Interpreter(Protocol):
    """What we use of LiteRT's Interpreter."""

    def allocate_tensors(self) -> None: ...
    def get_input_details(self) -> Sequence[_Tensor]: ...
    def get_output_details(self) -> Sequence[_Tensor]: ...
    def set_tensor(self, index: int, value: NDArray[np.generic]) -> None: ...
    def invoke(self) -> None: ...
    def get_tensor(self, index: int) -> NDArray[np.generic]: ...


class TfliteModel:
    """Implements `Model`. It takes one picture at a time."""

    def __init__(self, path: Path, threads: int) -> None:
        """Load it, and try it once on a black picture. Raises UnusableModel.

        `threads` is how many it may use at once.
        """
        content, own_labels = read_model(path), labels_beside(path)
        self._interpreter = _open(content, threads)
        inputs, self._outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        if len(inputs) != 1:
            raise UnusableModel("A detection model has one input of four dimensions; this one has others.")
        self._given = inputs[0]
        if self._given["dtype"] not in (*_FLOATS, *_BYTES):
            raise UnusableModel(f"Its input is {np.dtype(self._given['dtype'])}; float, uint8 and int8 are known.")
        self.input = model_input([int(side) for side in self._given["shape"]], _USUAL_SIDE, 1)
        self.labels = own_labels or labels_packed(io.BytesIO(content))
        outputs = self.run(np.zeros((1, self.input.height, self.input.width, 3), np.uint8))
        names = [output["name"] for output in self._outputs]
        self.reading = reading_of(_told_apart(names, outputs), outputs, self.input, len(self.labels))

    def run(self, canvases: NDArray[np.uint8]) -> Sequence[Floats]:
        """See Model."""
        try:
            self._interpreter.set_tensor(self._given["index"], self._tensor(canvases))
            self._interpreter.invoke()
            return [_real(output, self._interpreter.get_tensor(output["index"])) for output in self._outputs]
        except (ValueError, RuntimeError, TypeError) as error:
            raise UnusableModel(f"The model cannot be run: {first_line(error)}") from error

    def _tensor(self, canvases: NDArray[np.uint8]) -> NDArray[np.generic]:
        if not self.input.channels_last:
            canvases = canvases.transpose(0, 3, 1, 2)
        kind = self._given["dtype"]
        if kind in _BYTES:
            # What a step is worth is made so that the picture's own steps fit, whatever range the model works in.
            return np.ascontiguousarray(canvases) if kind is np.uint8 else (canvases ^ 0x80).view(np.int8)
        tensor = np.empty(canvases.shape, kind)
        np.multiply(canvases, np.float32(1 / 255), out=tensor, casting="same_kind")
        return tensor


def _real(output: _Tensor, value: NDArray[np.generic]) -> Floats:
    real = value.astype(np.float32)
    step, zero = output["quantization"]
    if output["dtype"] not in _FLOATS and step:
        real -= np.float32(zero)
        real *= np.float32(step)
    return real


def _told_apart(names: Sequence[str], outputs: Sequence[Floats]) -> list[str]:
    """Return names of four outputs that say which is which, when they have the shapes of SSD but other names.

    Their own end in numbers. Those of classes stand beside those of boxes, in the order of either converter.
    """
    boxes = [at for at, output in enumerate(outputs) if output.ndim == 3 and output.shape[-1] == 4]
    lists = [at for at, output in enumerate(outputs) if output.ndim == 2]
    counts = [at for at, output in enumerate(outputs) if output.size == 1 and at not in lists]
    if len(outputs) != 4 or (len(boxes), len(lists), len(counts)) != (1, 2, 1):
        return list(names)

    def place(at: int) -> int:
        ending = names[at].rpartition(":")[2]
        return int(ending) if ending.isdigit() else 0

    classes, scores = sorted(lists, key=lambda at: abs(place(at) - place(boxes[0])))
    told = {boxes[0]: "boxes", classes: "classes", scores: "scores", counts[0]: "count"}
    return [told[at] for at in range(4)]


def _open(content: bytes, threads: int) -> _Interpreter:
    try:
        # Loaded late: most installations have no model.
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415
    except ImportError:
        raise UnusableModel(
            "The package ai-edge-litert is not installed: install LightNVR with its extra tflite."
        ) from None
    try:
        interpreter: _Interpreter = Interpreter(model_content=content, num_threads=threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError, TypeError) as error:
        raise UnusableModel(f"It is no model that LiteRT can load: {first_line(error)}") from error
    return interpreter
