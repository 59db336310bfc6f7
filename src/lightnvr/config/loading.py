"""Puts the settings of one run together: defaults, then lightnvr.ini, then the environment, then the command line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from lightnvr.config.environment import Variable, read_environment
from lightnvr.config.errors import InvalidSettings
from lightnvr.config.ini import Entry, read_ini
from lightnvr.config.known import allowed, field_of
from lightnvr.config.original import LATER_KEYS
from lightnvr.config.settings import Settings, default_data_dir

_SECRET_KEYS = frozenset({"password", "turn_password", "turn_secret", "url"})


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What was given as options; None was not given."""

    config: Path | None = None
    data_dir: Path | None = None
    host: str | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings, the file they were read from (None: no file), and what a person should know about them."""

    settings: Settings
    file: Path | None
    warnings: tuple[str, ...]


@dataclass(slots=True)
class _Collected:
    values: dict[str, dict[str, object]] = field(default_factory=dict)
    later: dict[str, dict[str, str]] = field(default_factory=dict)
    origins: dict[tuple[str, str], str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def put(self, section: str, key: str, value: object, origin: str) -> None:
        self.values.setdefault(section, {})[key] = value
        self.origins[section, key] = origin


def load_settings(
    command_line: CommandLine, *, environment: Mapping[str, str], working_dir: Path, system: Path = Path("/")
) -> LoadedSettings:
    """Read all sources and return what is in force.

    `system` is the root that /etc and /var/lib are looked for in. Raises InvalidSettings naming every bad value, where
    it was set and what is allowed there.
    """
    path = _find_file(command_line, working_dir, system)
    collected = _Collected()
    for entry in [] if path is None else read_ini(path):
        _take_entry(collected, entry, path)
    variables, unknown = read_environment(environment)
    collected.warnings += [f"The environment variable {name} is not a setting and is ignored." for name in unknown]
    for variable in variables:
        _take_variable(collected, variable)
    for section, key, value, option in (
        ("general", "data_dir", command_line.data_dir, "--data-dir"),
        ("web", "bind_ip", command_line.host, "--host"),
        ("web", "port", command_line.port, "--port"),
    ):
        if value is not None:
            collected.put(section, key, value, f"The option {option}")
    fallback = default_data_dir(environment, system / "var/lib/lightnvr")
    collected.values.setdefault("general", {}).setdefault("data_dir", fallback)
    return LoadedSettings(_validate(collected), path, tuple(collected.warnings))


def _find_file(command_line: CommandLine, working_dir: Path, system: Path) -> Path | None:
    if command_line.config is not None:
        return command_line.config
    candidates = (
        working_dir / "lightnvr.ini",
        system / "etc/lightnvr/lightnvr.ini",
        working_dir / "config/lightnvr.ini",
    )
    return next((path for path in candidates if path.is_file()), None)


def _take_entry(collected: _Collected, entry: Entry, path: Path | None) -> None:
    section, key = entry.section.lower(), entry.key.lower()
    place = f"{path}, line {entry.line}, [{entry.section}] {entry.key}"
    if field_of(section, key) is not None:
        if entry.text or key in {"url", "password", "log_file", "trusted_proxy_cidrs"} or section == "go2rtc":
            collected.put(section, key, entry.text, place)
        else:
            collected.warnings.append(f"{place} is empty, so the default is used.")
    elif key in LATER_KEYS.get(section, frozenset()):
        collected.later.setdefault(section, {})[key] = entry.text
    elif section.startswith("stream."):
        collected.warnings.append(f"{place} is ignored: cameras are added on the web page or through the API.")
    else:
        collected.warnings.append(f"{place} is not a setting and is ignored.")


def _take_variable(collected: _Collected, variable: Variable) -> None:
    if field_of(variable.section, variable.key) is None:
        collected.later.setdefault(variable.section, {})[variable.key] = variable.text
    else:
        place = f"The environment variable {variable.name}"
        collected.put(variable.section, variable.key, variable.text, place)


def _validate(collected: _Collected) -> Settings:
    try:
        return Settings.model_validate({**collected.values, "later": collected.later})
    except ValidationError as error:
        problems = [
            # What is wrong with several settings together says itself which they are.
            f"[{item['loc'][0]}] {item['msg']}"
            if item["type"] == "together"
            else _problem(collected, tuple(str(part) for part in item["loc"]))
            for item in error.errors()
        ]
    raise InvalidSettings(problems)


def _problem(collected: _Collected, location: tuple[str, ...]) -> str:
    section, key = location[0], location[1]
    known = field_of(section, key)
    what = "something else" if known is None else allowed(known)
    value = "this value" if key in _SECRET_KEYS else repr(str(collected.values[section][key]))
    return f"{collected.origins[section, key]}: {value} is not allowed. It must be {what}."
