"""Several folders in one setting, each with a name: `archive=/mnt/archive, nas=/mnt/nas`."""

import re
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_TAKEN = frozenset({"main", "mp4", "fallback"})
"""Names that storages of other settings have."""


def named_folders(text: str) -> list[tuple[str, Path]]:
    """Return the folders with their names. Raises ValueError."""
    found: list[tuple[str, Path]] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, folder = (piece.strip() for piece in part.partition("="))
        if not _NAME.fullmatch(name) or name in _TAKEN or name in dict(found):
            raise ValueError(f"{name} cannot be the name of one more storage")
        if not folder:
            raise ValueError(f"{name} has no folder")
        found.append((name, Path(folder).expanduser().absolute()))
    return found


def checked_folders(text: str) -> str:
    """Return the text as it would be written with absolute folders. Raises ValueError."""
    return ", ".join(f"{name}={folder}" for name, folder in named_folders(text))
