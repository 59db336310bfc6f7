"""Which source a setting comes from: the default, lightnvr.ini, what was stored, the environment, an option."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from pydantic import ValidationError

from lightnvr.config.errors import InvalidSettings
from lightnvr.config.known import allowed, field_of
from lightnvr.config.settings import Settings

Place = tuple[str, str]
"""Section and key of a setting."""

_SECRET_KEYS = frozenset({"password", "turn_password", "turn_secret", "url"})


@dataclass(slots=True)
class Layer:
    """What one source says: values by section and key, those of features to come as text, and where each stands."""

    values: dict[str, dict[str, object]] = field(default_factory=dict)
    later: dict[str, dict[str, str]] = field(default_factory=dict)
    origins: dict[Place, str] = field(default_factory=dict)

    def put(self, section: str, key: str, value: object, origin: str) -> None:
        """Set a value; `origin` says where it was found, to begin a sentence with."""
        if field_of(section, key) is None:
            self.later.setdefault(section, {})[key] = str(value)
        else:
            self.values.setdefault(section, {})[key] = value
        self.origins[section, key] = origin


class SettingsLayers:
    """Puts settings together, again and again while what is stored changes.

    `below` is overruled by what is stored, `above` overrules it.
    """

    def __init__(self, below: Layer, above: Layer) -> None:
        self._below = below
        self._above = above

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Take settings that were made otherwise as what lies below."""
        below = Layer()
        for section, values in settings.model_dump(exclude_unset=True, exclude={"later"}).items():
            for key, value in values.items():
                below.put(section, key, value, f"[{section}] {key}")
        below.later = {section: dict(texts) for section, texts in settings.later.items()}
        return cls(below, Layer())

    def fixed_by(self, place: Place) -> str:
        """Return what overrules anything stored for this setting, such as `The option --port`; else empty."""
        return self._above.origins.get(place, "")

    def settings(self, stored: Mapping[Place, str]) -> Settings:
        """Return what is in force. Raises InvalidSettings naming every bad value and where it was set."""
        between = Layer()
        for (section, key), text in stored.items():
            between.put(section, key, text, f"The stored setting [{section}] {key}")
        values: dict[str, dict[str, object]] = {}
        later: dict[str, dict[str, str]] = {}
        origins: dict[Place, str] = {}
        for layer in (self._below, between, self._above):
            for section, of_section in layer.values.items():
                values.setdefault(section, {}).update(of_section)
            for section, texts in layer.later.items():
                later.setdefault(section, {}).update(texts)
            origins |= layer.origins
        return _validated(values, later, origins)


def _validated(
    values: dict[str, dict[str, object]], later: dict[str, dict[str, str]], origins: Mapping[Place, str]
) -> Settings:
    try:
        return Settings.model_validate({**values, "later": later})
    except ValidationError as error:
        problems = [
            # What is wrong with several settings together says itself which they are.
            f"[{item['loc'][0]}] {item['msg']}"
            if item["type"] == "together"
            else _problem(values, origins, tuple(str(part) for part in item["loc"]))
            for item in error.errors()
        ]
    raise InvalidSettings(problems)


def _problem(
    values: Mapping[str, Mapping[str, object]], origins: Mapping[Place, str], location: tuple[str, ...]
) -> str:
    section, key = location[0], location[1]
    known = field_of(section, key)
    what = "something else" if known is None else allowed(known)
    value = "this value" if key in _SECRET_KEYS else repr(str(values[section][key]))
    return f"{origins[section, key]}: {value} is not allowed. It must be {what}."
