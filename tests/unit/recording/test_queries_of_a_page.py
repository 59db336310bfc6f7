"""A page of a list takes as many queries as a page with one recording."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import event

from lightnvr.db.engine import Database
from lightnvr.recording.detection import Box, Detection
from lightnvr.recording.disk import OsDisk
from lightnvr.recording.library import RecordingLibrary
from lightnvr.recording.marks import StoredMarks
from lightnvr.recording.model import RecordingFilter, RecordingSort
from lightnvr.recording.open_recordings import OpenRecordings
from lightnvr.recording.removal import Removal
from tests.rig.fake_time import NOON_US
from tests.rig.finished import APART_US, keep
from tests.rig.recordings_database import recordings_database

pytestmark = pytest.mark.anyio

_LISTS = [
    *(RecordingFilter(sort=sort) for sort in RecordingSort),
    *(RecordingFilter(sort=sort, tags=("a",)) for sort in RecordingSort),
    RecordingFilter(labels=("pers",), detected=True),
    RecordingFilter(protected=False, streams=("door",), start_us=NOON_US - 1, end_us=NOON_US + 10 * APART_US * 10),
]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with recordings_database(tmp_path / "lightnvr.db") as opened:
        ids = await keep(opened, tmp_path, 60)
        marks = StoredMarks(opened)
        await marks.change_tags(ids, ["a", "b"], [])
        await marks.add_detections(
            [
                Detection("door", NOON_US + number * APART_US, NOON_US + number * APART_US, "person", 1.0, _BOX)
                for number in range(60)
            ]
        )
        yield opened


_BOX = Box(0, 0, 1, 1)


@pytest.mark.parametrize("wanted", _LISTS)
async def test_more_recordings_take_no_more_queries(database: Database, wanted: RecordingFilter) -> None:
    opened = OpenRecordings()
    library = RecordingLibrary(database, opened, Removal(database, OsDisk(), opened, lambda: 0))
    marks = StoredMarks(database)
    queries: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        queries.append(statement)

    event.listen(database.reading.sync_engine, "before_cursor_execute", note)
    counts: list[int] = []
    for limit in (1, 1, 50):
        queries.clear()
        page = await library.page(wanted, offset=0, limit=limit)
        assert len(page.recordings) == limit
        found = await marks.of([recording.id for recording in page.recordings])
        assert all(found[recording.id].tags == ("a", "b") for recording in page.recordings)
        counts.append(len(queries))
    _, one, fifty = counts
    assert fifty == one <= 8
