"""A thousand recordings that a crash left open do not hold up anything."""

import asyncio
from pathlib import Path

import pytest

from lightnvr.recording import store
from lightnvr.recording.disk import OsDisk, OsFile
from lightnvr.recording.journal import Journal
from lightnvr.recording.model import RecordingFilter
from lightnvr.recording.open_recordings import OpenRecordings
from lightnvr.recording.recovery import Recovery
from lightnvr.recording.segment import Segment
from lightnvr.recording.storage import Storage
from tests.rig.disks import MemoryDisk
from tests.rig.film import Recipe, film
from tests.rig.interrupted import leave_open
from tests.rig.playing import numbers
from tests.rig.recordings_database import recordings_database
from tests.rig.segments import facts, open_file

pytestmark = pytest.mark.anyio


class _QuickFile(OsFile):
    def sync(self) -> None:
        """The machine of the tests keeps its power."""


class _QuickDisk(OsDisk):
    def open(self, path: Path) -> OsFile:
        file = super().open(path)
        file.__class__ = _QuickFile
        return file


async def test_a_thousand_are_mended_while_new_recordings_are_stored_and_listed(tmp_path: Path) -> None:
    whole = open_file(Recipe(seconds=2))
    storage = Storage(1, "main", tmp_path / "storage")
    storage.adopt()
    async with recordings_database(tmp_path / "lightnvr.db") as database:
        contents = [whole[: len(whole) - number] for number in range(1000)]
        ids = await leave_open(database, storage.root, contents, whole)
        recovery = Recovery(database, _QuickDisk(), [storage], {})
        interrupted = await recovery.find()
        assert recovery.remaining == 1000
        running = asyncio.create_task(recovery.run(interrupted))
        shown, opened = film(Recipe(seconds=2)), OpenRecordings()
        journal, stored = Journal(database, opened), 0
        while not running.done():
            about = facts(tmp_path, f"mp4/new/{stored}.mp4")
            opened.add(Segment(MemoryDisk(), about, shown.tracks, shown.packets[0], 500_000).recording)
            assert await journal.store()
            stored += 1
            async with database.reading.connect() as connection:
                page = await store.page(connection, RecordingFilter(), 0, 10)
            assert len(page.recordings) == 10
            await asyncio.sleep(0)
        await running
        assert stored > 10
        assert (recovery.remaining, recovery.repaired) == (0, 1000)
        async with database.reading.connect() as connection:
            rows = [await store.get(connection, recording_id) for recording_id in ids]
        for number, row in enumerate(rows):
            assert row is not None
            assert (row.complete, row.damaged) == (True, "")
            if number % 50 == 0:
                assert row.size_bytes == (storage.root / row.path).stat().st_size
                assert len(numbers(storage.root / row.path)) >= 15
