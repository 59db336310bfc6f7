"""Queries for recordings by the time they show. Each uses the index on (stream_name, start_us)."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.tables import recording_media, recordings
from lightnvr.recording.model import CaptureMethod, Recording
from lightnvr.recording.rows import recording_from
from lightnvr.recording.service import Covered

_LONGEST_US = 2 * 3600 * 1_000_000
"""No recording is longer: a segment is an hour at most and ends with the next keyframe. One that is longer all the same
is found when it is the last to begin before the span."""

_IDS_AT_ONCE = 500
_METHODS = {method.value: method for method in CaptureMethod}


async def overlapping(
    connection: AsyncConnection, stream_name: str, start_us: int, end_us: int, limit: int
) -> tuple[Recording, ...]:
    """Return the recordings of a stream that show anything of [start_us, end_us], in order of time."""
    query = (
        select(recordings)
        .where(await _in_span(connection, stream_name, start_us, end_us))
        .order_by(recordings.c.start_us, recordings.c.id)
        .limit(limit)
    )
    return tuple(recording_from(row) for row in (await connection.execute(query)).all())


async def covered(connection: AsyncConnection, stream_name: str, start_us: int, end_us: int) -> list[Covered]:
    """Return the times of the recordings of a stream that show anything of [start_us, end_us]."""
    query = select(recordings.c.start_us, recordings.c.end_us, recordings.c.capture_method)
    rows = (await connection.execute(query.where(await _in_span(connection, stream_name, start_us, end_us)))).all()
    return [Covered(row[0], row[1], _METHODS[row[2]]) for row in rows]


async def _in_span(connection: AsyncConnection, stream_name: str, start_us: int, end_us: int) -> ColumnElement[bool]:
    of_stream = recordings.c.stream_name == stream_name
    before = select(func.max(recordings.c.start_us)).where(of_stream, recordings.c.start_us <= start_us)
    latest_before = (await connection.execute(before)).scalar_one()
    earliest = start_us - _LONGEST_US if latest_before is None else min(start_us - _LONGEST_US, latest_before)
    return of_stream & recordings.c.start_us.between(earliest, end_us) & (recordings.c.end_us >= start_us)


async def by_ids(connection: AsyncConnection, recording_ids: Sequence[int]) -> dict[int, Recording]:
    """Return those of these recordings that are there, by id."""
    found: dict[int, Recording] = {}
    for first in range(0, len(recording_ids), _IDS_AT_ONCE):
        query = select(recordings).where(recordings.c.id.in_(recording_ids[first : first + _IDS_AT_ONCE]))
        for row in (await connection.execute(query)).all():
            recording = recording_from(row)
            found[recording.id] = recording
    return found


async def media(connection: AsyncConnection, recording_ids: Sequence[int]) -> dict[int, tuple[bytes, bytes]]:
    """Return the init segments and packed fragment indexes of these recordings, by id."""
    found: dict[int, tuple[bytes, bytes]] = {}
    for first in range(0, len(recording_ids), _IDS_AT_ONCE):
        query = select(recording_media.c.recording_id, recording_media.c.init_segment, recording_media.c.fragments)
        query = query.where(recording_media.c.recording_id.in_(recording_ids[first : first + _IDS_AT_ONCE]))
        rows = (await connection.execute(query)).all()
        found |= {int(row[0]): (bytes(row[1]), bytes(row[2])) for row in rows}
    return found
