"""Deleting takes a file and its row together, whatever happens, and never what should stay."""

import asyncio
import errno
import random
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.exc import OperationalError

from lightnvr.db.engine import Database
from lightnvr.db.tables import recording_days, recording_deletions, recording_ranks, recordings, storages
from lightnvr.recording import ranks, store
from lightnvr.recording.archive import StoredArchive
from lightnvr.recording.care import StoredCare
from lightnvr.recording.disk import Disk, OsDisk
from lightnvr.recording.library import RecordingLibrary
from lightnvr.recording.model import RecordingFilter, RecordingNotFound, RecordingProtected, RecordingUndeletable
from lightnvr.recording.open_recordings import OpenRecording, OpenRecordings
from lightnvr.recording.removal import AT_ONCE, Removal
from lightnvr.recording.storage import Storage
from tests.rig.disks import MemoryDisk, MemoryFile, WatchedDisk
from tests.rig.fake_time import NOON_US
from tests.rig.film import Recipe
from tests.rig.finished import APART_US, SIZE, keep, media_files, rows_and_files_agree
from tests.rig.power_cut import PowerCutDisk, PowerFailed
from tests.rig.recordings_database import recordings_database
from tests.rig.segments import facts, write

pytestmark = pytest.mark.anyio
_LATER_US = NOON_US + 90 * 86_400_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    Storage(1, "main", tmp_path / "storage").adopt()
    return tmp_path / "storage"


@pytest.fixture
async def database(tmp_path: Path, root: Path) -> AsyncIterator[Database]:
    async with recordings_database(tmp_path / "lightnvr.db") as opened:
        async with opened.writing.begin() as connection:
            await connection.execute(update(storages).values(root=str(root)))
        yield opened


def _removal(database: Database, disk: Disk | None = None, opened: OpenRecordings | None = None) -> Removal:
    return Removal(database, disk or OsDisk(), opened or OpenRecordings(), lambda: _LATER_US)


def _marker(root: Path) -> Path:
    return next(path for path in root.iterdir() if path.is_file())


def _move(source: Path, target: Path) -> None:
    target.rmdir()
    source.rename(target)


def _folders(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_dir()}


async def _ids(database: Database) -> list[int]:
    async with database.reading.connect() as connection:
        return list((await connection.execute(select(recordings.c.id).order_by(recordings.c.id))).scalars())


async def _ids_with_files(database: Database, root: Path, disk: MemoryDisk) -> set[int]:
    async with database.reading.connect() as connection:
        rows = (await connection.execute(select(recordings.c.id, recordings.c.path))).all()
    return {recording_id for recording_id, path in rows if root / path in disk.files}


async def _intended(database: Database) -> list[int]:
    async with database.reading.connect() as connection:
        return list((await connection.execute(select(recording_deletions.c.recording_id))).scalars())


async def test_file_row_and_all_counts_go_together(database: Database, root: Path) -> None:
    ids = await keep(database, root, 5)
    removal = _removal(database)
    removed = await removal.remove(ids[:3])
    assert [each.id for each in removed.recordings] == ids[:3]
    assert (removed.freed, removal.removed_bytes, removed.failed) == ({1: 3 * SIZE}, 3 * SIZE, {})
    assert await _ids(database) == ids[3:]
    assert await _intended(database) == []
    assert await rows_and_files_agree(database, root)
    async with database.writing.begin() as connection:
        assert (await store.page(connection, RecordingFilter(), 0, 10)).total == 2
        days = (await connection.execute(select(recording_days))).all()
        assert [tuple(day)[1:] for day in days] == [("door", 2, 2 * SIZE, 2 * APART_US)]
        kept = sorted(map(tuple, await connection.execute(select(recording_ranks))))
        await connection.execute(recording_ranks.delete())
        for statement in ranks.COUNT_ALL_SQL:
            await connection.exec_driver_sql(statement)
        assert kept == sorted(map(tuple, await connection.execute(select(recording_ranks))))


async def test_what_is_protected_or_open_stays(database: Database, root: Path) -> None:
    (protected,) = await keep(database, root, 1, protected=True)
    (unfinished,) = await keep(database, root, 1, stream="yard", complete=False)
    removal = _removal(database)
    assert (await removal.remove([protected, unfinished, 999])).recordings == ()
    assert await _ids(database) == [protected, unfinished]
    assert [each.id for each in (await removal.remove([protected, unfinished], force=True)).recordings] == [protected]
    assert await rows_and_files_agree(database, root)


