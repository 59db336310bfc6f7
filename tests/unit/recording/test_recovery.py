"""After a crash: what was left open is finished, what is gone is said to be, and what is in no list is listed."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lightnvr.db.engine import Database
from lightnvr.media.mp4.boxes import box
from lightnvr.recording import store
from lightnvr.recording.disk import Disk, OsDisk
from lightnvr.recording.fragment_index import FragmentIndex
from lightnvr.recording.layout import DirectoryFormat, recording_path
from lightnvr.recording.model import CaptureMethod, Recording
from lightnvr.recording.recovery import Recovery
from lightnvr.recording.storage import Storage
from tests.rig.disks import Refusal, WatchedDisk
from tests.rig.fake_time import NOON_US
from tests.rig.film import Recipe
from tests.rig.interrupted import leave_open
from tests.rig.playing import numbers
from tests.rig.recordings_database import recordings_database
from tests.rig.segments import closed_file, of_an_earlier_version, open_file
from tests.rig.waiting import until

pytestmark = pytest.mark.anyio
_RECIPE = Recipe(seconds=2)
_WHOLE = open_file(_RECIPE)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with recordings_database(tmp_path / "lightnvr.db") as opened:
        yield opened


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    made = Storage(1, "main", tmp_path / "storage")
    made.adopt()
    return made


def _recovery(database: Database, storage: Storage, disk: Disk | None = None) -> Recovery:
    return Recovery(database, disk or OsDisk(), [storage], {"door": "Front door"}, retry_s=0.01)


async def _row(database: Database, recording_id: int) -> Recording | None:
    async with database.reading.connect() as connection:
        return await store.get(connection, recording_id)


async def _recover(recovery: Recovery) -> None:
    await recovery.run(await recovery.find())


async def test_what_was_left_open_is_finished_and_the_rows_say_what_is_there(
    database: Database, storage: Storage
) -> None:
    contents = [_WHOLE, _WHOLE[:-100], _WHOLE[:-1500], closed_file(_RECIPE)]
    ids = await leave_open(database, storage.root, contents, _WHOLE)
    recovery = _recovery(database, storage)
    interrupted = await recovery.find()
    assert recovery.remaining == 4
    await recovery.run(interrupted)
    assert (recovery.remaining, recovery.repaired) == (0, 4)
    for recording_id in ids:
        row = await _row(database, recording_id)
        assert row is not None
        path = storage.root / row.path
        pictures = len(numbers(path))
        assert row.complete
        assert row.damaged == ""
        assert row.size_bytes == path.stat().st_size
        assert row.end_us - row.start_us == pytest.approx(pictures / 15 * 1e6, abs=2)
        async with database.reading.connect() as connection:
            media = await store.media(connection, recording_id)
        assert media is not None
        assert len(FragmentIndex.unpack(media[1])) > 0
    assert await recovery.find() == []


async def test_a_file_that_is_gone_is_said_to_be_missing(database: Database, storage: Storage) -> None:
    (recording_id,) = await leave_open(database, storage.root, [None], _WHOLE)
    await _recover(_recovery(database, storage))
    row = await _row(database, recording_id)
    assert row is not None
    assert (row.complete, row.damaged) == (True, "The file is missing.")


async def test_a_file_whose_beginning_is_damaged_is_kept_and_said_to_be(database: Database, storage: Storage) -> None:
    content = b"x" * 100 + _WHOLE[100:]
    (recording_id,) = await leave_open(database, storage.root, [content], _WHOLE)
    await _recover(_recovery(database, storage))
    row = await _row(database, recording_id)
    assert row is not None
    assert row.complete
    assert row.damaged.startswith("The beginning of the file is damaged")
    assert (storage.root / row.path).read_bytes() == content


async def test_a_recording_without_footage_leaves_no_file_and_no_row(database: Database, storage: Storage) -> None:
    ids = await leave_open(database, storage.root, [b"", _WHOLE[:1300]], _WHOLE)
    await _recover(_recovery(database, storage))
    assert [await _row(database, recording_id) for recording_id in ids] == [None, None]
    assert list(storage.root.rglob("*.mp4")) == []


async def test_a_storage_that_is_not_mounted_is_waited_for(
    database: Database, storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    (recording_id,) = await leave_open(database, storage.root, [_WHOLE], _WHOLE)
    away = storage.root.with_name("away")
    storage.root.rename(away)
    recovery = _recovery(database, storage)
    with caplog.at_level(logging.ERROR):
        running = asyncio.create_task(_recover(recovery))
        await asyncio.to_thread(until, lambda: "cannot be mended yet" in caplog.text)
    row = await _row(database, recording_id)
    assert row is not None
    assert not row.complete
    away.rename(storage.root)
    await asyncio.wait_for(running, 60)
    row = await _row(database, recording_id)
    assert row is not None
    assert (row.complete, row.damaged) == (True, "")


async def test_a_full_disk_postpones_only_what_it_refuses(database: Database, storage: Storage) -> None:
    ids = await leave_open(database, storage.root, [_WHOLE[:-10], closed_file(_RECIPE)], _WHOLE)
    refusal = Refusal()
    refusal.active = True
    recovery = _recovery(database, storage, WatchedDisk(refusal))
    running = asyncio.create_task(_recover(recovery))
    await asyncio.to_thread(until, lambda: refusal.refusals >= 3)
    states = [await _row(database, recording_id) for recording_id in ids]
    assert [row is not None and row.complete for row in states] == [False, True]
    refusal.active = False
    await asyncio.wait_for(running, 60)
    assert recovery.repaired == 2


async def test_files_in_no_list_are_listed(database: Database, storage: Storage) -> None:
    starts = [NOON_US - 86_400_000_000, NOON_US - 3_600_000_000, NOON_US - 1_800_000_000]
    paths = [
        recording_path("door", start_us, method, directory_format)
        for start_us, method, directory_format in zip(
            starts,
            (CaptureMethod.CONTINUOUS, CaptureMethod.DETECTION, CaptureMethod.CONTINUOUS),
            DirectoryFormat,
            strict=True,
        )
    ]
    for path, content in zip(paths, (_WHOLE[:-50], _WHOLE, closed_file(_RECIPE)), strict=True):
        (storage.root / path).parent.mkdir(parents=True, exist_ok=True)
        (storage.root / path).write_bytes(of_an_earlier_version(content))
    foreign = storage.root / "mp4" / "door" / "holiday.mp4"
    damaged = storage.root / recording_path(
        "door", NOON_US - 5_000_000_000, CaptureMethod.CONTINUOUS, DirectoryFormat.FLAT
    )
    foreign.write_bytes(b"not ours")
    damaged.write_bytes(b"not ours")
    torn = damaged.with_stem(damaged.stem + "_1")
    # Its boxes are whole and one of them is empty, where a track should begin.
    torn.write_bytes(_WHOLE[: _WHOLE.index(b"moov") - 4] + box(b"moov", box(b"trak", box(b"tkhd"))))
    recovery = _recovery(database, storage)
    assert await recovery.adopt_unlisted(NOON_US) == 3
    assert await recovery.adopt_unlisted(NOON_US) == 0
    rows = [await _row(database, recording_id) for recording_id in (1, 2, 3)]
    assert {row.path: row.start_us for row in rows if row} == {str(p): s for p, s in zip(paths, starts, strict=True)}
    for row in rows:
        assert row is not None
        file = storage.root / row.path
        assert row.complete
        assert (row.stream_name, row.codec, row.width, row.height) == ("Front door", "h264", 160, 120)
        assert row.size_bytes == file.stat().st_size
        assert row.end_us - row.start_us == pytest.approx(len(numbers(file)) / 15 * 1e6, abs=2)
        detected = row.capture_method is CaptureMethod.DETECTION
        assert detected == Path(row.path).name.startswith("detection_")
    assert foreign.read_bytes() == damaged.read_bytes() == b"not ours"


async def test_what_this_run_records_is_not_taken_for_unlisted(database: Database, storage: Storage) -> None:
    for start_us in (NOON_US, NOON_US + 1_000_000, NOON_US - 500_000):
        path = storage.root / recording_path("door", start_us, CaptureMethod.CONTINUOUS, DirectoryFormat.FLAT)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_WHOLE)
    assert await _recovery(database, storage).adopt_unlisted(NOON_US) == 0
    assert all(path.read_bytes() == _WHOLE for path in storage.root.rglob("*.mp4"))
