"""The database says what is on the disk, a second later, and forgets nothing when it could not be written."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from lightnvr.db.engine import Database
from lightnvr.db.tables import recordings
from lightnvr.recording import store
from lightnvr.recording.fragment_index import FragmentIndex
from lightnvr.recording.journal import Journal
from lightnvr.recording.model import Recording, RecordingFilter
from lightnvr.recording.open_recordings import OpenRecording, OpenRecordings, Progress
from lightnvr.recording.segment import Segment
from tests.rig.disks import MemoryDisk
from tests.rig.fake_time import NOON_US
from tests.rig.film import Recipe, film
from tests.rig.recordings_database import recordings_database
from tests.rig.segments import facts

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with recordings_database(tmp_path / "lightnvr.db") as opened:
        yield opened


def _segment(name: str = "a", stream: str = "door") -> Segment:
    shown = film(Recipe(seconds=4))
    about = replace(facts(Path("/storage"), f"mp4/{stream}/{name}.mp4"), stream_name=stream)
    return Segment(MemoryDisk(), about, shown.tracks, shown.packets[0], 500_000)


def _grow(segment: Segment, first: int, last: int) -> None:
    for packet in film(Recipe(seconds=4)).packets[first:last]:
        segment.add(packet)
    segment.write(NOON_US + 10**9)


def _finalise(recording: OpenRecording) -> None:
    recording.closing = True
    size = recording.segment.finalise()
    recording.progress = Progress(recording.progress.end_us, size)
    recording.finalised = True


def _opened(*segments: Segment) -> OpenRecordings:
    opened = OpenRecordings()
    for segment in segments:
        opened.add(segment.recording)
    return opened


async def _rows(database: Database) -> list[Recording]:
    async with database.reading.connect() as connection:
        rows = (await store.page(connection, RecordingFilter(), 0, 100)).recordings
    return sorted(rows, key=lambda row: row.id)


async def _index(database: Database, recording_id: int) -> FragmentIndex:
    async with database.reading.connect() as connection:
        found = await store.media(connection, recording_id)
    assert found is not None
    return FragmentIndex.unpack(found[1])


async def test_a_row_follows_its_recording_to_the_end(database: Database) -> None:
    segment = _segment()
    opened = _opened(segment)
    journal = Journal(database, opened)
    recording = segment.recording
    assert await journal.store()
    (row,) = await _rows(database)
    assert (row.complete, row.end_us - row.start_us, row.size_bytes) == (False, 0, recording.segment.length)
    assert recording.recording_id == row.id
    for last in range(15, 60, 15):
        _grow(segment, last - 15, last)
        assert await journal.store()
        (row,) = await _rows(database)
        assert not row.complete
        assert (row.end_us, row.size_bytes) == (recording.progress.end_us, recording.progress.size_bytes)
        assert row.end_us > row.start_us
    segment.finish(NOON_US + 10**9)
    _finalise(recording)
    assert await journal.store()
    (row,) = await _rows(database)
    assert row.complete
    assert (row.end_us, row.size_bytes) == (recording.progress.end_us, recording.progress.size_bytes)
    assert list(await _index(database, row.id)) == list(recording.segment.index)
    assert list(opened) == []


async def test_what_did_not_change_is_not_written(database: Database) -> None:
    segment = _segment()
    journal = Journal(database, _opened(segment))
    _grow(segment, 0, 30)
    assert await journal.store()
    async with database.writing.begin() as connection:
        await store.store_progress(connection, [(1, Progress(1, 1))])
    assert await journal.store()
    assert (await _rows(database))[0].size_bytes == 1
    _grow(segment, 30, 60)
    assert await journal.store()
    assert (await _rows(database))[0].size_bytes == segment.recording.progress.size_bytes


async def test_the_index_of_an_open_recording_is_stored_from_time_to_time(database: Database) -> None:
    segment = _segment()
    journal = Journal(database, _opened(segment))
    for at in range(40):
        _grow(segment, at, at + 1)
        segment.recording.progress = Progress(NOON_US + at, segment.recording.segment.length)
        assert await journal.store()
    assert 1 <= len(await _index(database, 1)) <= len(segment.recording.segment.index)


@pytest.mark.parametrize("known", [True, False])
async def test_a_recording_without_footage_leaves_no_row(database: Database, known: bool) -> None:
    segment = _segment()
    opened = _opened(segment)
    journal = Journal(database, opened)
    if known:
        assert await journal.store()
        assert len(await _rows(database)) == 1
    segment.recording.empty = segment.recording.finalised = True
    assert await journal.store()
    assert await _rows(database) == []
    assert list(opened) == []


async def test_a_recording_that_ends_before_it_was_ever_stored_gets_a_complete_row(database: Database) -> None:
    segment = _segment()
    _grow(segment, 0, 60)
    _finalise(segment.recording)
    assert await Journal(database, _opened(segment)).store()
    (row,) = await _rows(database)
    assert row.complete
    assert list(await _index(database, row.id)) == list(segment.recording.segment.index)


async def test_a_database_that_cannot_be_written_is_tried_again_and_nothing_is_forgotten(database: Database) -> None:
    first, second, third = _segment("a"), _segment("b"), _segment("c", "yard")
    opened = _opened(first, second, third)
    journal = Journal(database, opened)
    _grow(first, 0, 30)
    assert await journal.store()
    before = await _rows(database)
    async with database.writing.begin() as connection:
        await connection.exec_driver_sql(
            "CREATE TRIGGER refused BEFORE UPDATE ON recordings BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    _grow(first, 30, 60)
    _finalise(first.recording)
    _grow(second, 0, 60)
    for failures in (1, 2):
        assert not await journal.store()
        assert journal.failures == failures
        assert "disk full" in journal.error
    assert await _rows(database) == before
    assert first.recording in list(opened)
    async with database.writing.begin() as connection:
        await connection.exec_driver_sql("DROP TRIGGER refused")
    assert await journal.store()
    assert journal.error == ""
    rows = {row.path: row for row in await _rows(database)}
    assert len(rows) == 3
    for recording in (first.recording, second.recording, third.recording):
        row = rows[str(recording.facts.path)]
        assert (row.complete, row.end_us, row.size_bytes) == (
            recording.finalised,
            recording.progress.end_us,
            recording.progress.size_bytes,
        )
    assert list(opened) == [second.recording, third.recording]


async def test_a_file_that_is_written_anew_replaces_its_row(database: Database) -> None:
    gone = _segment("a")
    _grow(gone, 0, 60)
    _finalise(gone.recording)
    assert await Journal(database, _opened(gone)).store()
    again, other = _segment("a"), _segment("b", "yard")
    assert await Journal(database, _opened(again, other)).store()
    rows = await _rows(database)
    assert {row.path: row.complete for row in rows} == {"mp4/door/a.mp4": False, "mp4/yard/b.mp4": False}
    async with database.reading.connect() as connection:
        assert len((await connection.execute(select(recordings.c.id))).all()) == 2
