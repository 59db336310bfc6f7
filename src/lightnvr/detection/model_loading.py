"""Loads a model by the kind of its file."""

from pathlib import Path

from lightnvr.detection.model import Model
from lightnvr.detection.onnx_model import OnnxModel
from lightnvr.detection.tflite_model import TfliteModel


def load_model(path: Path, threads: int) -> Model:
    """Load a model, which takes up to seconds, and try it. `threads` is how many it may use. Raises UnusableModel."""
    if path.suffix.lower() == ".tflite":
        return TfliteModel(path, threads)
    return OnnxModel(path, threads)
