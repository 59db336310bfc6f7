"""Pages of lists of recordings by id, stream, end or size.

A page is found in three steps. How many finished recordings are in each bucket of the order (`ranks`) tells in which
bucket it begins. A walk over an index that holds all that is filtered by gives the ids of the page. Their rows are
read. Open recordings are few: they are added to the walk at their places.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import ColumnElement, SQLColumnExpression, false, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.tables import recordings
from lightnvr.recording import ranks
from lightnvr.recording.model import Recording, RecordingFilter, RecordingPage, RecordingSort
from lightnvr.recording.placing import Key, finished_of, with_open
from lightnvr.recording.rows import recording_from, wanted_starts, wanted_streams

_GATHERED = 2000
"""A list of no more is gathered and sorted. The walk would meet few of them among all the others."""

_ROWS_AT_ONCE = 500
"""Ids in one query; SQLite allows 999 variables in old versions."""

_Part = TypeVar("_Part", int, str)

_VALUES = {
    RecordingSort.ID: recordings.c.id,
    RecordingSort.STREAM_NAME: recordings.c.stream_name,
    RecordingSort.END_TIME: recordings.c.end_us,
    RecordingSort.SIZE_BYTES: recordings.c.size_bytes,
}


async def page(
    connection: AsyncConnection, wanted: RecordingFilter, offset: int, limit: int, *, gathered: int = _GATHERED
) -> RecordingPage:
    """Return `limit` recordings from `offset` on, in any order but by start.

    Lists of at most `gathered` recordings are sorted instead of walked over.
    """
    # By id, a list of one stream is the same as by stream, for which there is an index.
    by_stream = wanted.sort is RecordingSort.STREAM_NAME or (
        wanted.sort is RecordingSort.ID and len(wanted.streams) == 1
    )
    streams = await ranks.count_streams(connection, wanted) if by_stream else []
    buckets = [] if by_stream else await ranks.count(connection, wanted, wanted.sort)
    opened = await _keys(connection, wanted, recordings.c.complete == false())
    finished = sum(many for _, many in (*streams, *buckets))
    total = finished + len(opened)
    if offset >= total or not limit:
        return RecordingPage((), total)
    if total <= gathered:
        keys = sorted(await _keys(connection, wanted, None), reverse=wanted.descending)
        return RecordingPage(await _rows(connection, keys[offset : offset + limit]), total)
    opened.sort(reverse=wanted.descending)
    first, count = finished_of(offset, limit, opened=len(opened), finished=finished)
    walked: list[Key] = []
    if count > 0 and by_stream:
        walked = await _walk_streams(connection, wanted, streams, first, count)
    elif count > 0:
        walked = await _walk(connection, wanted, buckets, first, count)
    keys = with_open(walked, opened, first, offset, limit, descending=wanted.descending)
    return RecordingPage(await _rows(connection, keys), total)


async def _keys(connection: AsyncConnection, wanted: RecordingFilter, only: ColumnElement[bool] | None) -> list[Key]:
    """Return the keys of all recordings of a filter, or of those of them that also meet `only`, in no order.

    `only` decides which index is used, where it is given.
    """
    name, start_us = _streams_and_starts(plain=only is None)
    value = _VALUES[wanted.sort]
    query = select(value, recordings.c.id).where(wanted_streams(wanted, name), wanted_starts(wanted, start_us))
    if only is not None:
        query = query.where(only)
    return [_key(*row) for row in await connection.execute(query)]


async def _walk(
    connection: AsyncConnection, wanted: RecordingFilter, buckets: list[tuple[int, int]], first: int, count: int
) -> list[Key]:
    """Return the keys of `count` finished recordings from `first` on."""
    begins, skipped = _begin(wanted, wanted.sort, buckets, first)
    value = _VALUES[wanted.sort]
    name, start_us = _streams_and_starts(plain=False)
    query = (
        select(value, recordings.c.id)
        .where(
            recordings.c.complete == true(),
            begins,
            wanted_streams(wanted, name),
            wanted_starts(wanted, start_us),
        )
        .order_by(*_order(wanted, *([] if wanted.sort is RecordingSort.ID else [value]), recordings.c.id))
        .offset(skipped)
        .limit(count)
    )
    return [_key(*row) for row in await connection.execute(query)]


async def _walk_streams(
    connection: AsyncConnection, wanted: RecordingFilter, streams: list[tuple[str, int]], first: int, count: int
) -> list[Key]:
    """Return the same of a list by stream: one stream after the other, each by id."""
    skipped, following = _part_with(wanted, streams, first)
    bounded = (wanted.start_us, wanted.end_us) != (None, None)
    _, start_us = _streams_and_starts(plain=False)
    found: list[Key] = []
    for stream in following:
        begins: ColumnElement[bool] = true()
        if skipped or bounded:
            one = replace(wanted, streams=(stream,))
            buckets = await ranks.count(connection, one, RecordingSort.ID)
            begins, skipped = _begin(one, RecordingSort.ID, buckets, skipped)
        query = (
            select(_VALUES[wanted.sort], recordings.c.id)
            .where(
                recordings.c.complete == true(),
                recordings.c.stream_name == stream,
                begins,
                wanted_starts(wanted, start_us),
            )
            .order_by(*_order(wanted, recordings.c.id))
            .offset(skipped)
            .limit(count - len(found))
        )
        found += [_key(*row) for row in await connection.execute(query)]
        if len(found) >= count:
            break
        skipped = 0
    return found


async def _rows(connection: AsyncConnection, keys: Sequence[Key]) -> tuple[Recording, ...]:
    """Return the recordings with these keys, in this order."""
    ids = [recording_id for _, _, recording_id in keys]
    found: dict[int, Recording] = {}
    for at in range(0, len(ids), _ROWS_AT_ONCE):
        query = select(recordings).where(recordings.c.id.in_(ids[at : at + _ROWS_AT_ONCE]))
        for row in await connection.execute(query):
            recording = recording_from(row)
            found[recording.id] = recording
    # One that was deleted since its key was read, on a database without snapshots, is left out.
    return tuple(found[recording_id] for recording_id in ids if recording_id in found)


def _key(value: str | int, recording_id: int) -> Key:
    return (value.encode(), 0, recording_id) if isinstance(value, str) else (b"", value, recording_id)


def _streams_and_starts(*, plain: bool) -> tuple[SQLColumnExpression[str], SQLColumnExpression[int]]:
    """Return what has the stream and the start; not `plain`: in a form that no index is chosen for."""
    name, start_us = recordings.c.stream_name, recordings.c.start_us
    return (name, start_us) if plain else (func.coalesce(name, ""), func.coalesce(start_us, 0))


def _begin(
    wanted: RecordingFilter, sort: RecordingSort, buckets: list[tuple[int, int]], first: int
) -> tuple[ColumnElement[bool], int]:
    """Return the condition to begin with the bucket that has a place, and how many of the bucket come before it."""
    skipped, (bucket, *_) = _part_with(wanted, buckets, first)
    value: SQLColumnExpression[int] = _VALUES[sort]
    if wanted.descending:
        return value < ranks.least_of(sort, bucket + 1), skipped
    return value >= ranks.least_of(sort, bucket), skipped


def _part_with(wanted: RecordingFilter, parts: list[tuple[_Part, int]], first: int) -> tuple[int, tuple[_Part, ...]]:
    """Return how many come before a place in the part that has it, and this part and those after it.

    Raises IndexError when there are not so many.
    """
    ordered = parts[::-1] if wanted.descending else parts
    for at, (_, many) in enumerate(ordered):
        if first < many:
            return first, tuple(part for part, _ in ordered[at:])
        first -= many
    raise IndexError(first)


def _order(wanted: RecordingFilter, *columns: ColumnElement[int]) -> list[ColumnElement[int]]:
    return [column.desc() if wanted.descending else column.asc() for column in columns]
