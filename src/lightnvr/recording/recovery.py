"""After a crash: finishing the files that were being written, in the background."""

import asyncio
import logging
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lightnvr.db.engine import Database
from lightnvr.media.mp4.boxes import MalformedBox
from lightnvr.recording import store
from lightnvr.recording.disk import Disk
from lightnvr.recording.identity import read_end
from lightnvr.recording.layout import DirectoryFormat, recording_path, start_from_name
from lightnvr.recording.model import DAY_US, MISSING, CaptureMethod, Recording
from lightnvr.recording.open_recordings import OpenRecording
from lightnvr.recording.recognition import recognise
from lightnvr.recording.scan import NotOurRecording, scan_segment
from lightnvr.recording.storage import Storage

_BATCH = 20
_UNLISTED_DAYS = 2

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Repaired:
    """What became of one interrupted recording. `fragments` is the packed index, `damaged` what cannot be mended."""

    end_us: int
    size_bytes: int
    fragments: bytes
    empty: bool = False
    damaged: str = ""


class RepairPostponed(Exception):
    """The file cannot be mended now (the storage is missing or full), but perhaps later."""


def repair(disk: Disk, path: Path, start_us: int, trusted_bytes: int) -> Repaired:
    """Cut off the torn end of a file, make it an ordinary MP4 and return what it holds.

    A file without one whole fragment is removed. Raises RepairPostponed.
    """
    try:
        file = disk.open(path)
    except FileNotFoundError:
        return Repaired(start_us, 0, b"", damaged=MISSING)
    except OSError as error:
        raise RepairPostponed(str(error)) from error
    try:
        scanned = scan_segment(file, trusted_bytes)
        segment = scanned.segment
        if not len(segment.index):
            disk.remove(path)
            return Repaired(start_us, 0, b"", empty=True)
        end_us = start_us + segment.media_end_us
        if scanned.finalised:
            size = file.size()
            end_us = read_end(file, size, start_us, segment.media_end_us)
        else:
            size = segment.finalise(end_us)
        if scanned.lost_bytes:
            log.warning("%s: the last %d bytes were not whole and were cut off", path, scanned.lost_bytes)
        return Repaired(end_us, size, segment.index.pack())
    except (NotOurRecording, MalformedBox, struct.error, ArithmeticError, LookupError) as error:
        if not file.size():
            disk.remove(path)
            return Repaired(start_us, 0, b"", empty=True)
        return Repaired(start_us, file.size(), b"", damaged=f"The beginning of the file is damaged: {error}.")
    except OSError as error:
        raise RepairPostponed(str(error)) from error
    finally:
        file.close()


