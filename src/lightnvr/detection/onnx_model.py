"""A model in a file of the Open Neural Network Exchange, run by onnxruntime: an optional package."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lightnvr.detection.labels import labels_beside, labels_within
from lightnvr.detection.model import first_line, model_input, read_model, reading_of
from lightnvr.detection.models_folder import UnusableModel
from lightnvr.detection.suppression import Floats

_USUAL_SIDE = 640
_MOST_PICTURES = 8
"""Pictures that are looked at together: more need more memory, and are not faster."""

_FLOATS = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_BYTES = "tensor(uint8)"


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


class OnnxModel:
    """Implements `Model`."""

    def __init__(self, path: Path, threads: int) -> None:
        """Load it, which takes up to seconds, and try it once on a black picture. Raises UnusableModel.

        `threads` is how many it may use at once.
        """
        content, own_labels = read_model(path), labels_beside(path)
        self._session = _open(content, threads)
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise UnusableModel("A detection model has one input of four dimensions; this one has others.")
        self._name, self._type = inputs[0].name, inputs[0].type
        if self._type not in _FLOATS and self._type != _BYTES:
            raise UnusableModel(f"Its input is {self._type}; float, float16 and uint8 are known.")
        self.input = model_input(inputs[0].shape, _USUAL_SIDE, _MOST_PICTURES)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.labels = own_labels or labels_within(metadata.get("names", ""))
        outputs = self.run(np.zeros((1, self.input.height, self.input.width, 3), np.uint8))
        self.reading = reading_of(
            [output.name for output in self._session.get_outputs()],
            outputs,
            self.input,
            len(self.labels),
            end_to_end=metadata.get("end2end", "").lower() == "true",
        )

    def run(self, canvases: NDArray[np.uint8]) -> Sequence[Floats]:
        """See Model."""
        try:
            outputs = self._session.run(None, {self._name: self._tensor(canvases)})
        except Exception as error:  # onnxruntime raises one type for each of its error codes
            raise UnusableModel(f"The model cannot be run: {first_line(error)}") from error
        try:
            return [np.asarray(output).astype(np.float32, copy=False) for output in outputs]
        except (TypeError, ValueError):
            raise UnusableModel("Its outputs are not numbers.") from None

    def _tensor(self, canvases: NDArray[np.uint8]) -> NDArray[np.generic]:
        if not self.input.channels_last:
            canvases = canvases.transpose(0, 3, 1, 2)
        if self._type == _BYTES:
            return np.ascontiguousarray(canvases)
        tensor = np.empty(canvases.shape, _FLOATS[self._type])
        np.multiply(canvases, np.float32(1 / 255), out=tensor, casting="same_kind")
        return tensor


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
        raise UnusableModel(f"It is no model that onnxruntime can load: {first_line(error)}") from error
    return session
