"""What the values of settings can be: folders, addresses, networks."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from lightnvr.config.named_folders import checked_folders

LEAST_TOTAL_SIZE = 1_000_000_000
"""The smallest limit of what all recordings take, in bytes."""

_ORIGIN = re.compile(r"https?://[^/?#@*\s]+")


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _absolute_unless_empty(path: Path | None) -> Path | None:
    return None if path is None else _absolute(path)


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


def _ip_address(text: str) -> str:
    return str(ipaddress.ip_address(text))


def _networks(text: str) -> str:
    for part in text.replace(",", " ").split():
        ipaddress.ip_network(part, strict=False)
    return text


def _ip_addresses(text: str) -> str:
    return " ".join(_ip_address(part) for part in text.replace(",", " ").split())


def _no_small_limit(size: int) -> int:
    # Somebody who meant gigabytes would lose everything at once.
    if 0 < size < LEAST_TOTAL_SIZE:
        raise ValueError(f"must be 0 or at least {LEAST_TOTAL_SIZE}")
    return size


def _origins(text: str) -> str:
    for part in text.replace(",", " ").split():
        if not _ORIGIN.fullmatch(part):
            raise ValueError(f"{part} is not an origin: scheme, host and port, such as https://home.example.org")
    return text


Folder = Annotated[Path, AfterValidator(_absolute)]
NamedFolders = Annotated[str, AfterValidator(checked_folders)]
OptionalPath = Annotated[Path | None, BeforeValidator(_empty_is_none), AfterValidator(_absolute_unless_empty)]
TotalSize = Annotated[int, AfterValidator(_no_small_limit)]
IpAddress = Annotated[str, AfterValidator(_ip_address)]
Networks = Annotated[str, AfterValidator(_networks)]
IpAddresses = Annotated[str, AfterValidator(_ip_addresses)]
Origins = Annotated[str, AfterValidator(_origins)]
SyslogFacility = Literal[
    "LOG_USER",
    "LOG_DAEMON",
    "LOG_LOCAL0",
    "LOG_LOCAL1",
    "LOG_LOCAL2",
    "LOG_LOCAL3",
    "LOG_LOCAL4",
    "LOG_LOCAL5",
    "LOG_LOCAL6",
    "LOG_LOCAL7",
]


class Section(BaseModel):
    """One section of lightnvr.ini."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, allow_inf_nan=False)
