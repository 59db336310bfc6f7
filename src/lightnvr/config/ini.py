"""Reads lightnvr.ini, in the dialect that existing files are written in."""

import ipaddress
from dataclasses import dataclass, replace
from pathlib import Path

from lightnvr.config.errors import InvalidSettings

_NETWORKS = "trusted_proxy_cidrs"


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a file, as text, and where it stands."""

    section: str
    key: str
    text: str
    line: int


def read_ini(path: Path) -> list[Entry]:
    """Read a file: `[section]`, `key = value` or `key: value`, comments after `;` or `#`.

    The dialect is that of the inih library, which wrote the files that are around: values are raw (no quotes, no
    escapes), a `;` after a blank begins a comment, a byte order mark is allowed, and a line that begins with a blank
    replaces the value above it. The original writes networks of proxies that were typed in several lines as several
    lines; those are read. Raises InvalidSettings when the file cannot be read or a line is none of these.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidSettings([f"{path} cannot be read: {error.strerror or error}."]) from error
    except UnicodeDecodeError as error:
        raise InvalidSettings([f"{path} is not a text file in UTF-8."]) from error
    return _parse(text, path)


def _parse(text: str, path: Path) -> list[Entry]:
    entries: list[Entry] = []
    section = key = ""
    # Not splitlines(): that would also split a password in which there is one of the rarer marks of Unicode.
    for number, raw in enumerate(text.split("\n"), start=1):
        line = _without_comment(raw.strip())
        if not line:
            continue
        if key and raw[0].isspace():
            entries.append(Entry(section, key, line, number))
            continue
        if line.startswith("["):
            section, bracket, _ = line[1:].partition("]")
            section, key = section.strip(), ""
            if not bracket:
                raise InvalidSettings([f"{path}, line {number}: the section has no closing bracket."])
            continue
        if key == _NETWORKS and _is_network(line):
            entries[-1] = replace(entries[-1], text=f"{entries[-1].text},{line}")
            continue
        key, value = _split(line, path, number)
        entries.append(Entry(section, key, value, number))
    return entries


def _is_network(line: str) -> bool:
    try:
        ipaddress.ip_network(line, strict=False)
    except ValueError:
        return False
    return True


def _without_comment(line: str) -> str:
    if line.startswith((";", "#")):
        return ""
    for index in range(1, len(line)):
        if line[index] == ";" and line[index - 1].isspace():
            return line[:index].rstrip()
    return line


def _split(line: str, path: Path, number: int) -> tuple[str, str]:
    positions = [line.find(mark) for mark in "=:" if mark in line]
    if not positions or min(positions) == 0:
        raise InvalidSettings([f"{path}, line {number}: neither a [section] nor a line of the form key = value."])
    at = min(positions)
    return line[:at].strip(), line[at + 1 :].strip()
