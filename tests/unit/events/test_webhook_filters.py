"""Which changes webhooks are told of."""

from datetime import UTC, datetime, time

import pytest

from lightnvr.events.edges import Origin
from lightnvr.events.model import ChangeKind, Event, EventChange, Label
from lightnvr.events.telling.webhooks.model import Filters, Hours
from lightnvr.recording.detection import Box, Detection

_WORKDAYS = frozenset(range(5))
_NIGHTS = Hours(time(22), time(6), _WORKDAYS)


@pytest.mark.parametrize(
    ("local", "holds"),
    [
        ("2026-11-23T21:59:59", False),  # a Monday
        ("2026-11-23T22:00:00", True),
        ("2026-11-23T23:59:59", True),
        ("2026-11-24T00:00:00", True),
        ("2026-11-24T05:59:59", True),
        ("2026-11-24T06:00:00", False),
        ("2026-11-23T03:00:00", False),  # the night of Sunday
        ("2026-11-27T22:30:00", True),  # a Friday
        ("2026-11-28T05:00:00", True),  # its night ends on Saturday
        ("2026-11-28T22:30:00", False),
        ("2026-11-29T05:00:00", False),
    ],
)
def test_hours_over_midnight_belong_to_the_day_on_which_they_begin(local: str, holds: bool) -> None:
    assert _NIGHTS.hold(datetime.fromisoformat(local).replace(tzinfo=UTC)) is holds


def change(at: str, *labels: str, seen: tuple[str, ...] = ()) -> EventChange:
    """A change of an event of the model, at a time of UTC."""
    at_us = int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()) * 1_000_000
    found = tuple(Detection("Door", at_us, at_us, label, 0.9, Box(0, 0, 1, 1), 1) for label in seen)
    known = tuple(Label(label, 1, 0.9) for label in labels)
    event = Event(1, 1, "Door", at_us, None, (Origin.MODEL, Origin.API), known)
    return EventChange(1, ChangeKind.BEGAN, event, at_us, found)


def test_hours_are_those_of_local_time() -> None:
    filters = Filters(hours=(_NIGHTS, Hours(time(12), time(13))))
    late = change("2026-11-23T20:30:00")
    assert not filters.let_through(late, 0)
    assert filters.let_through(late, 2 * 3600)
    assert filters.let_through(change("2026-11-24T05:30:00"), 0)
    assert not filters.let_through(change("2026-11-24T05:30:00"), 3600)
    assert filters.let_through(change("2026-11-29T12:30:00"), 0)


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        (Filters(), True),
        (Filters(streams=frozenset({"Door", "Yard"})), True),
        (Filters(streams=frozenset({"Yard"})), False),
        (Filters(labels=frozenset({"person"})), True),
        (Filters(labels=frozenset({"dog"})), True),
        (Filters(labels=frozenset({"car"})), False),
        (Filters(origins=frozenset({Origin.API})), True),
        (Filters(origins=frozenset({Origin.ONVIF})), False),
        (Filters(kinds=frozenset({ChangeKind.ENDED})), False),
        (Filters(streams=frozenset({"Door"}), labels=frozenset({"car"})), False),
    ],
)
def test_each_filter_must_let_it_through(filters: Filters, passes: bool) -> None:
    assert filters.let_through(change("2026-11-24T12:00:00", "person", seen=("dog",)), 0) is passes
