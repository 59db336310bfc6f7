"""The list of recordings: every page of every list is what a plain list would give."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.engine import Database
from lightnvr.db.tables import recording_days, recording_ranks
from lightnvr.recording import listing, ranks, store
from lightnvr.recording.model import DAY_US, Recording, RecordingFilter, RecordingPage, RecordingSort
from lightnvr.recording.open_recordings import OpenRecording, Progress
from tests.rig.film import Recipe
from tests.rig.recordings_database import recordings_database
from tests.rig.segments import facts, write

pytestmark = pytest.mark.anyio
_DAY = DAY_US
_BASE = 20_000 * _DAY
_SEGMENT = write(Recipe(seconds=1)).segment.recording.segment
_each = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

_TIMES = st.one_of(
    st.integers(_BASE - 20 * _DAY, _BASE + 20 * _DAY),
    st.integers(_BASE - 3 * _DAY, _BASE + 3 * _DAY),
    st.sampled_from([_BASE + day * _DAY + off for day in (-1, 0, 1) for off in (-1, 0, 1, _DAY // 2)]),
)
_SIZES = st.integers(0, 3) | st.integers(0, 2**45)
_STREAMS = st.sampled_from(("door", "yard", "Ä b"))
# Stream, start, length in seconds, size in bytes, whether it is finished.
_Made = tuple[str, int, int, int, bool]
_ROWS = st.lists(st.tuples(_STREAMS, _TIMES, st.integers(0, 3), _SIZES, st.booleans()), max_size=40)
_FILTERS = st.builds(
    RecordingFilter,
    streams=st.lists(st.sampled_from(("door", "yard", "Ä b", "none")), max_size=3, unique=True).map(tuple),
    start_us=st.none() | _TIMES,
    end_us=st.none() | _TIMES,
    sort=st.sampled_from(RecordingSort),
    descending=st.booleans(),
)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with recordings_database(tmp_path / "lightnvr.db") as opened:
        yield opened


@asynccontextmanager
async def _undone(database: Database) -> AsyncIterator[AsyncConnection]:
    """A connection whose changes are taken back at the end."""
    async with database.writing.connect() as connection:
        transaction = await connection.begin()
        try:
            yield connection
        finally:
            await transaction.rollback()


async def _insert(connection: AsyncConnection, rows: list[_Made]) -> list[Recording]:
    stored: list[Recording] = []
    # The ids cross the border between two buckets.
    await connection.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES ('recordings', 4080)")
    for number, (stream, start_us, length, size, finished) in enumerate(rows):
        opened = OpenRecording(
            replace(facts(Path("/storage"), f"mp4/{number}.mp4", start_us), stream_name=stream), _SEGMENT
        )
        opened.progress = Progress(start_us + length * 1_000_000, size)
        recording_id = await store.insert_open(connection, opened)
        if finished:
            await store.complete(connection, recording_id, end_us=start_us + length * 999_999, size_bytes=size // 2)
        found = await store.get(connection, recording_id)
        assert found is not None
        stored.append(found)
    return stored


def _expected(rows: list[Recording], wanted: RecordingFilter) -> list[Recording]:
    chosen = [
        row
        for row in rows
        if (not wanted.streams or row.stream_name in wanted.streams)
        and (wanted.start_us is None or row.start_us >= wanted.start_us)
        and (wanted.end_us is None or row.start_us <= wanted.end_us)
    ]
    keys = {
        RecordingSort.ID: lambda row: (row.id,),
        RecordingSort.STREAM_NAME: lambda row: (row.stream_name.encode(), row.id),
        RecordingSort.START_TIME: lambda row: (row.start_us, row.id),
        RecordingSort.END_TIME: lambda row: (row.end_us, row.id),
        RecordingSort.SIZE_BYTES: lambda row: (row.size_bytes, row.id),
    }
    return sorted(chosen, key=keys[wanted.sort], reverse=wanted.descending)


async def _page(
    connection: AsyncConnection, wanted: RecordingFilter, offset: int, limit: int, gathered: int
) -> RecordingPage:
    if wanted.sort is RecordingSort.START_TIME:
        return await store.page(connection, wanted, offset, limit)
    return await listing.page(connection, wanted, offset, limit, gathered=gathered)


async def _ranks(connection: AsyncConnection) -> list[tuple[object, ...]]:
    return sorted(map(tuple, await connection.execute(select(recording_ranks))))


async def _days(connection: AsyncConnection) -> dict[tuple[int, str], tuple[int, int, int]]:
    rows = (await connection.execute(select(recording_days))).all()
    return {(row[0], row[1]): (row[2], row[3], row[4]) for row in rows if any(row[2:])}


def _expected_days(rows: list[Recording]) -> dict[tuple[int, str], tuple[int, int, int]]:
    expected: dict[tuple[int, str], tuple[int, int, int]] = {}
    for row in rows:
        key = row.start_us // _DAY, row.stream_name
        count, size_bytes, recorded_us = expected.get(key, (0, 0, 0))
        if row.complete:
            size_bytes, recorded_us = size_bytes + row.size_bytes, recorded_us + row.end_us - row.start_us
        expected[key] = count + 1, size_bytes, recorded_us
    return expected


@_each
@given(
    rows=_ROWS,
    wanted=_FILTERS,
    offset=st.integers(0, 45),
    limit=st.sampled_from((0, 1, 2, 7, 100)),
    gone=st.sets(st.integers(0, 39)),
    gathered=st.sampled_from((0, 10, 1000)),
)
async def test_any_page_of_any_list_is_right(
    database: Database,
    rows: list[_Made],
    wanted: RecordingFilter,
    offset: int,
    limit: int,
    gone: set[int],
    gathered: int,
) -> None:
    async with _undone(database) as connection:
        stored = await _insert(connection, rows)
        for index in sorted(gone):
            if index < len(stored):
                assert await store.remove(connection, stored[index])
                assert not await store.remove(connection, stored[index])
        left = [row for index, row in enumerate(stored) if index not in gone]
        expected = _expected(left, wanted)
        page = await _page(connection, wanted, offset, limit, gathered)
        assert page.total == len(expected)
        assert list(page.recordings) == expected[offset : offset + limit]
        assert await _days(connection) == _expected_days(left)
        assert await store.latest_end_us(connection) == max((row.end_us for row in left), default=0)
        kept = await _ranks(connection)
        await connection.execute(delete(recording_ranks))
        for statement in ranks.COUNT_ALL_SQL:
            await connection.exec_driver_sql(statement)
        assert kept == await _ranks(connection)


@_each
@given(rows=_ROWS, wanted=_FILTERS, size=st.integers(1, 9))
async def test_the_pages_together_are_the_list(
    database: Database, rows: list[_Made], wanted: RecordingFilter, size: int
) -> None:
    async with _undone(database) as connection:
        expected = _expected(await _insert(connection, rows), wanted)
        pages = [await _page(connection, wanted, at, size, 0) for at in range(0, len(expected) + size, size)]
        assert [row for page in pages for row in page.recordings] == expected


@given(st.integers(0, 2**62), st.integers(0, 2**62), st.sampled_from(ranks.SORTS))
def test_buckets_keep_the_order(one: int, other: int, sort: RecordingSort) -> None:
    smaller, greater = sorted((one, other))
    first, second = ranks.bucket_of(sort, smaller), ranks.bucket_of(sort, greater)
    assert first <= second
    assert ranks.least_of(sort, first) <= smaller < ranks.least_of(sort, first + 1)
    assert ranks.bucket_of(sort, ranks.least_of(sort, first)) == first


@given(st.integers(0, 2**50))
def test_the_buckets_of_sizes_are_narrow(size: int) -> None:
    bucket = ranks.bucket_of(RecordingSort.SIZE_BYTES, size)
    least, after = (ranks.least_of(RecordingSort.SIZE_BYTES, at) for at in (bucket, bucket + 1))
    assert after - least <= max(2**14, least / 32) or size >= 2**45


async def test_what_is_completed_again_is_counted_once(database: Database) -> None:
    async with _undone(database) as connection:
        (row,) = await _insert(connection, [("door", _BASE, 1, 5, True)])
        before = await _ranks(connection)
        await store.complete(connection, row.id, end_us=_BASE + 9 * _DAY, size_bytes=10**9)
        assert len(await _ranks(connection)) == len(before) == 12
        await store.complete(connection, row.id + 1, end_us=_BASE, size_bytes=1)
        assert await store.remove(connection, row)
        assert await _ranks(connection) == []


async def test_a_recording_goes_from_open_to_complete_to_gone(database: Database) -> None:
    opened = OpenRecording(facts(Path("/storage")), _SEGMENT)
    async with database.writing.begin() as connection:
        recording_id = await store.insert_open(connection, opened)
        assert await store.is_used(connection, 1)
    async with database.writing.begin() as connection:
        await store.store_progress(connection, [(recording_id, Progress(opened.facts.start_us + 7, 99))])
        await store.store_media(connection, recording_id, fragments=None, synced_bytes=55)
    async with database.reading.connect() as connection:
        found = await store.get(connection, recording_id)
        assert found is not None
        assert (found.complete, found.size_bytes, found.end_us - found.start_us) == (False, 99, 7)
        assert found.path == str(opened.facts.path)
        assert await store.interrupted(connection) == [(found, 55)]
        assert await store.media(connection, recording_id) == (_SEGMENT.init.content, b"")
        assert await store.paths_since(connection, 1, found.start_us) == {PurePosixPath(found.path)}
        assert await store.paths_since(connection, 1, found.start_us + 1) == set()
    async with database.writing.begin() as connection:
        await store.complete(connection, recording_id, end_us=found.start_us + 9, size_bytes=101, damaged="Why.")
        await store.store_media(connection, recording_id, fragments=b"\x01", synced_bytes=101)
    async with database.writing.begin() as connection:
        done = await store.get(connection, recording_id)
        assert done == replace(found, complete=True, end_us=found.start_us + 9, size_bytes=101, damaged="Why.")
        assert await store.interrupted(connection) == []
        assert await store.remove(connection, done)
        assert await store.media(connection, recording_id) is None
        assert await store.get(connection, recording_id) is None
        assert not await store.is_used(connection, 1)


async def test_a_storage_keeps_its_id_when_it_moves(database: Database) -> None:
    async with database.writing.begin() as connection:
        assert await store.ensure_storage(connection, "main", "/elsewhere") == (1, False)
        assert await store.storage_root(connection, 1) == "/elsewhere"
        assert await store.ensure_storage(connection, "second", "/second") == (2, True)
        assert await store.storage_root(connection, 3) is None
