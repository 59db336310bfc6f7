"""What was detected goes when the recordings that could show it are gone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from lightnvr.db.engine import Database
from lightnvr.db.tables import detections
from lightnvr.recording import detection_pruning
from lightnvr.recording.archive import StoredArchive
from lightnvr.recording.care import StoredCare
from lightnvr.recording.detection import Box, Detection
from lightnvr.recording.disk import OsDisk
from lightnvr.recording.marks import StoredMarks
from lightnvr.recording.open_recordings import OpenRecordings
from lightnvr.recording.removal import Removal
from tests.rig.fake_time import NOON_US
from tests.rig.finished import APART_US, keep
from tests.rig.recordings_database import recordings_database

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with recordings_database(tmp_path / "lightnvr.db") as opened:
        async with opened.writing.begin() as connection:
            await connection.exec_driver_sql("UPDATE storages SET root = ?", (str(tmp_path),))
        yield opened


def _archive(database: Database) -> StoredArchive:
    return StoredArchive(database, Removal(database, OsDisk(), OpenRecordings(), lambda: NOON_US))


async def _detect(database: Database, at_us: int, *, stream: str = "door", count: int = 1) -> None:
    seen = Detection(stream, at_us, at_us, "person", 1.0, Box(0, 0, 1, 1))
    await StoredMarks(database).add_detections([seen] * count)


async def _left(database: Database) -> list[tuple[str, int]]:
    query = select(detections.c.stream_name, detections.c.start_us).order_by(detections.c.id)
    async with database.reading.connect() as connection:
        return [(row[0], row[1]) for row in (await connection.execute(query)).all()]


async def _prune(database: Database, aged_us: int = 0) -> int:
    pruned = 0
    while some := await _archive(database).prune_detections(lambda _: aged_us):
        pruned += some
    return pruned


async def test_detections_go_when_the_recordings_of_their_time_have_gone(database: Database, tmp_path: Path) -> None:
    ids = await keep(database, tmp_path, 4)
    times = [NOON_US + number * APART_US + 1 for number in range(4)]
    for at_us in times:
        await _detect(database, at_us)
    assert await _prune(database, aged_us=NOON_US * 2) == 0
    async with database.writing.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM recordings WHERE id IN (?, ?)", tuple(ids[:2]))
    assert await _prune(database) == 2
    assert await _left(database) == [("door", at_us) for at_us in times[2:]]


async def test_a_recording_that_stays_keeps_what_it_shows_and_no_more(database: Database, tmp_path: Path) -> None:
    protected, aged, *others = await keep(database, tmp_path, 5)
    times = [NOON_US + number * APART_US + 1 for number in range(5)]
    for at_us in times:
        await _detect(database, at_us)
    care = StoredCare(database)
    await care.protect(protected, True)
    await care.keep_for(aged, 0)
    async with database.writing.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM recordings WHERE id IN (?, ?)", tuple(others[:2]))
    assert await _prune(database) == 2
    assert [at_us for _, at_us in await _left(database)] == [times[0], times[1], times[4]]


async def test_what_a_stream_without_recordings_detected_goes_by_its_age(database: Database) -> None:
    for stream in ("door", "yard"):
        await _detect(database, NOON_US, stream=stream)
        await _detect(database, NOON_US + 10, stream=stream)
    archive = _archive(database)
    aged = {"door": NOON_US + 5, "yard": 0}
    assert await archive.prune_detections(aged.__getitem__) == 1
    assert await archive.prune_detections(aged.__getitem__) == 0
    assert await _left(database) == [("door", NOON_US + 10), ("yard", NOON_US), ("yard", NOON_US + 10)]


async def test_many_go_some_at_a_time(database: Database) -> None:
    await _detect(database, NOON_US, count=detection_pruning.AT_ONCE + 5)
    archive = _archive(database)
    assert await archive.prune_detections(lambda _: NOON_US + 1) == detection_pruning.AT_ONCE
    assert await archive.prune_detections(lambda _: NOON_US + 1) == 5
    assert await archive.prune_detections(lambda _: NOON_US + 1) == 0
