"""Finds events that were stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select

from lightnvr.db.engine import Database
from lightnvr.db.event_tables import event_changes, event_marks, events
from lightnvr.events.edges import Origin
from lightnvr.events.model import ChangeKind, Event, EventChange, EventNotFound
from lightnvr.events.rows import event_of


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted. None is all; times are microseconds since 1970 UTC and about the beginning."""

    streams: frozenset[str] | None = None
    label: str | None = None
    zone: str | None = None
    origin: Origin | None = None
    min_score: float = 0.0
    start_us: int | None = None
    end_us: int | None = None
    ongoing: bool | None = None


class Place(NamedTuple):
    """Where in the list, newest first, an event stands. What comes meanwhile stands before it, and moves nothing."""

    start_us: int
    id: int


class Missed(NamedTuple):
    """What came since a change: the changes, oldest first, and whether some are not known any more."""

    changes: tuple[EventChange, ...]
    some_are_lost: bool


class EventStore:
    """Reads events and their changes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, wanted: EventFilter, after: Place | None, limit: int) -> tuple[Event, ...]:
        """Return events, the newest first, from the one after a place on."""
        async with self._database.reading.connect() as connection:
            rows = (await connection.execute(_query(wanted, after).limit(limit))).mappings().all()
        return tuple(event_of(dict(row)) for row in rows)

    async def get(self, event_id: int) -> Event:
        """Return one event. Raises EventNotFound."""
        async with self._database.reading.connect() as connection:
            row = (await connection.execute(select(events).where(events.c.id == event_id))).mappings().first()
        if row is None:
            raise EventNotFound(event_id)
        return event_of(dict(row))

    async def changes_since(self, number: int, limit: int) -> Missed:
        """Return the changes after one, each with its event as it is now, the latest `limit` of them at most."""
        changed = event_changes.c
        columns = (changed.number, changed.kind, changed.at_us, *events.c)
        query = (
            select(*columns)
            .join(events, events.c.id == changed.event_id)
            .where(changed.number > number)
            .order_by(changed.number.desc())
            .limit(limit + 1)
        )
        async with self._database.reading.connect() as connection:
            oldest, latest = (
                await connection.execute(select(func.min(changed.number), func.max(changed.number)))
            ).one()
            rows: Sequence[Any] = (await connection.execute(query)).mappings().all()
        lost = len(rows) > limit or (oldest is not None and number < oldest - 1) or number > (latest or 0)
        return Missed(
            tuple(
                EventChange(row["number"], ChangeKind(row["kind"]), event_of(dict(row)), row["at_us"])
                for row in reversed(rows[:limit])
            ),
            lost,
        )

    async def latest_number(self) -> int:
        """Return the number of the latest change, 0 when there was none."""
        async with self._database.reading.connect() as connection:
            return (await connection.execute(select(func.max(event_changes.c.number)))).scalar_one() or 0


def _query(wanted: EventFilter, after: Place | None) -> Select[Any]:
    pairs = (("label", wanted.label), ("zone", wanted.zone), ("origin", wanted.origin))
    marks = [(kind, str(value)) for kind, value in pairs if value is not None]
    query, start_us, event_id, name = select(events), events.c.start_us, events.c.id, events.c.stream_name
    for number, (kind, value) in enumerate(marks):
        mark = event_marks.alias(f"mark{number}").c
        query = query.join(mark.event_id.table, mark.event_id == events.c.id)
        query = query.where(mark.kind == kind, mark.value == value)
        if number == 0:
            # The order comes from the index of what is looked for.
            start_us, event_id, name = mark.start_us, mark.event_id, mark.stream_name
    if wanted.streams is not None:
        only = next(iter(wanted.streams)) if len(wanted.streams) == 1 else None
        query = query.where(name.in_(wanted.streams) if only is None else name == only)
    if wanted.start_us is not None:
        query = query.where(start_us >= wanted.start_us)
    if wanted.end_us is not None:
        query = query.where(start_us <= wanted.end_us)
    if wanted.min_score > 0:
        query = query.where(events.c.score >= wanted.min_score)
    if wanted.ongoing is not None:
        query = query.where(events.c.end_us.is_(None) if wanted.ongoing else events.c.end_us.is_not(None))
    if after is not None:
        query = query.where(start_us <= after.start_us, (start_us < after.start_us) | (event_id < after.id))
    return query.order_by(start_us.desc(), event_id.desc())
