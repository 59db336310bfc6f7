"""Stores events and their changes."""

from collections.abc import Sequence

from sqlalchemy import delete, false, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.engine import Database
from lightnvr.db.event_tables import event_changes, event_marks, events
from lightnvr.db.tables import recordings
from lightnvr.events.going import Going, Pending, Stored
from lightnvr.events.model import ChangeKind, Event, EventChange
from lightnvr.events.rows import event_of, marks_of, values_of

CHANGES_KEPT = 10_000
_LONGEST_US = 86_400_000_000
"""No recording is longer."""
_KEYFRAME_US = 10_000_000


class EventWriting:
    """Writes to the tables of events. One at a time writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def store(self, batch: Sequence[Pending]) -> list[Stored]:
        """Store changes in their order, all or none, and note with each event what it got. Raises DBAPIError."""
        ids: dict[Going, int] = {}
        shown: dict[Going, int | None] = {}
        marked: dict[Going, frozenset[tuple[str, str]]] = {}
        stored: list[Stored] = []
        async with self._database.writing.begin() as connection:
            for pending in batch:
                going, event = pending.going, pending.event
                recording_id = shown.get(going, going.recording_id)
                if recording_id is None:
                    recording_id = shown[going] = await _showing(connection, event)
                event_id = ids.get(going, going.id)
                event_id = ids[going] = await _put(connection, event_id, event, recording_id, going.heard_us)
                before, now = marked.get(going, going.marked), marks_of(event)
                await _mark(connection, event_id, event, now - before)
                marked[going] = now | before
                number = await _changed(connection, event_id, pending.kind, pending.at_us)
                stored.append(Stored(number, event_id, recording_id))
            if stored:
                old = event_changes.c.number <= stored[-1].number - CHANGES_KEPT
                await connection.execute(delete(event_changes).where(old))
        for going, event_id in ids.items():
            going.id, going.marked = event_id, marked[going]
            going.recording_id = shown.get(going, going.recording_id)
        return stored

    async def heard(self, event_ids: Sequence[int], at_us: int) -> None:
        """Note that these events still go on."""
        async with self._database.writing.begin() as connection:
            of_these = events.c.id.in_(event_ids), events.c.end_us.is_(None)
            await connection.execute(update(events).where(*of_these).values(heard_us=at_us))

    async def is_shown(self, event: Event) -> bool:
        """Whether there is a recording that shows the beginning of an event. Raises DBAPIError."""
        async with self._database.reading.connect() as connection:
            return await _showing(connection, event) is not None

    async def close_interrupted(self) -> list[EventChange]:
        """End the events that were going on when the server stopped, when they were last heard of. Returns the ends."""
        changes: list[EventChange] = []
        async with self._database.writing.begin() as connection:
            query = select(events).where(events.c.end_us.is_(None)).order_by(events.c.id)
            for row in (await connection.execute(query)).mappings().all():
                ended = {"end_us": row["heard_us"], "interrupted": True}
                await connection.execute(update(events).where(events.c.id == row["id"]).values(ended))
                number = await _changed(connection, row["id"], ChangeKind.ENDED, row["heard_us"])
                event = event_of({**row, **ended})
                changes.append(EventChange(number, ChangeKind.ENDED, event, row["heard_us"]))
        return changes


async def _put(
    connection: AsyncConnection, event_id: int, event: Event, recording_id: int | None, heard_us: int
) -> int:
    values = values_of(event) | {"recording_id": recording_id, "heard_us": heard_us}
    if event_id:
        await connection.execute(update(events).where(events.c.id == event_id).values(values))
        return event_id
    values |= {"stream_id": event.stream_id, "stream_name": event.stream_name, "start_us": event.start_us}
    made: int = (await connection.execute(insert(events).values(values).returning(events.c.id))).scalar_one()
    return made


async def _mark(connection: AsyncConnection, event_id: int, event: Event, marks: frozenset[tuple[str, str]]) -> None:
    rows = [
        {
            "kind": kind,
            "value": value,
            "start_us": event.start_us,
            "event_id": event_id,
            "stream_name": event.stream_name,
        }
        for kind, value in sorted(marks)
    ]
    if rows:
        await connection.execute(insert(event_marks), rows)


async def _changed(connection: AsyncConnection, event_id: int, kind: ChangeKind, at_us: int) -> int:
    values = {"event_id": event_id, "kind": kind.value, "at_us": at_us}
    made = insert(event_changes).values(values).returning(event_changes.c.number)
    number: int = (await connection.execute(made)).scalar_one()
    return number


async def _showing(connection: AsyncConnection, event: Event) -> int | None:
    """Return the recording that shows the beginning of an event, of several the one that began last.

    A clip without anything from before begins a moment later, with the next keyframe.
    """
    begins_us = recordings.c.start_us
    there = or_(recordings.c.end_us >= event.start_us, recordings.c.complete == false())
    of_stream = select(recordings.c.id).where(recordings.c.stream_name == event.stream_name)
    before = of_stream.where(begins_us.between(event.start_us - _LONGEST_US, event.start_us), there)
    found = (await connection.execute(before.order_by(begins_us.desc()).limit(1))).scalar_one_or_none()
    if found is None and event.end_us is not None:
        after = of_stream.where(begins_us.between(event.start_us, min(event.end_us, event.start_us + _KEYFRAME_US)))
        found = (await connection.execute(after.order_by(begins_us).limit(1))).scalar_one_or_none()
    return found
