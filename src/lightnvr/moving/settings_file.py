"""The settings of the original as a settings file of ours, which is written beside the database."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from lightnvr.config.ini import Entry
from lightnvr.config.known import allowed, field_of, sections
from lightnvr.config.original import LATER_KEYS
from lightnvr.config.settings import Settings
from lightnvr.moving.report import Report, Thing

_SECRET = frozenset({"password", "turn_password", "turn_secret", "mqtt_password"})
_PLACES = frozenset(
    {
        ("general", "pid_file"),
        ("general", "log_file"),
        ("storage", "path"),
        ("storage", "path_hls"),
        ("storage", "mp4_path"),
        ("storage", "record_mp4_directly"),
        ("database", "path"),
        ("web", "root"),
        ("web", "password"),
        ("web", "username"),
        ("web", "web_thread_pool_size"),
        ("memory", "buffer_size"),
        ("memory", "use_swap"),
        ("memory", "swap_file"),
        ("memory", "swap_size"),
        ("go2rtc", "binary_path"),
        ("go2rtc", "config_dir"),
        ("go2rtc", "enabled"),
        ("go2rtc", "force_native_hls"),
        ("go2rtc", "proxy_max_inflight"),
    }
)
"""Where the original keeps its own files, and what concerns only how it works inside: there is nothing to take over."""

_RENAMED = {("go2rtc", "rtsp_port"): ("live", "rtsp_port"), ("go2rtc", "webrtc_listen_port"): ("live", "webrtc_port")}
_ALIASES = {("go2rtc", "webrtc_port"): ("go2rtc", "webrtc_listen_port")}


@dataclass(frozen=True, slots=True)
class TakenSettings:
    """Values by section and key, as text."""

    values: Mapping[tuple[str, str], str]

    def ini(self, data_dir: Path) -> str:
        """Return the text of a settings file."""
        lines = ["# Taken over from the original's settings file. `lightnvr config sample` explains every setting."]
        by_section: dict[str, list[str]] = {"general": [f"data_dir = {data_dir}"]}
        for (section, key), value in sorted(self.values.items()):
            # After a blank, a semicolon would begin a comment.
            blank = "" if value.startswith(";") else " "
            by_section.setdefault(section, []).append(f"{key} ={blank}{value}".rstrip())
        for section, entries in by_section.items():
            lines += ["", f"[{section}]", *entries]
        return "\n".join([*lines, ""])

    def retention_days(self, otherwise: int) -> int:
        """Return how long recordings are kept of streams that do not say it, in days."""
        return int(self.values.get(("storage", "retention_days"), otherwise))


def take_settings(entries: Iterable[Entry], report: Report) -> TakenSettings:
    """Choose what of the original's settings is possible and sensible here; the rest is told."""
    values: dict[tuple[str, str], str] = {}
    for entry in entries:
        place = entry.section.lower(), entry.key.lower()
        place = _ALIASES.get(place, place)
        if place not in _PLACES:
            values[_RENAMED.get(place, place)] = entry.text
    taken: dict[tuple[str, str], str] = {}
    for (section, key), value in values.items():
        what = f"[{section}] {key}"
        if (section, key) == ("storage", "max_size"):
            if value not in {"", "0"}:
                report.note(
                    f"the original's limit of {value} bytes ([storage] max_size) did nothing there and is not taken"
                    " over: it would begin to delete. Set max_total_size to limit what recordings take"
                )
        elif (section, key) == ("database", "post_backup_script"):
            if value:
                report.left(Thing.SETTING, what, "A program that the server runs has to be set by hand.")
        elif field_of(section, key) is not None:
            _take_known(taken, section, key, value, report)
        elif key in LATER_KEYS.get(section, frozenset()):
            if value:
                taken[section, key] = value
                report.taken(Thing.SETTING)
        elif not section.startswith("stream."):
            report.left(Thing.SETTING, what, "The original does not know it either.")
    _stay_on_loopback(taken, report)
    return TakenSettings(taken)


def _take_known(taken: dict[tuple[str, str], str], section: str, key: str, value: str, report: Report) -> None:
    field, what = field_of(section, key), f"[{section}] {key}"
    if field is None or not value:
        return
    if field.annotation is bool:
        # The original takes nothing else for yes.
        value = "true" if value in {"true", "1"} else "false"
    try:
        sections()[section].model_validate({key: value})
    except ValidationError:
        shown = "its value" if key in _SECRET else repr(value)
        report.left(Thing.SETTING, what, f"{shown} is not possible here; it must be {allowed(field)}.")
        return
    taken[section, key] = value
    report.taken(Thing.SETTING)


def _stay_on_loopback(taken: dict[tuple[str, str], str], report: Report) -> None:
    if taken.get(("web", "auth_enabled")) == "false" and taken.pop(("web", "bind_ip"), None) is not None:
        report.changed("[web] bind_ip", "without a login only this machine can connect, until you set it yourself")
    bands = ("pressure_warning_pct", "pressure_critical_pct", "pressure_emergency_pct")
    of_storage = {key: value for (section, key), value in taken.items() if section == "storage"}
    try:
        Settings.model_validate({"storage": of_storage})
    except ValidationError:
        # Each is possible, and all together are not: the original falls back to its own as well.
        for band in bands:
            taken.pop(("storage", band), None)
        report.changed("[storage] pressure_*_pct", "they are not in descending order, so the usual ones are used")
