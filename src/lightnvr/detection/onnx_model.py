"""A model in a file of the Open Neural Network Exchange, run by onnxruntime: an optional package."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lightnvr.detection.heads import Output, Reading, UnknownHead, recognise
from lightnvr.detection.labels import labels_beside, labels_within
from lightnvr.detection.suppression import Floats

LARGEST_FILE = 512 * 1024 * 1024
_LONGEST_SIDE = 4096
_USUAL_SIDE = 640
_MOST_PICTURES = 8
"""Pictures that are looked at together: more need more memory, and are not faster."""

_FLOATS = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_BYTES = "tensor(uint8)"


class UnusableModel(Exception):
    """The file is no model that can be used; the text is a sentence."""


class _Tensor(Protocol):
    name: str
    shape: list[int | str | None]
    type: str


class _Metadata(Protocol):
    custom_metadata_map: dict[str, str]


class _Session(Protocol):
    """What we use of onnxruntime's InferenceSession."""

    def get_inputs(self) -> Sequence[_Tensor]: ...
    def get_outputs(self) -> Sequence[_Tensor]: ...
    def get_modelmeta(self) -> _Metadata: ...
    def run(self, names: None, feed: Mapping[str, NDArray[np.generic]]) -> Sequence[NDArray[np.generic]]: ...


@dataclass(frozen=True, slots=True)
class _Input:
    """What a model looks at. `pictures` is how many at once, `channels_last` whether colours are the last dimension."""

    name: str
    width: int
    height: int
    channels_last: bool
    type: str
    pictures: int

    def tensor(self, canvases: NDArray[np.uint8]) -> NDArray[np.generic]:
        """Return pictures (B x height x width x 3) as the model wants them."""
        if not self.channels_last:
            canvases = canvases.transpose(0, 3, 1, 2)
        if self.type == _BYTES:
            return np.ascontiguousarray(canvases)
        kind = _FLOATS[self.type]
        tensor = np.empty(canvases.shape, kind)
        np.multiply(canvases, np.float32(1 / 255), out=tensor, casting="same_kind")
        return tensor


class OnnxModel:
    """A loaded model. Used by one thread at a time."""

    def __init__(self, path: Path, threads: int) -> None:
        """Load it, which takes up to seconds, and try it once on a black picture. Raises UnusableModel.

        `threads` is how many it may use at once.
        """
        content, own_labels = _read(path)
        self._session = _open(content, threads)
        self.input = _input_of(self._session.get_inputs())
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.labels = own_labels or labels_within(metadata.get("names", ""))
        canvases = np.zeros((self.input.pictures, self.input.height, self.input.width, 3), np.uint8)
        outputs = self._run(canvases[:1])
        names = [output.name for output in self._session.get_outputs()]
        try:
            self.reading: Reading = recognise(
                [Output(name, value.shape) for name, value in zip(names, outputs, strict=True)],
                self.input.width,
                self.input.height,
                len(self.labels),
                channels_last=self.input.channels_last,
                end_to_end=metadata.get("end2end", "").lower() == "true",
            )
            self.reading.read(outputs, 1)
        except UnknownHead as error:
            raise UnusableModel(str(error)) from None
        except (ValueError, IndexError, TypeError) as error:
            raise UnusableModel(f"What it gives cannot be read as boxes: {error}.") from error
        self.pictures = self.input.pictures
        """How many pictures it takes at once."""

    def run(self, canvases: NDArray[np.uint8]) -> Sequence[Floats]:
        """Look at pictures, B x height x width x 3, at most `pictures`. Raises UnusableModel."""
        return self._run(canvases)

    def _run(self, canvases: NDArray[np.uint8]) -> Sequence[Floats]:
        try:
            outputs = self._session.run(None, {self.input.name: self.input.tensor(canvases)})
        except Exception as error:  # onnxruntime raises one type for each of its error codes
            raise UnusableModel(f"The model cannot be run: {_first_line(error)}") from error
        try:
            return [np.asarray(output).astype(np.float32, copy=False) for output in outputs]
        except (TypeError, ValueError):
            raise UnusableModel("Its outputs are not numbers.") from None


def _read(path: Path) -> tuple[bytes, tuple[str, ...]]:
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise UnusableModel(f"{path.name} has {size // 2**20} MB; models have {LARGEST_FILE // 2**20} MB at most.")
        return path.read_bytes(), labels_beside(path)
    except OSError as error:
        raise UnusableModel(f"{path.name} cannot be read: {error.strerror or error}.") from None


def _open(content: bytes, threads: int) -> _Session:
    try:
        # Loaded late: it takes 40 MB, and most installations have no model.
        import onnxruntime  # noqa: PLC0415
    except ImportError:
        raise UnusableModel("The package onnxruntime is not installed: install LightNVR with its extra onnx.") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Threads that wait by spinning would take time that recording needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        # From memory, not by its path: then a model cannot name other files as parts of itself.
        session: _Session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises one type for each of its error codes
        raise UnusableModel(f"It is no model that onnxruntime can load: {_first_line(error)}") from error
    return session


def _input_of(inputs: Sequence[_Tensor]) -> _Input:
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        raise UnusableModel("A detection model has one input of four dimensions; this one has others.")
    tensor = inputs[0]
    if tensor.type not in _FLOATS and tensor.type != _BYTES:
        raise UnusableModel(f"Its input is {tensor.type}; float, float16 and uint8 are known.")
    channels_last = tensor.shape[3] == 3 and tensor.shape[1] != 3
    if not channels_last and tensor.shape[1] != 3:
        raise UnusableModel(f"Its input has the shape {tensor.shape}, not three colours.")
    high, wide = tensor.shape[1:3] if channels_last else tensor.shape[2:4]
    height, width = (side if isinstance(side, int) and side > 0 else _USUAL_SIDE for side in (high, wide))
    if max(height, width) > _LONGEST_SIDE:
        raise UnusableModel(f"Its input has {width} x {height} pixels; {_LONGEST_SIDE} a side are the most.")
    batch = tensor.shape[0]
    if isinstance(batch, int) and batch > 1:
        raise UnusableModel(f"It wants {batch} pictures at once; export it with a batch of one or a dynamic one.")
    return _Input(
        tensor.name, width, height, channels_last, tensor.type, 1 if isinstance(batch, int) else _MOST_PICTURES
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
