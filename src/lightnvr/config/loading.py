"""Puts the settings of one run together: defaults, then lightnvr.ini, then the environment, then the command line."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lightnvr.config.environment import read_environment
from lightnvr.config.ini import Entry, read_ini
from lightnvr.config.known import field_of
from lightnvr.config.layers import Layer, SettingsLayers
from lightnvr.config.original import LATER_KEYS, RELIED_ON
from lightnvr.config.settings import Settings, default_data_dir

_OFF = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What was given as options; None was not given."""

    config: Path | None = None
    data_dir: Path | None = None
    host: str | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings, the file they were read from (None: no file), and what a person should know about them.

    `layers` puts them together again when others were stored by the API.
    """

    settings: Settings
    file: Path | None
    warnings: tuple[str, ...]
    layers: SettingsLayers


def load_settings(
    command_line: CommandLine, *, environment: Mapping[str, str], working_dir: Path, system: Path = Path("/")
) -> LoadedSettings:
    """Read all sources and return what is in force.

    `system` is the root that /etc and /var/lib are looked for in. Raises InvalidSettings naming every bad value, where
    it was set and what is allowed there.
    """
    path = _find_file(command_line, working_dir, system)
    below, above, warnings = Layer(), Layer(), list[str]()
    fallback = default_data_dir(environment, system / "var/lib/lightnvr")
    below.put("general", "data_dir", fallback, "The default folder")
    for entry in [] if path is None else read_ini(path):
        _take_entry(below, warnings, entry, path)
    variables, unknown = read_environment(environment)
    warnings += [f"The environment variable {name} is not a setting and is ignored." for name in unknown]
    for variable in variables:
        above.put(variable.section, variable.key, variable.text, f"The environment variable {variable.name}")
    for section, key, value, option in (
        ("general", "data_dir", command_line.data_dir, "--data-dir"),
        ("web", "bind_ip", command_line.host, "--host"),
        ("web", "port", command_line.port, "--port"),
    ):
        if value is not None:
            above.put(section, key, value, f"The option {option}")
    layers = SettingsLayers(below, above)
    return LoadedSettings(layers.settings({}), path, tuple(warnings), layers)


def _find_file(command_line: CommandLine, working_dir: Path, system: Path) -> Path | None:
    if command_line.config is not None:
        return command_line.config
    candidates = (
        working_dir / "lightnvr.ini",
        system / "etc/lightnvr/lightnvr.ini",
        working_dir / "config/lightnvr.ini",
    )
    return next((path for path in candidates if path.is_file()), None)


def _take_entry(below: Layer, warnings: list[str], entry: Entry, path: Path | None) -> None:
    section, key = entry.section.lower(), entry.key.lower()
    place = f"{path}, line {entry.line}, [{entry.section}] {entry.key}"
    if field_of(section, key) is not None:
        if entry.text or key in {"url", "password", "log_file", "trusted_proxy_cidrs"} or section == "go2rtc":
            below.put(section, key, entry.text, place)
        else:
            warnings.append(f"{place} is empty, so the default is used.")
    elif key in LATER_KEYS.get(section, frozenset()):
        below.put(section, key, entry.text, place)
        if (section, key) in RELIED_ON and entry.text.strip().lower() not in _OFF:
            warnings.append(f"{place} has no effect. {RELIED_ON[section, key]}")
    elif section.startswith("stream."):
        warnings.append(f"{place} is ignored: cameras are added on the web page or through the API.")
    else:
        warnings.append(f"{place} is not a setting and is ignored.")
