"""Schedules follow local time, also where clocks are changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.streams.schedule import Zone, is_open, next_edge, schedule_state

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",  # half an hour
    "Asia/Kathmandu",  # 5:45 ahead
    "Africa/Casablanca",
    "Pacific/Apia",  # left out a Friday in 2011
)
FIRST = int(datetime(2011, 1, 1, tzinfo=UTC).timestamp())
LAST = int(datetime(2037, 1, 1, tzinfo=UTC).timestamp())

moments = st.integers(FIRST, LAST)
zone_names = st.sampled_from(ZONES)
grids = st.one_of(
    st.lists(st.booleans(), min_size=168, max_size=168).map(tuple),
    st.integers(0, 167).map(lambda chosen: tuple(hour == chosen for hour in range(168))),
    st.integers(0, 167).map(lambda chosen: tuple(hour != chosen for hour in range(168))),
)


def zone_of(name: str) -> Zone:
    """Return how far local time is ahead, by the time zone database."""
    zone = ZoneInfo(name)

    def ahead_s(at: float) -> int:
        offset = datetime.fromtimestamp(at, zone).utcoffset()
        assert offset is not None
        return int(offset.total_seconds())

    return ahead_s


def cell(name: str, at: float) -> int:
    """Return which member of a schedule a moment has, as a calendar tells it."""
    local = datetime.fromtimestamp(at, ZoneInfo(name))
    return (local.weekday() + 1) % 7 * 24 + local.hour


def only(*hours: int) -> tuple[bool, ...]:
    """Return a schedule of these hours."""
    return tuple(hour in hours for hour in range(168))


@given(grids, zone_names, moments)
def test_it_is_open_when_the_calendar_says_that_the_hour_is_chosen(hours: tuple[bool, ...], name: str, at: int) -> None:
    assert is_open(hours, zone_of(name), at) is hours[cell(name, at)]
    assert is_open(hours, zone_of(name), at + 0.999) is hours[cell(name, at)]


@given(zone_names, moments, st.floats(0, 1, exclude_max=True))
def test_the_hour_is_the_same_until_the_next_edge(name: str, at: int, share: float) -> None:
    edge = next_edge(zone_of(name), at)

    assert at < edge <= at + 3600
    assert cell(name, at + int((edge - at) * share)) == cell(name, at)


@given(grids, zone_names, moments, st.floats(0, 1, exclude_max=True))
def test_nothing_changes_before_the_next_change_and_then_it_does(
    hours: tuple[bool, ...], name: str, at: int, share: float
) -> None:
    state = schedule_state(hours, zone_of(name), at)

    assert state.is_open is hours[cell(name, at)]
    if state.changes_at is None:
        assert len(set(hours)) == 1
        return
    assert at < state.changes_at <= at + 15 * 86_400
    assert hours[cell(name, at + int((state.changes_at - at) * share))] is state.is_open
    assert hours[cell(name, state.changes_at)] is not state.is_open


@given(st.sampled_from(ZONES), st.integers(2012, 2035), st.integers(0, 167))
def test_each_chosen_hour_is_open_for_as_long_as_the_clock_shows_it(name: str, year: int, chosen: int) -> None:
    zone, hours = zone_of(name), only(chosen)
    at = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    end = at + 370 * 86_400
    open_s = shown_s = 0
    while at < end:
        edge = schedule_state(hours, zone, at)
        assert edge.changes_at is not None
        open_s += (edge.changes_at - at) if edge.is_open else 0
        at = edge.changes_at
    for minute in range(int(datetime(year, 1, 1, tzinfo=UTC).timestamp()), at, 900):
        shown_s += 900 if cell(name, minute) == chosen else 0

    assert open_s == shown_s


@pytest.mark.parametrize("chosen", [2, 3])
def test_the_repeated_hour_uses_its_cell_twice(chosen: int) -> None:
    # 2026-10-25 in Berlin: 2:00 to 3:00 comes twice, at 0:00 and 1:00 UTC.
    at = int(datetime(2026, 10, 24, 23, tzinfo=UTC).timestamp())
    start = schedule_state(only(chosen), zone_of("Europe/Berlin"), at).changes_at
    assert start is not None
    end = schedule_state(only(chosen), zone_of("Europe/Berlin"), start).changes_at
    assert end is not None

    assert end - start == (7200 if chosen == 2 else 3600)


def test_the_cell_of_the_hour_that_is_skipped_is_not_used() -> None:
    # 2026-03-29 in Berlin: 2:00 becomes 3:00 at 1:00 UTC.
    saturday = datetime(2026, 3, 28, 12, tzinfo=UTC)
    zone = zone_of("Europe/Berlin")

    skipped = schedule_state(only(2), zone, saturday.timestamp())

    assert skipped.changes_at == int((datetime(2026, 4, 5, tzinfo=UTC)).timestamp())
    after = schedule_state(only(3), zone, saturday.timestamp())
    assert after.changes_at == int((saturday + timedelta(hours=13)).timestamp())


def test_a_schedule_that_is_all_the_same_never_changes() -> None:
    assert schedule_state((True,) * 168, zone_of("Europe/Berlin"), FIRST).changes_at is None
    assert schedule_state((False,) * 168, zone_of("Europe/Berlin"), FIRST).changes_at is None
