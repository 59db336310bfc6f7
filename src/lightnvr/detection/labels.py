"""The labels of a model: in a file beside it, or in the model itself."""

import ast
from pathlib import Path

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
                lines = file.read(_MOST_BYTES).decode("utf-8", "replace").splitlines()
            return tuple(_clean(line) for line in lines if line.strip())[:_MOST_LABELS]
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


def label_of(labels: tuple[str, ...], index: int) -> str:
    """Return the label of a class, `class 7` when it has none."""
    return (labels[index] if 0 <= index < len(labels) else "") or f"class {index}"


def _clean(text: str) -> str:
    return "".join(character for character in text.strip() if character.isprintable())[:_LONGEST]