async def test_what_is_protected_while_others_are_deleted_stays(database: Database, root: Path) -> None:
    ids = await keep(database, root, 20)
    removal, care = _removal(database), StoredCare(database)
    outcomes = await asyncio.gather(
        removal.remove(ids), *(care.protect(recording_id, True) for recording_id in ids), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes[1:] if isinstance(outcome, RecordingNotFound)]
    left = await _ids(database)
    assert len(left) + len(refused) == len(ids)
    async with database.reading.connect() as connection:
        rows = [await store.get(connection, recording_id) for recording_id in left]
    assert all(row is not None and row.protected for row in rows)
    assert await rows_and_files_agree(database, root)


async def test_nothing_is_deleted_from_a_storage_that_is_not_there(database: Database, root: Path) -> None:
    ids = await keep(database, root, 3)
    marker = _marker(root)
    marker.rename(root / "unplugged")
    removal = _removal(database)
    removed = await removal.remove(ids)
    assert removed.recordings == ()
    assert set(removed.failed) == set(ids)
    assert "mount its disk" in removed.failed[ids[0]]
    assert await _ids(database) == ids
    assert await _intended(database) == []
    with pytest.raises(RecordingUndeletable, match="mount its disk"):
        await RecordingLibrary(database, OpenRecordings(), removal).delete(ids[0], force=True)
    (root / "unplugged").rename(marker)
    assert await rows_and_files_agree(database, root)


async def test_a_disk_that_is_unplugged_meanwhile_keeps_rows_until_it_is_back(
    database: Database, root: Path, tmp_path: Path
) -> None:
    ids = await keep(database, root, 4)
    away = tmp_path / "away"

    removals: list[Path] = []

    def unplug(what: str, path: Path) -> None:
        if what == "remove":
            removals.append(path)
            if len(removals) == 3:
                root.rename(away)
                root.mkdir()

    removal = _removal(database, WatchedDisk(unplug))
    assert (await removal.remove(ids)).recordings == ()
    assert await _ids(database) == ids
    assert (await removal.finish()).recordings == ()
    assert await _ids(database) == ids
    _move(away, root)
    assert len((await removal.finish()).recordings) == 4
    assert await _ids(database) == []
    assert await rows_and_files_agree(database, root)


async def test_a_file_that_cannot_be_removed_keeps_its_row(database: Database, root: Path) -> None:
    ids = await keep(database, root, 3)

    def refuse(what: str, path: Path) -> None:
        if what == "remove" and "120000" not in path.name:
            raise OSError(errno.EROFS, "Read-only file system")

    removal = _removal(database, WatchedDisk(refuse))
    removed = await removal.remove(ids)
    assert [each.id for each in removed.recordings] == ids[:1]
    assert removed.failed == dict.fromkeys(ids[1:], "Read-only file system")
    assert await _ids(database) == ids[1:]
    assert await _intended(database) == []
    assert await rows_and_files_agree(database, root)
    with pytest.raises(RecordingUndeletable, match="Read-only"):
        await RecordingLibrary(database, OpenRecordings(), removal).delete(ids[1], force=False)
    assert (await StoredCare(database).protect(ids[1], None)).protected


async def test_a_row_without_its_file_goes_and_frees_nothing(database: Database, root: Path) -> None:
    ids = await keep(database, root, 2)
    media_files(root)[0].unlink()
    removed = await _removal(database).remove(ids)
    assert len(removed.recordings) == 2
    assert removed.freed == {1: SIZE}


async def test_a_path_that_leads_out_of_the_storage_is_not_followed(database: Database, root: Path) -> None:
    outside = root.parent / "outside.mp4"
    outside.write_bytes(b"not ours")
    ids = await keep(database, root, 1, path="../outside.mp4")
    removed = await _removal(database).remove(ids)
    assert removed.recordings == ()
    assert list(removed.failed) == ids
    assert outside.exists()


async def test_folders_of_past_days_go_when_they_are_empty_and_no_others(database: Database, root: Path) -> None:
    ids = await keep(database, root, 2, start_us=_LATER_US - 30 * 86_400_000_000)
    ids += await keep(database, root, 1, start_us=_LATER_US)
    (root / "mp4/door/notes").mkdir()
    removal = _removal(database)
    await removal.remove(ids[:1])
    days = {path.relative_to(root / "mp4/door") for path in (root / "mp4/door").glob("*/*/*")}
    assert days == {Path("2025/05/29"), Path("2025/06/28")}
    await removal.remove(ids[1:])
    left = _folders(root)
    assert left == {"mp4", "mp4/door", "mp4/door/notes", "mp4/door/2025", "mp4/door/2025/06", "mp4/door/2025/06/28"}


async def test_recording_into_a_folder_that_is_just_deleted_never_fails(tmp_path: Path) -> None:
    disk, folder = OsDisk(), tmp_path / "2025/03/30"
    ends = threading.Event()

    def remove_for_ever() -> None:
        while not ends.wait(0.002):
            for path in (folder, folder.parent, folder.parent.parent):
                disk.remove_folder(path)

    removing = asyncio.create_task(asyncio.to_thread(remove_for_ever))
    try:
        for number in range(300):
            path = folder / f"{number}.mp4"
            (await asyncio.to_thread(disk.create, path)).close()
            assert disk.remove(path)
    finally:
        ends.set()
        await removing


