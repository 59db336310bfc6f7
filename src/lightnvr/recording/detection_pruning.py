"""Deletes what was detected when the recordings that could show it are gone.

A detection whose own recording is still there stays with it, however old: one that is protected keeps what it shows.
"""

from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.tables import detections, recordings

AT_ONCE = 1000
"""So many rows are deleted in one transaction, for which recorders and lists wait a moment."""

_STREAMS = text(
    "WITH RECURSIVE streams (name) AS (SELECT min(stream_name) FROM detections UNION ALL"
    " SELECT (SELECT min(stream_name) FROM detections WHERE stream_name > streams.name) FROM streams"
    " WHERE streams.name IS NOT NULL) SELECT name FROM streams WHERE name IS NOT NULL"
)
"""Goes from stream to stream by the index: there may be millions of detections."""


async def streams(connection: AsyncConnection) -> list[str]:
    """Return the names of the streams on which anything was detected."""
    return list((await connection.execute(_STREAMS)).scalars())


async def oldest_us(connection: AsyncConnection, stream_name: str) -> int | None:
    """Return when the oldest recording of a stream began, of those that go by themselves; None without any.

    That is without those that are protected or have an age of their own.
    """
    # Not as plain columns: the index by start is to be used, of which the first few rows are looked at.
    goes_by_itself = func.coalesce(recordings.c.protected, True).is_(False), recordings.c.override_days.is_(None)
    of_stream = select(recordings.c.start_us).where(recordings.c.stream_name == stream_name, *goes_by_itself)
    oldest = of_stream.order_by(recordings.c.start_us, recordings.c.id).limit(1)
    return (await connection.execute(oldest)).scalar_one_or_none()


async def prune(connection: AsyncConnection, stream_name: str, before_us: int) -> int:
    """Delete what ended before this, the oldest first, `AT_ONCE` at most. Returns how many that were."""
    without_recording = func.coalesce(detections.c.recording_id, 0) == 0
    oldest = (
        select(detections.c.id)
        .where(
            detections.c.stream_name == stream_name,
            detections.c.start_us < before_us,
            detections.c.end_us < before_us,
            without_recording,
        )
        .order_by(detections.c.start_us)
        .limit(AT_ONCE)
    )
    return (await connection.execute(delete(detections).where(detections.c.id.in_(oldest)))).rowcount
