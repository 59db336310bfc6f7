"""Reads settings from environment variables: LIGHTNVR_<SECTION>_<KEY>, and shorter names for some."""

from collections.abc import Mapping
from dataclasses import dataclass

from lightnvr.config.known import every_setting
from lightnvr.config.original import IGNORED_VARIABLES, LATER_KEYS, SHORT_VARIABLES

_PREFIX = "LIGHTNVR_"


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting that the environment has, as text."""

    name: str
    section: str
    key: str
    text: str


def read_environment(environment: Mapping[str, str]) -> tuple[list[Variable], list[str]]:
    """Return the settings found, and the names of LIGHTNVR_ variables that are none. An empty variable is not set.

    Where a setting has a long and a short name and both are there, the long one comes last, so that it is in force.
    """
    names = SHORT_VARIABLES | _long_names()
    found = [
        Variable(name, *names[name], text=environment[name].strip())
        for name in names
        if environment.get(name, "").strip()
    ]
    unknown = sorted(
        name for name in environment if name.startswith(_PREFIX) and name not in names and name not in IGNORED_VARIABLES
    )
    return found, unknown


def _long_names() -> dict[str, tuple[str, str]]:
    pairs = [(section, key) for section, key, _ in every_setting()]
    pairs += [(section, key) for section, keys in LATER_KEYS.items() for key in sorted(keys)]
    return {f"{_PREFIX}{section}_{key}".upper(): (section, key) for section, key in pairs}