async def test_a_new_file_of_the_same_name_is_not_taken_for_the_old_one(database: Database, root: Path) -> None:
    ids = await keep(database, root, 1)
    async with database.writing.begin() as connection:
        await connection.execute(recording_deletions.insert().values(recording_id=ids[0]))
        row = await store.get(connection, ids[0])
    assert row is not None
    opened = OpenRecordings()
    segment = write(Recipe(seconds=1)).segment.recording.segment
    opened.add(OpenRecording(replace(facts(root), path=PurePosixPath(row.path)), segment))
    assert (await _removal(database, opened=opened).finish()).recordings == ()
    assert (root / row.path).exists()


async def test_a_database_that_refuses_is_caught_up_with(database: Database, root: Path) -> None:
    ids = await keep(database, root, 3)
    removal = _removal(database)
    refusing = True

    def refuse(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if refusing and statement.startswith("DELETE FROM recordings"):
            raise OperationalError(statement, {}, Exception("disk I/O error"))

    event.listen(database.writing.sync_engine, "before_cursor_execute", refuse)
    with pytest.raises(OperationalError):
        await removal.remove(ids)
    assert await _ids(database) == ids
    assert media_files(root) == []
    with pytest.raises(RecordingNotFound):
        await StoredCare(database).protect(ids[0], True)
    refusing = False
    assert len((await removal.finish()).recordings) == 3
    assert await _ids(database) == []


async def test_a_power_cut_at_any_moment_leaves_no_row_without_file_and_no_file_without_row(
    database: Database, root: Path
) -> None:
    chance, counting = random.Random(3), PowerCutDisk(root)
    await keep(database, root, 6, disk=counting)
    await _removal(database, counting).remove(await _ids(database))
    whole, after = counting.operations, MemoryDisk()
    for fails_at in range(whole - 12, whole + 2):
        disk = PowerCutDisk(root, fails_at)
        try:
            ids = await keep(database, root, 6, disk=disk)
        except PowerFailed:
            continue
        await _removal(database, disk).remove(ids)
        assert disk.failed or not await _ids(database)
        for _ in range(5):
            after = MemoryDisk({path: MemoryFile(content) for path, content in disk.cut(chance).items()})
            left = await _ids_with_files(database, root, after)
            assert set(await _ids(database)) - left <= set(await _intended(database))
        await _removal(database, after).finish()
        assert await rows_and_files_agree(database, root, list(after.files))
        await _removal(database, after).remove(await _ids(database))
        assert await _ids(database) == []
        assert after.files == {}


async def test_it_takes_only_so_many_at_once(database: Database) -> None:
    with pytest.raises(ValueError, match="too many"):
        await _removal(database).remove(range(AT_ONCE + 1))


async def test_the_library_deletes_through_it(database: Database, root: Path) -> None:
    ids = await keep(database, root, 2, protected=True)
    library = RecordingLibrary(database, OpenRecordings(), _removal(database))
    with pytest.raises(RecordingProtected):
        await library.delete(ids[0], force=False)
    await library.delete(ids[0], force=True)
    with pytest.raises(RecordingNotFound):
        await library.delete(ids[0], force=True)
    assert await _ids(database) == ids[1:]


async def test_protection_and_ages_are_stored_and_listed(database: Database, root: Path) -> None:
    ids = await keep(database, root, 3) + await keep(database, root, 1, stream="yard")
    care = StoredCare(database)
    assert (await care.protect(ids[0], None)).protected
    assert not (await care.protect(ids[0], None)).protected
    assert await care.protect_all([ids[0], ids[3], 999, ids[0]], True) == {ids[0], ids[3]}
    page = await care.protected_page(None, offset=0, limit=1)
    assert (page.total, [each.id for each in page.recordings]) == (2, [ids[3]])
    page = await care.protected_page("door", offset=0, limit=5)
    assert (page.total, [each.id for each in page.recordings]) == (1, [ids[0]])
    assert (await care.keep_for(ids[1], 0)).override_days == 0
    assert (await care.keep_for(ids[1], None)).override_days is None
    with pytest.raises(RecordingNotFound):
        await care.keep_for(999, 1)
    archive = StoredArchive(database, _removal(database))
    assert await archive.used_bytes() == {"door": 3 * SIZE, "yard": SIZE}
    (volume,) = await archive.volumes()
    assert (volume.root, volume.error) == (root, "")
    assert 0 < volume.free_bytes <= volume.total_bytes
    assert await archive.finish_removals() == 0
