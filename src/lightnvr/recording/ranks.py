"""How many recordings lie in each part of a sorted list, so that a page in the middle is found without walking there.

Each order of `SORTS` is cut into buckets of neighbouring values. `recording_ranks` holds how many FINISHED recordings
of a stream that began in a period are in each bucket, and the sums over all streams, over all periods and over both.
Open recordings are in no bucket: their end and size change every second.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    SQLColumnExpression,
    false,
    func,
    literal_column,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.tables import recording_ranks, recordings
from lightnvr.recording.model import DAY_US, Recording, RecordingFilter, RecordingSort
from lightnvr.recording.rows import wanted_streams

Part = TypeVar("Part", int, str)

PERIOD_US = 4 * DAY_US
"""A list that begins or ends within a period counts the rows of that period one by one."""

_ANY_STREAM = ""
_ANY_TIME = -1

SORTS = (RecordingSort.ID, RecordingSort.END_TIME, RecordingSort.SIZE_BYTES)

_ID_BITS = 12
# Sizes are cut into 64 buckets for each doubling, whatever the bit rate and the length of files; below 2 MiB evenly.
_OCTAVES = 25
_STEPS_BITS = 6
_LEAST_BITS = 14
_SIZE_BUCKET = " ".join(
    (
        "CASE",
        *(
            f"WHEN size_bytes < {1 << _LEAST_BITS + _STEPS_BITS + 1 + octave}"
            f" THEN {octave << _STEPS_BITS} + (size_bytes >> {_LEAST_BITS + octave})"
            for octave in range(_OCTAVES)
        ),
        f"ELSE {_OCTAVES << _STEPS_BITS} + (size_bytes >> {_LEAST_BITS + _OCTAVES}) END",
    )
)

BUCKET_SQL: Mapping[RecordingSort, str] = {
    RecordingSort.ID: f"id >> {_ID_BITS}",
    RecordingSort.END_TIME: f"end_us / {DAY_US}",
    RecordingSort.SIZE_BYTES: _SIZE_BUCKET,
}
"""The bucket of a row, in the SQL of SQLite and of PostgreSQL."""

_OF_ALL = recording_ranks.c.stream_name == _ANY_STREAM
_ADD = text(
    "INSERT INTO recording_ranks (sorted_by, stream_name, period, bucket, recordings)"
    " VALUES (:sorted_by, :stream_name, :period, :bucket, :recordings)"
    " ON CONFLICT (sorted_by, stream_name, period, bucket)"
    " DO UPDATE SET recordings = recording_ranks.recordings + excluded.recordings"
)
_REMOVE_EMPTY = text(
    "DELETE FROM recording_ranks WHERE sorted_by = :sorted_by AND stream_name = :stream_name AND period = :period"
    " AND bucket = :bucket AND recordings <= 0"
)
_FILL = "INSERT INTO recording_ranks (sorted_by, stream_name, period, bucket, recordings) "
COUNT_ALL_SQL = tuple(
    _FILL + query
    for query in (
        *(
            f"SELECT '{sort.value}', stream_name, start_us / {PERIOD_US} AS period, {bucket} AS bucket, count(*)"  # noqa: S608 - constants
            " FROM recordings WHERE complete GROUP BY stream_name, period, bucket"
            for sort, bucket in BUCKET_SQL.items()
        ),
        f"SELECT sorted_by, '{_ANY_STREAM}', period, bucket, sum(recordings) FROM recording_ranks GROUP BY 1, 3, 4",  # noqa: S608 - constants
        f"SELECT sorted_by, stream_name, {_ANY_TIME}, bucket, sum(recordings) FROM recording_ranks GROUP BY 1, 2, 4",  # noqa: S608 - constants
    )
)
"""What fills an empty `recording_ranks` from the recordings that there are."""


def bucket_of(sort: RecordingSort, value: int) -> int:
    """Return the bucket of an id, an end in microseconds since 1970, or a size in bytes; greater values never lower."""
    if sort is RecordingSort.ID:
        return value >> _ID_BITS
    if sort is RecordingSort.END_TIME:
        return value // DAY_US
    octave = min(_OCTAVES, max(0, value.bit_length() - (_LEAST_BITS + _STEPS_BITS + 1)))
    return (octave << _STEPS_BITS) + (value >> _LEAST_BITS + octave)


def least_of(sort: RecordingSort, bucket: int) -> int:
    """Return the least value that is in a bucket."""
    if sort is RecordingSort.ID:
        return bucket << _ID_BITS
    if sort is RecordingSort.END_TIME:
        return bucket * DAY_US
    octave = min(_OCTAVES, max(0, (bucket >> _STEPS_BITS) - 1))
    return bucket - (octave << _STEPS_BITS) << _LEAST_BITS + octave


async def add(connection: AsyncConnection, changes: Iterable[tuple[Recording, int]]) -> None:
    """Count finished recordings (each with 1), or no more (each with -1)."""
    counts: Counter[tuple[str, str, int, int]] = Counter()
    for recording, many in changes:
        values = {
            RecordingSort.ID: recording.id,
            RecordingSort.END_TIME: recording.end_us,
            RecordingSort.SIZE_BYTES: recording.size_bytes,
        }
        for sort in SORTS:
            for name in (_ANY_STREAM, recording.stream_name):
                for period in (_ANY_TIME, recording.start_us // PERIOD_US):
                    counts[sort.value, name, period, bucket_of(sort, values[sort])] += many
    changed = sorted((key, many) for key, many in counts.items() if many)
    if changed:
        await connection.execute(_ADD, [{**_key(key), "recordings": many} for key, many in changed])
    fewer = [_key(key) for key, many in changed if many < 0]
    if fewer:
        await connection.execute(_REMOVE_EMPTY, fewer)


def _key(key: tuple[str, str, int, int]) -> dict[str, str | int]:
    sorted_by, stream_name, period, bucket = key
    return {"sorted_by": sorted_by, "stream_name": stream_name, "period": period, "bucket": bucket}


async def count(connection: AsyncConnection, wanted: RecordingFilter, sort: RecordingSort) -> list[tuple[int, int]]:
    """Return (bucket, how many finished recordings of the filter) of one of `SORTS`, ascending, none of them empty."""
    bucket: ColumnElement[int] = literal_column(f"({BUCKET_SQL[sort]})", BigInteger)
    in_ranks = recording_ranks.c.bucket
    streams = wanted_streams(wanted, recording_ranks.c.stream_name) if wanted.streams else _OF_ALL
    return sorted((await _count(connection, wanted, sort, streams, in_ranks, bucket)).items())


async def count_streams(connection: AsyncConnection, wanted: RecordingFilter) -> list[tuple[str, int]]:
    """Return (stream, how many finished recordings of the filter), ascending, none of them empty."""
    in_ranks = recording_ranks.c.stream_name
    streams = wanted_streams(wanted, in_ranks) & (in_ranks != _ANY_STREAM)
    found = await _count(connection, wanted, RecordingSort.ID, streams, in_ranks, recordings.c.stream_name)
    # By the bytes of the name, as SQLite compares them; PostgreSQL may do otherwise.
    return sorted(found.items(), key=lambda stream: stream[0].encode())


async def _count(
    connection: AsyncConnection,
    wanted: RecordingFilter,
    sort: RecordingSort,
    streams: ColumnElement[bool],
    in_ranks: SQLColumnExpression[Part],
    in_recordings: SQLColumnExpression[Part],
) -> dict[Part, int]:
    whole, edges = _periods(wanted)
    ranks = recording_ranks.c
    queries = [
        select(in_ranks, func.sum(ranks.recordings))
        .where(ranks.sorted_by == sort.value, streams, whole)
        .group_by(in_ranks)
    ]
    queries += [
        select(in_recordings, func.count())
        .where(
            recordings.c.complete == true(),
            recordings.c.start_us.between(first_us, last_us),
            wanted_streams(wanted, func.coalesce(recordings.c.stream_name, "")),
        )
        .group_by(in_recordings)
        for first_us, last_us in edges
    ]
    found: dict[Part, int] = {}
    for part, many in await connection.execute(union_all(*queries)):
        found[part] = found.get(part, 0) + int(many)
    return {part: many for part, many in found.items() if many > 0}


def _periods(wanted: RecordingFilter) -> tuple[ColumnElement[bool], list[tuple[int, int]]]:
    """Return the condition for whole periods within the filter, and what is left of it: first and last start."""
    period = recording_ranks.c.period
    start_us, end_us = wanted.start_us, wanted.end_us
    if start_us is None and end_us is None:
        return period == _ANY_TIME, []
    if start_us is not None and end_us is not None and start_us // PERIOD_US >= end_us // PERIOD_US:
        return false(), [(start_us, end_us)]
    whole = period != _ANY_TIME
    edges: list[tuple[int, int]] = []
    if start_us is not None:
        first = -(-start_us // PERIOD_US)
        whole = whole & (period >= first)
        edges.append((start_us, first * PERIOD_US - 1))
    if end_us is not None:
        after = (end_us + 1) // PERIOD_US
        whole = whole & (period < after)
        edges.append((after * PERIOD_US, end_us))
    return whole, [(first_us, last_us) for first_us, last_us in edges if first_us <= last_us]
