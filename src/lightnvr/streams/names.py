"""Names of streams, and the names of their folders."""

import re
from collections.abc import Container

from lightnvr.streams.model import InvalidStreamSetting

MAX_CHARACTERS = 64
_RULE = (
    f"must have 1 to {MAX_CHARACTERS} characters: letters, digits, blanks and signs of any language, but no / and no "
    "dot at the beginning"
)


def stream_name(text: str) -> str:
    """Return the name without blanks around it. Raises InvalidStreamSetting."""
    name = text.strip()
    if not 1 <= len(name) <= MAX_CHARACTERS or not name.isprintable() or "/" in name or name.startswith("."):
        raise InvalidStreamSetting("name", _RULE)
    return name


def folder_name(name: str, taken: Container[str]) -> str:
    """Return a folder for this stream: letters, digits and `-` stay, all else becomes `_`.

    `taken` holds the folders of other streams in lower case, for some disks do not tell `A` from `a`. A folder that is
    taken gets a number.
    """
    plain = re.sub(r"[^A-Za-z0-9-]", "_", name)
    folder, number = plain, 1
    while folder.lower() in taken:
        number += 1
        folder = f"{plain}_{number}"
    return folder
