"""Compares what is listed with what is on the disks, both ways, in the background. Deletes nothing."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from lightnvr.db.engine import Database
from lightnvr.recording import sync_rows, taking_in
from lightnvr.recording.disk import Disk
from lightnvr.recording.kept_list import KeptFor, KeptList
from lightnvr.recording.model import MISSING, Recording
from lightnvr.recording.open_recordings import OpenRecordings
from lightnvr.recording.service import SyncProgress
from lightnvr.recording.storage import Storage
from lightnvr.recording.sync_rows import Indexed
from lightnvr.recording.taking_in import BeingWritten, NotUsable, RunTimes

_ROWS_AT_ONCE = 500
_FILES_AT_ONCE = 500
_STORED_AT_ONCE = 20
_SAME_US = 1_000_000
"""A file that does not say when it began is known by the second in its name."""

_AS_USUAL = KeptFor(protected=False, override_days=None)
_T = TypeVar("_T")

log = logging.getLogger(__name__)


class Sync:
    """Implements `RecordingSync`. Belongs to the event loop; `stop` ends it.

    Recordings that are being written are left alone, and so is everything on a storage that is not there.
    """

    def __init__(
        self,
        database: Database,
        disk: Disk,
        open_recordings: OpenRecordings,
        storages: Callable[[], Sequence[Storage]],
        kept: KeptList,
        folders: Mapping[str, str],
        settled: Callable[[], Awaitable[object]],
        system_us: Callable[[], int],
    ) -> None:
        """`folders` gives the stream of each folder, for files that do not say whose they are.

        `settled` returns when what the last run left behind has been taken up. `system_us` gives microseconds since
        1970 UTC.
        """
        self._database = database
        self._disk = disk
        self._open = open_recordings
        self._storages = storages
        self._kept = kept
        self._folders = folders
        self._settled = settled
        self._system_us = system_us
        self._process_us = system_us()
        self._task: asyncio.Task[None] | None = None
        self._progress = SyncProgress()

    @property
    def progress(self) -> SyncProgress:
        """See RecordingSync."""
        return self._progress

    def start(self) -> None:
        """See RecordingSync."""
        if self._task is None or self._task.done():
            self._progress = SyncProgress(running=True, started_us=self._system_us())
            self._task = asyncio.create_task(self._run(), name="sync")

    async def wait(self, timeout_s: float) -> SyncProgress:
        """See RecordingSync."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=timeout_s)
        return self._progress

    async def stop(self) -> None:
        """End it; what was done stays."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        error = ""
        try:
            await self._settled()
            for storage in self._storages():
                await self._compare(storage)
        except Exception as failure:
            # Whoever asked is to be told; recording goes on.
            log.exception("comparing the recordings with the disk failed")
            error = f"It ended early: {type(failure).__name__}. The log says more."
        finally:
            self._note(running=False, finished_us=self._system_us(), error=error)
        done = self._progress
        log.info(
            "%d recordings and %d files were compared: %d added, %d put right, %d missing, %d found again",
            *(done.rows, done.files, done.added, done.updated, done.missing, done.returned),
        )

    async def _compare(self, storage: Storage) -> None:
        try:
            await asyncio.to_thread(storage.check)
            await self._look_at_rows(storage)
            await self._look_at_files(storage)
        except OSError as error:
            log.warning("%s is left alone: %s", storage.root, error)
            self._note(unavailable=(*self._progress.unavailable, storage.name))

    async def _look_at_rows(self, storage: Storage) -> None:
        last = ""
        while True:
            async with self._database.reading.connect() as connection:
                rows = await sync_rows.finished_after(connection, storage.id, last, _ROWS_AT_ONCE)
            if not rows:
                return
            last = rows[-1].path
            of_path = {PurePosixPath(row.path): row for row in rows if _is_inside(row.path)}
            sizes = await asyncio.to_thread(taking_in.sizes, storage, list(of_path))
            self._count(rows=len(rows), uncertain=len(rows) - len(sizes))
            gone = [of_path[path] for path, size in sizes.items() if size is None and of_path[path].damaged != MISSING]
            await self._mark_missing(storage, gone)
            for path, size in sizes.items():
                row = of_path[path]
                is_other = size is not None and (row.damaged == MISSING or (size != row.size_bytes and not row.damaged))
                if is_other and self._open.find(storage.id, path) is None:
                    await self._put_right(storage, row)

    async def _mark_missing(self, storage: Storage, gone: Sequence[Recording]) -> None:
        for some in _batches(gone, _STORED_AT_ONCE):
            async with self._database.writing.begin() as connection:
                for row in some:
                    if self._open.find(storage.id, PurePosixPath(row.path)) is None:
                        log.warning("the file of recording %d, %s, is missing", row.id, storage.root / row.path)
                        await sync_rows.mark_missing(connection, row)
                        self._count(missing=1)

    async def _put_right(self, storage: Storage, row: Recording) -> None:
        found = await self._take_in(storage, PurePosixPath(row.path), row.stream_name, is_finished=True)
        if found is None:
            return
        if abs(found.recording.facts.start_us - row.start_us) >= _SAME_US:
            log.warning("%s is not the file of recording %d any more", storage.root / row.path, row.id)
            self._count(skipped=1)
            return
        async with self._database.writing.begin() as connection:
            await sync_rows.put_right(connection, row.id, found, row.start_us)
        self._count(returned=row.damaged == MISSING, updated=row.damaged != MISSING)

    async def _look_at_files(self, storage: Storage) -> None:
        walk = taking_in.files(storage)
        while some := await asyncio.to_thread(_some, walk):
            # First who writes, then who is listed: what is closed meanwhile is listed before it leaves the former.
            unwritten = [path for path in some if self._open.find(storage.id, path) is None]
            async with self._database.reading.connect() as connection:
                listed = await sync_rows.known(connection, storage.id, unwritten)
            self._count(files=len(some))
            for batch in _batches([path for path in unwritten if path not in listed], _STORED_AT_ONCE):
                await self._add(storage, batch)

    async def _add(self, storage: Storage, paths: Sequence[PurePosixPath]) -> None:
        found: list[Indexed] = []
        for path in paths:
            folder = path.parts[1] if len(path.parts) > 2 else path.parent.name
            indexed = await self._take_in(storage, path, self._folders.get(folder, folder))
            if indexed is not None:
                found.append(indexed)
        kept_for = [await self._kept.of(storage, each.recording.facts.path) or _AS_USUAL for each in found]
        added = 0
        try:
            async with self._database.writing.begin() as connection:
                for indexed, kept in zip(found, kept_for, strict=True):
                    added += await sync_rows.add(
                        connection, indexed, protected=kept.protected, override_days=kept.override_days
                    )
        except SQLAlchemyError:
            log.exception("%d recordings could not be stored", len(found))
            self._count(failed=len(found))
            return
        self._count(added=added)

    async def _take_in(
        self, storage: Storage, path: PurePosixPath, stream_name: str, *, is_finished: bool = False
    ) -> Indexed | None:
        times = None if is_finished else RunTimes(self._process_us, self._progress.started_us)
        try:
            return await asyncio.to_thread(taking_in.take_in, self._disk, storage, path, stream_name, times)
        except (BeingWritten, FileNotFoundError):
            return None
        except NotUsable as error:
            log.warning("%s is left as it is: %s", storage.root / path, error)
            self._count(skipped=1)
        except OSError as error:
            log.error("%s cannot be read: %s", storage.root / path, error.strerror or error)
            self._count(failed=1)
            await asyncio.to_thread(storage.check)
        return None

    def _count(self, **more: int) -> None:
        progress = self._progress
        self._progress = replace(progress, **{name: getattr(progress, name) + count for name, count in more.items()})

    def _note(self, **values: object) -> None:
        self._progress = replace(self._progress, **values)  # type: ignore[arg-type]


def _is_inside(path: str) -> bool:
    relative = PurePosixPath(path)
    return not relative.is_absolute() and ".." not in relative.parts


def _some(walk: Iterator[PurePosixPath]) -> list[PurePosixPath]:
    return list(itertools.islice(walk, _FILES_AT_ONCE))


def _batches(rows: Sequence[_T], size: int) -> Iterable[Sequence[_T]]:
    return (rows[at : at + size] for at in range(0, len(rows), size))
