"""The models folder: which files there are, and which of them a stream means."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_MOST_FILES = 500
_KINDS = {".onnx": "onnx", ".tflite": "tflite", ".sod": "sod"}
RUN = frozenset({"onnx", "tflite"})
"""Kinds of models that can be run."""


class UnusableModel(Exception):
    """The file is no model that can be used; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of the models folder. `size` is in bytes, `changed_ns` when it was last changed."""

    path: Path
    kind: str
    size: int
    changed_ns: int


class ModelsFolder:
    """The folder that administrators put models into. Nothing is ever written there, or read from below it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def files(self) -> Sequence[ModelFile]:
        """Return the models by name, at most 500. Raises OSError when the folder cannot be read."""
        paths = sorted(path for path in self.path.iterdir() if _kind(path))[:_MOST_FILES]
        return [found for path in paths if (found := _file(path)) is not None]

    def file(self, model: str) -> Path:
        """Return the file that a stream names, by its name or its whole path. Raises UnusableModel.

        Only files right in the folder are taken, so that a stream's setting cannot have any file of this machine read.
        """
        path = self.path / model
        if path.parent != self.path or path.name in {"", ".", ".."}:
            raise UnusableModel(f"{model} is not in the models folder {self.path}.")
        if _kind(path) not in RUN:
            raise UnusableModel(why_not(_kind(path)) or f"{path.name} is no model: names end in .onnx or .tflite.")
        if not path.is_file():
            raise UnusableModel(f"There is no file {path.name} in the models folder {self.path}.")
        return path


def why_not(kind: str) -> str:
    """Say why models of a kind cannot be used, empty when they can or the kind is none."""
    return "SOD models are not supported: use one in the form of ONNX." if kind == "sod" else ""


def _kind(path: Path) -> str:
    return _KINDS.get(path.suffix.lower(), "")


def _file(path: Path) -> ModelFile | None:
    try:
        state = path.stat()
    except OSError:
        # Removed a moment ago, or a link to nowhere.
        return None
    return ModelFile(path, _kind(path), state.st_size, state.st_mtime_ns) if path.is_file() else None
