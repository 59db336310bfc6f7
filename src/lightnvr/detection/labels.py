"""The labels of a model: in a file beside it, or in the model itself."""

import ast
import json
import zipfile
from pathlib import Path
from typing import IO

_MOST_LABELS = 10_000
_MOST_BYTES = 1_000_000
_LONGEST = 31
"""Characters of one label."""


def labels_beside(model: Path) -> tuple[str, ...]:
    """Return the labels of the file beside a model, one a line, empty without such a file. Raises OSError.

    `yolo.onnx` has its own in `yolo.onnx.labels.txt`, `yolo.labels.txt` or `yolo.names`; all others share `labels.txt`.
    """
    for path in label_files(model):
        if path.is_file():
            with path.open("rb") as file:
                return _lines(file.read(_MOST_BYTES).decode("utf-8", "replace"))
    return ()


def label_files(model: Path) -> tuple[Path, ...]:
    """Return the files that may have a model's labels, the first that exists being the one."""
    return (
        model.with_name(f"{model.name}.labels.txt"),
        model.with_suffix(".labels.txt"),
        model.with_suffix(".names"),
        model.with_name("labels.txt"),
    )


def labels_within(names: str) -> tuple[str, ...]:
    """Read the labels that a YOLO model holds: a dictionary or a list in the notation of Python. Empty when neither."""
    if len(names) > _MOST_BYTES:
        return ()
    try:
        read = ast.literal_eval(names)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return ()
    if isinstance(read, list | tuple):
        return tuple(_clean(str(label)) for label in read)[:_MOST_LABELS]
    if not isinstance(read, dict) or not all(isinstance(key, int) and 0 <= key < _MOST_LABELS for key in read):
        return ()
    return tuple(_clean(str(read.get(index, ""))) for index in range(max(read, default=-1) + 1))


def labels_packed(model: IO[bytes]) -> tuple[str, ...]:
    """Read the labels of a TensorFlow Lite model, which are in a ZIP archive at its end. Empty without one.

    Either a text with a label in each line, or what YOLO says of itself, in the notation of Python or in JSON.
    """
    try:
        with zipfile.ZipFile(model) as archive:
            for member in archive.infolist():
                if not member.filename.endswith((".txt", ".json")) or member.file_size > _MOST_BYTES:
                    continue
                text = archive.read(member).decode("utf-8", "replace")
                found = _names_of(text) if text.lstrip().startswith("{") else _lines(text)
                if found:
                    return found
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, RuntimeError):
        # What cannot be read tells no labels; classes have numbers then.
        return ()
    return ()


def label_of(labels: tuple[str, ...], index: int) -> str:
    """Return the label of a class, `class 7` when it has none."""
    return (labels[index] if 0 <= index < len(labels) else "") or f"class {index}"


def _names_of(text: str) -> tuple[str, ...]:
    try:
        about = json.loads(text)
    except ValueError:
        try:
            about = ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return ()
    names = about.get("names") if isinstance(about, dict) else None
    if isinstance(names, dict):
        # JSON has no numbers as keys.
        names = {int(key) if str(key).isdigit() else key: value for key, value in names.items()}
    return labels_within(repr(names)) if names else ()


def _lines(text: str) -> tuple[str, ...]:
    return tuple(_clean(line) for line in text.splitlines() if line.strip())[:_MOST_LABELS]


def _clean(text: str) -> str:
    return "".join(character for character in text.strip() if character.isprintable())[:_LONGEST]
