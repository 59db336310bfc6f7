"""Deletes events, with their pictures, when the recordings that could show them are gone."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.engine import Database
from lightnvr.db.event_tables import events

_AT_ONCE = 500
_MOST_PICTURES = 2000
"""So many events of a stream keep their pictures."""

_STREAMS = text(
    "WITH RECURSIVE streams (name) AS (SELECT min(stream_name) FROM events UNION ALL"
    " SELECT (SELECT min(stream_name) FROM events WHERE stream_name > streams.name) FROM streams"
    " WHERE streams.name IS NOT NULL) SELECT name FROM streams WHERE name IS NOT NULL"
)
"""Goes from stream to stream by the index."""

OldestUs = Callable[[AsyncConnection, str], Awaitable[int | None]]


class EventPruning:
    """Deletes old events. An event whose recording is still there stays with it, however old."""

    def __init__(self, database: Database, snapshots: Path, oldest_us: OldestUs) -> None:
        """`oldest_us` tells when the oldest recording of a stream began, of those that go by themselves."""
        self._database = database
        self._snapshots = snapshots
        self._oldest_us = oldest_us

    async def prune(self, aged_us: Callable[[str], int]) -> int:
        """Delete what ended before the oldest recording of its stream or, without any, before `aged_us` of it.

        Returns how many events that were; a stream loses 500 at a time at most.
        """
        async with self._database.reading.connect() as connection:
            names = list((await connection.execute(_STREAMS)).scalars())
            oldest = {name: await self._oldest_us(connection, name) for name in names}
        pruned = 0
        for name, began_us in oldest.items():
            pruned += await self._prune(name, aged_us(name) if began_us is None else began_us)
            await self._without_picture(name)
        return pruned

    async def _prune(self, stream_name: str, before_us: int) -> int:
        query = (
            select(events.c.id, events.c.picture)
            .where(
                events.c.stream_name == stream_name,
                events.c.start_us < before_us,
                events.c.end_us < before_us,
                events.c.recording_id.is_(None),
            )
            .order_by(events.c.start_us)
            .limit(_AT_ONCE)
        )
        async with self._database.writing.begin() as connection:
            rows = (await connection.execute(query)).all()
            if rows:
                await connection.execute(delete(events).where(events.c.id.in_([row[0] for row in rows])))
        await self._unlink([row[1] for row in rows if row[1]])
        return len(rows)

    async def _without_picture(self, stream_name: str) -> None:
        query = (
            select(events.c.id, events.c.picture)
            .where(events.c.stream_name == stream_name, events.c.picture != "")
            .order_by(events.c.start_us.desc(), events.c.id.desc())
            .offset(_MOST_PICTURES)
            .limit(_AT_ONCE)
        )
        async with self._database.reading.connect() as connection:
            rows = (await connection.execute(query)).all()
        if rows:
            async with self._database.writing.begin() as connection:
                of_these = events.c.id.in_([row[0] for row in rows])
                await connection.execute(update(events).where(of_these).values(picture=""))
            await self._unlink([row[1] for row in rows])

    async def _unlink(self, pictures: list[str]) -> None:
        def unlink() -> None:
            for picture in pictures:
                (self._snapshots / picture).unlink(missing_ok=True)

        await asyncio.to_thread(unlink)
