"""Local time as a test wants it: an hour of the local clock begins when the test says so."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lightnvr.streams.schedule import system_zone

_HOUR_S = 3600


def hour_begins_at(edge: int) -> str:
    """Return a POSIX time zone in which an hour begins at a moment, in seconds since 1970 UTC."""
    minutes, seconds = divmod(-edge % _HOUR_S, 60)
    return f"LNV-00:{minutes:02}:{seconds:02}"


@contextmanager
def local_time(zone: str) -> Iterator[None]:
    """Let this process have another time zone while the context is open."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


def hour_of_week(at: float) -> int:
    """Return which member of a schedule a moment has in this process."""
    local = time.gmtime(at + system_zone(at))
    return (local.tm_wday + 1) % 7 * 24 + local.tm_hour


def only(*hours: int) -> list[bool]:
    """Return a schedule of these hours."""
    return [hour in hours for hour in range(168)]


def all_but(*hours: int) -> list[bool]:
    """Return a schedule of all other hours."""
    return [hour not in hours for hour in range(168)]
