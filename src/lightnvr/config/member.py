"""Where a member of /api/settings stands among the settings, and what changing it takes."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from lightnvr.config.known import field_of
from lightnvr.config.settings import Settings
from lightnvr.streams.values import Flag

YesNo = Annotated[bool, Flag()]


class Members(BaseModel):
    """Some members of /api/settings. Only all of them together are ever validated.

    Members that are not known are no settings, but are remembered, so that an answer can name them.
    """

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True, defer_build=True)


Plain = bool | int | float | str
"""What the value of a member can be."""

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})


@dataclass(frozen=True, slots=True)
class At:
    """`section` and `key` in lightnvr.ini; a key of neither stands only in the database.

    `restart`: in force after a restart only. `fixed`: cannot be changed through the API. `live_view`: every user may
    read it. `secret`: masked in answers and encrypted in the database. `unit` is how many of the file's units one of
    the member's is.
    """

    section: str
    key: str
    restart: bool = False
    fixed: bool = False
    live_view: bool = False
    secret: bool = False
    unit: int = 1

    @property
    def place(self) -> tuple[str, str]:
        """Section and key."""
        return self.section, self.key


def at(field: FieldInfo) -> At:
    """Return where a member stands. Raises LookupError when it does not say."""
    return next(item for item in field.metadata if isinstance(item, At))


def to_text(value: Plain, where: At) -> str:
    """Return the value as it would stand in lightnvr.ini."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value * where.unit) if isinstance(value, int) else str(value)


def from_settings(settings: Settings, field: FieldInfo) -> Plain:
    """Return the value of a member that is in force, its default when there is none or one that means nothing."""
    where, default = at(field), _plain(field.default)
    if field_of(*where.place) is not None:
        found = getattr(getattr(settings, where.section), where.key)
        text: str | None = "" if found is None else str(found)
    else:
        text = settings.later.get(where.section, {}).get(where.key)
    return default if text is None else _read(text, default, where)


def _read(text: str, default: Plain, where: At) -> Plain:
    """Read a text as the kind of value that the default is. One that is none gives the default."""
    try:
        if isinstance(default, bool):
            word = text.strip().lower()
            return word in _TRUE if word in _TRUE | _FALSE else default
        if isinstance(default, int):
            return int(text) // where.unit
        return float(text) if isinstance(default, float) else text
    except ValueError:
        return default


def _plain(default: object) -> Plain:
    if not isinstance(default, bool | int | float | str):
        raise TypeError(f"A member of the settings cannot be {default!r}.")
    return default
