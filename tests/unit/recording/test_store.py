"""The list of recordings: every page of every list is what a plain list would give."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.engine import Database
from lightnvr.db.tables import recording_days
from lightnvr.recording import store
from lightnvr.recording.model import Recording, RecordingFilter, RecordingSort
from lightnvr.recording.open_recordings import OpenRecording, Progress
from tests.rig.film import Recipe
from tests.rig.recordings_database import recordings_database
from tests.rig.segments import facts, write

pytestmark = pytest.mark.anyio
_DAY = store.DAY_US
_BASE = 20_000 * _DAY
_SEGMENT = write(Recipe(seconds=1)).segment.recording.segment
_each = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

_TIMES = st.one_of(
    st.integers(_BASE - 3 * _DAY, _BASE + 3 * _DAY),
    st.sampled_from([_BASE + day * _DAY + off for day in (-1, 0, 1) for off in (-1, 0, 1, _DAY // 2)]),
)
_ROWS = st.lists(
    st.tuples(st.sampled_from(("door", "yard", "Ä b")), _TIMES, st.integers(0, 3), st.integers(0, 3)), max_size=40
)
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


async def _insert(connection: AsyncConnection, rows: list[tuple[str, int, int, int]]) -> list[Recording]:
    stored: list[Recording] = []
    for number, (stream, start_us, length, size) in enumerate(rows):
        opened = OpenRecording(
            replace(facts(Path("/storage"), f"mp4/{number}.mp4", start_us), stream_name=stream), _SEGMENT
        )
        opened.progress = Progress(start_us + length * 1_000_000, size * 1000)
        found = await store.get(connection, await store.insert_open(connection, opened))
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


async def _days(connection: AsyncConnection) -> Counter[tuple[int, str]]:
    rows = (await connection.execute(select(recording_days))).all()
    return Counter({(day, stream): count for day, stream, count in rows if count})


@_each
@given(
    rows=_ROWS,
    wanted=_FILTERS,
    offset=st.integers(0, 45),
    limit=st.sampled_from((0, 1, 2, 7, 100)),
    gone=st.sets(st.integers(0, 39)),
)
async def test_any_page_of_any_list_is_right(
    database: Database,
    rows: list[tuple[str, int, int, int]],
    wanted: RecordingFilter,
    offset: int,
    limit: int,
    gone: set[int],
) -> None:
    async with _undone(database) as connection:
        stored = await _insert(connection, rows)
        for index in sorted(gone):
            if index < len(stored):
                assert await store.remove(connection, stored[index])
                assert not await store.remove(connection, stored[index])
        left = [row for index, row in enumerate(stored) if index not in gone]
        expected = _expected(left, wanted)
        page = await store.page(connection, wanted, offset, limit)
        assert page.total == len(expected)
        assert list(page.recordings) == expected[offset : offset + limit]
        assert await _days(connection) == Counter((row.start_us // _DAY, row.stream_name) for row in left)
        assert await store.latest_end_us(connection) == max((row.end_us for row in left), default=0)


@_each
@given(rows=_ROWS, wanted=_FILTERS, size=st.integers(1, 9))
async def test_the_pages_together_are_the_list(
    database: Database, rows: list[tuple[str, int, int, int]], wanted: RecordingFilter, size: int
) -> None:
    async with _undone(database) as connection:
        expected = _expected(await _insert(connection, rows), wanted)
        pages = [await store.page(connection, wanted, at, size) for at in range(0, len(expected) + size, size)]
        assert [row for page in pages for row in page.recordings] == expected


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
