"""The power goes at any moment: what was synced is there, every file plays, every row is true."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path, PurePosixPath

import pytest

from lightnvr.db.engine import Database
from lightnvr.recording import store
from lightnvr.recording.disk import OsDisk
from lightnvr.recording.fragment_index import FragmentIndex
from lightnvr.recording.journal import Journal
from lightnvr.recording.model import Recording, RecordingFilter, RecordingSort
from lightnvr.recording.open_recordings import OpenRecording
from lightnvr.recording.recovery import Recovery
from lightnvr.recording.scan import scan_segment
from lightnvr.recording.storage import Storage
from lightnvr.recording.syncer import Syncer
from tests.rig.fake_time import NOON_US
from tests.rig.film import Recipe, film
from tests.rig.playing import numbers
from tests.rig.power_cut import PowerCutDisk
from tests.rig.recordings_database import copy_open_database, recordings_database
from tests.rig.studio import LedRecorder, Studio
from tests.rig.waiting import until

pytestmark = pytest.mark.anyio
_CUTS = 8
_FPS = 15


@dataclass(slots=True)
class _Promise:
    """How many pictures of each file must be there after the power went now."""

    pictures: dict[str, int] = field(default_factory=dict)

    def sync(self, syncer: Syncer, recordings: Sequence[OpenRecording]) -> None:
        """Let the syncer do its turn; what it says to have synced is promised."""
        written = {r: (r.segment.length, len(r.segment.table.tracks[1])) for r in recordings}
        syncer.sync_all()
        for recording, (length, pictures) in written.items():
            if recording.synced_bytes >= length:
                self.pictures[str(recording.facts.path)] = pictures

    def finalised(self, recordings: Sequence[OpenRecording]) -> None:
        """What was finished is promised whole."""
        for recording in recordings:
            if recording.finalised and not recording.empty:
                self.pictures[str(recording.facts.path)] = len(recording.segment.table.tracks[1])


def _has_power(disk: PowerCutDisk) -> bool:
    return not disk.failed


async def _record(studio: Studio, disk: PowerCutDisk, database: Database, chance: random.Random) -> _Promise:
    """Record, sync and store at random moments until the power goes or the film ends."""
    shown = film(Recipe(seconds=10, audio=chance.random() < 0.5, b_frames=0))
    promise = _Promise()
    journal = Journal(database, studio.open_recordings)
    syncer = Syncer(disk, studio.open_recordings, 2.0)
    led: LedRecorder = studio.led(segment_s=chance.choice((1, 2, 3)))
    known: dict[str, OpenRecording] = {}
    items = shown.items
    while items and _has_power(disk):
        step = chance.randint(1, 12)
        led.feed(items[:step])
        items = items[step:]
        until(lambda: disk.failed or all(r.finalised for r in studio.open_recordings if r.closing))
        known |= {str(r.facts.path): r for r in studio.open_recordings}
        promise.finalised(list(known.values()))
        if _has_power(disk) and chance.random() < 0.2:
            promise.sync(syncer, [r for r in studio.open_recordings if not r.closing])
        if _has_power(disk) and chance.random() < 0.3:
            assert await journal.store()
    return promise


async def _restart(database: Database, root: Path) -> list[Recording]:
    """Start again on what is left, and return the list of recordings."""
    storage = Storage(1, "main", root)
    storage.adopt()
    recovery = Recovery(database, OsDisk(), [storage], {"door": "door"})
    interrupted = await recovery.find()
    await recovery.adopt_unlisted(NOON_US + 60_000_000)
    await recovery.run(interrupted)
    async with database.reading.connect() as connection:
        everything = RecordingFilter(sort=RecordingSort.START_TIME, descending=False)
        page = await store.page(connection, everything, 0, 1000)
        assert page.total == len(page.recordings)
        for row in page.recordings:
            await _assert_index_is_true(row, root, await store.media(connection, row.id))
    return list(page.recordings)


async def _assert_index_is_true(row: Recording, root: Path, media: tuple[bytes, bytes] | None) -> None:
    assert media is not None
    if row.damaged:
        assert media[1] == b""
        return
    file = OsDisk().open(root / row.path)
    scanned = scan_segment(file)
    file.close()
    assert scanned.finalised
    assert media[0] == scanned.segment.init.content
    assert list(FragmentIndex.unpack(media[1])) == list(scanned.segment.index)
    assert row.end_us <= row.start_us + scanned.segment.media_end_us
    assert row.start_us + scanned.segment.media_end_us - row.end_us < 250_000


def _assert_truth(rows: list[Recording], root: Path, promised: dict[str, int], begins_us: int) -> None:
    pictures: dict[str, int] = {}
    for row in rows:
        path = root / row.path
        assert row.complete
        if row.damaged:
            assert not promised.get(row.path), f"{row.path}: {row.damaged}"
            assert ("missing" in row.damaged) == (not path.exists())
            continue
        assert row.size_bytes == path.stat().st_size
        shown = numbers(path)
        pictures[row.path] = len(shown)
        assert shown[0] is not None
        assert shown == list(range(shown[0], shown[0] + len(shown)))
        # A file that was in no list tells its beginning by its name, to the second.
        assert 0 <= begins_us + shown[0] * 1_000_000 / _FPS - row.start_us < 1_000_100
        assert row.end_us - row.start_us == pytest.approx(len(shown) / _FPS * 1e6, abs=150_000)
    for name, promise in promised.items():
        assert pictures.get(name, 0) >= promise, name
    assert [row.start_us for row in rows] == sorted(row.start_us for row in rows)
    listed = {row.path for row in rows}
    for path in (root / "mp4").rglob("*.mp4"):
        name = str(PurePosixPath(path.relative_to(root)))
        assert name in listed or not promised.get(name)


@pytest.mark.parametrize("seed", range(30))
async def test_a_power_cut_loses_at_most_what_was_not_synced(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    root = tmp_path / "storage"
    disk = PowerCutDisk(root, fails_at=chance.randint(3, 90))
    async with recordings_database(tmp_path / "lightnvr.db") as database:
        with Studio(root, disk) as studio:
            promise = await _record(studio, disk, database, chance)
            begins_us = studio.recordings[0].facts.start_us if studio.recordings else 0
            async with database.reading.connect() as connection:
                rows = (await store.page(connection, RecordingFilter(descending=False), 0, 1)).recordings
            begins_us = rows[0].start_us if rows else begins_us
            for number in range(_CUTS):
                left = disk.cut(chance)
                again = tmp_path / f"after{number}"
                for path, content in left.items():
                    place = again / path.relative_to(root)
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(content)
                again.mkdir(exist_ok=True)
                copy_open_database(tmp_path / "lightnvr.db", tmp_path / f"after{number}.db")
                async with recordings_database(tmp_path / f"after{number}.db") as copied:
                    found = await _restart(copied, again)
                _assert_truth(found, again, promise.pictures, begins_us)
                assert all(a.end_us <= b.start_us + 1_000_000 for a, b in pairwise(found))
