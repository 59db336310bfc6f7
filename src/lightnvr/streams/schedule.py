"""Weekly schedules: whether an hour of local time is chosen, and when that changes next."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Zone = Callable[[float], int]
"""Seconds that local time is ahead of UTC at a moment, which is in seconds since 1970 UTC."""

_HOUR_S = 3600
_DAY_S = 24 * _HOUR_S
_THURSDAY = 4
"""The weekday of 1970-01-01, Sunday being 0."""

_LONGEST_S = 16 * _DAY_S
"""An hour that is chosen comes again after a week; after two when a clock change skipped it."""


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """Whether a schedule is open, and when it changes, in seconds since 1970 UTC; None when it never does."""

    is_open: bool
    changes_at: int | None


def system_zone(at: float) -> int:
    """Return how far the local time of this machine is ahead of UTC at a moment. Implements `Zone`."""
    return time.localtime(at).tm_gmtoff


def is_open(hours: Sequence[bool], zone: Zone, at: float) -> bool:
    """Whether the hour of local time that a moment lies in is chosen.

    `hours` has 168 members: weekday * 24 + hour, weekday 0 is Sunday. An hour that comes twice when clocks are set
    back uses its member twice; that of an hour which is skipped is not used.
    """
    local_s = int(at // 1) + zone(at)
    weekday = (local_s // _DAY_S + _THURSDAY) % 7
    return bool(hours[weekday * 24 + local_s % _DAY_S // _HOUR_S])


def next_edge(zone: Zone, at: float) -> int:
    """Return when the next hour of local time begins, in seconds since 1970 UTC: on the hour, or at a clock change."""
    second, offset_s = int(at // 1), zone(at)
    end = second - (second + offset_s) % _HOUR_S + _HOUR_S
    if zone(end) == offset_s:
        return end
    # Clocks change by the end of this hour; in some zones in the midst of it, or by half an hour.
    before = second
    while end - before > 1:
        middle = (before + end) // 2
        if zone(middle) == offset_s:
            before = middle
        else:
            end = middle
    return end


def schedule_state(hours: Sequence[bool], zone: Zone, at: float) -> ScheduleState:
    """Return whether a schedule is open at a moment, and when that changes next."""
    now_open = is_open(hours, zone, at)
    if all(hours) or not any(hours):
        return ScheduleState(now_open, None)
    edge = next_edge(zone, at)
    while is_open(hours, zone, edge) is now_open and edge - at < _LONGEST_S:
        edge = next_edge(zone, edge)
    return ScheduleState(now_open, edge)