class Recovery:
    """Mends what an earlier run of the program left open. `run` is started once, before anything new is recorded."""

    def __init__(
        self,
        database: Database,
        disk: Disk,
        storages: Sequence[Storage],
        folders: Mapping[str, str],
        retry_s: float = 30.0,
    ) -> None:
        """`folders` gives the stream of each folder below `mp4/`, `storages` are all that recordings were made on."""
        self._database = database
        self._disk = disk
        self._storages = {storage.id: storage for storage in storages}
        self._folders = folders
        self._retry_s = retry_s
        self.remaining = 0
        self.repaired = 0

    async def find(self) -> list[tuple[Recording, int]]:
        """Return what has to be mended; to be called before recording starts, so that nothing new is among it."""
        async with self._database.reading.connect() as connection:
            interrupted = list(await store.interrupted(connection))
        self.remaining = len(interrupted)
        return interrupted

    async def run(self, interrupted: list[tuple[Recording, int]]) -> None:
        """Mend everything, trying again what the disk does not let us finish yet."""
        while interrupted:
            postponed: list[tuple[Recording, int]] = []
            for first in range(0, len(interrupted), _BATCH):
                postponed += await self._repair_batch(interrupted[first : first + _BATCH])
            interrupted = postponed
            if interrupted:
                await asyncio.sleep(self._retry_s)

    async def _repair_batch(self, batch: list[tuple[Recording, int]]) -> list[tuple[Recording, int]]:
        done: list[tuple[Recording, Repaired]] = []
        postponed: list[tuple[Recording, int]] = []
        for recording, trusted_bytes in batch:
            storage = self._storages[recording.storage_id]
            path = storage.root / recording.path
            try:
                await asyncio.to_thread(storage.check)
                result = await asyncio.to_thread(repair, self._disk, path, recording.start_us, trusted_bytes)
            except (RepairPostponed, OSError) as error:
                log.error("%s cannot be mended yet: %s", path, error)
                postponed.append((recording, trusted_bytes))
                continue
            except Exception:
                # One file that is like no other must not keep the rest from being mended.
                log.exception("%s cannot be mended", path)
                result = Repaired(
                    recording.end_us, recording.size_bytes, b"", damaged="The file cannot be finished; see the log."
                )
            done.append((recording, result))
        async with self._database.writing.begin() as connection:
            for recording, result in done:
                if result.empty:
                    await store.remove(connection, recording)
                    continue
                await store.complete(
                    connection,
                    recording.id,
                    end_us=result.end_us,
                    size_bytes=result.size_bytes,
                    damaged=result.damaged,
                )
                await store.store_media(
                    connection, recording.id, fragments=result.fragments, synced_bytes=result.size_bytes
                )
        self.remaining -= len(done)
        self.repaired += len(done)
        return postponed

    async def adopt_unlisted(self, now_us: int) -> int:
        """Store the files of the last days that have no row, because the power went before the database was written.

        Only files that began before `now_us`, the start of this run, are looked at. Returns how many there were.
        """
        return sum([await self._adopt(storage, now_us) for storage in self._storages.values()])

    async def _adopt(self, storage: Storage, now_us: int) -> int:
        since_us = now_us - _UNLISTED_DAYS * DAY_US
        async with self._database.reading.connect() as connection:
            known = await store.paths_since(connection, storage.id, since_us - DAY_US)
        found = await asyncio.to_thread(self._unlisted, storage, known, since_us, now_us)
        adopted = 0
        for opened in found:
            async with self._database.writing.begin() as connection:
                recording_id = await store.insert_open(connection, opened)
                row = await store.get(connection, recording_id)
            if row is not None:
                await self._repair_batch([(row, 0)])
                adopted += 1
        return adopted

    def _unlisted(
        self, storage: Storage, known: set[PurePosixPath], since_us: int, before_us: int
    ) -> list[OpenRecording]:
        found: list[OpenRecording] = []
        for folder, stream_name in self._folders.items():
            for path in _recent_files(storage, folder, since_us, before_us):
                start_us = start_from_name(path.name)
                relative = PurePosixPath(path.relative_to(storage.root))
                if start_us is None or not since_us <= start_us < before_us - 1_000_000 or relative in known:
                    continue
                opened = self._look(storage, relative, stream_name)
                if opened is not None:
                    found.append(opened)
        return found

    def _look(self, storage: Storage, relative: PurePosixPath, stream_name: str) -> OpenRecording | None:
        path = storage.root / relative
        try:
            file = self._disk.open(path)
        except OSError as error:
            log.error("%s cannot be read: %s", path, error)
            return None
        try:
            return recognise(file, storage, relative, stream_name).opened
        except (NotOurRecording, MalformedBox, struct.error, ArithmeticError, LookupError, OSError) as error:
            log.warning("%s is in no list and cannot be used: %s", path, error)
            return None
        finally:
            file.close()


def _recent_files(storage: Storage, folder: str, since_us: int, before_us: int) -> list[Path]:
    directories: dict[Path, None] = {}
    for day_us in range(since_us, before_us + DAY_US, DAY_US):
        for directory_format in DirectoryFormat:
            relative = recording_path(folder, day_us, CaptureMethod.CONTINUOUS, directory_format).parent
            directories[storage.root / relative] = None
    return [path for directory in directories for path in sorted(directory.glob("*.mp4"))]
