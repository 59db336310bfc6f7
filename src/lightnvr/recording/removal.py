"""Deletes recordings so that no crash leaves a row without its file, or a file without its row."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import PurePosixPath

from lightnvr.db.engine import Database
from lightnvr.recording import deletions, store
from lightnvr.recording.disk import Disk
from lightnvr.recording.model import Recording
from lightnvr.recording.open_recordings import OpenRecordings
from lightnvr.recording.service import Removed
from lightnvr.recording.storage import Storage
from lightnvr.recording.unlinking import absent, unlink

AT_ONCE = 50
"""So many rows are deleted in one transaction, for which recorders and lists wait a moment."""

_DAY_S = 86_400

log = logging.getLogger(__name__)


class Removal:
    """Deletes recordings, some at a time. Belongs to the event loop.

    1. A transaction stores that the recordings are to go; it leaves out what is open or protected.
    2. The files are unlinked and their folders synced.
    3. A transaction deletes the rows, and with them what step 1 stored.

    What is stored by step 1 after a crash is finished by `finish`. A storage that is not there keeps everything.
    """

    def __init__(
        self, database: Database, disk: Disk, open_recordings: OpenRecordings, now_us: Callable[[], int]
    ) -> None:
        """`now_us` gives microseconds since 1970 UTC."""
        self._database = database
        self._disk = disk
        self._open = open_recordings
        self._now_us = now_us
        self._lock = asyncio.Lock()
        self._unfinished = True
        self.removed_bytes = 0
        """What was deleted since the start."""
        self._listeners: list[Callable[[Sequence[Recording]], Awaitable[None]]] = []

    def on_removed(self, listener: Callable[[Sequence[Recording]], Awaitable[None]]) -> None:
        """Have this awaited with recordings that are gone, file and row. It must not raise."""
        self._listeners.append(listener)

    async def remove(self, recording_ids: Sequence[int], *, force: bool = False) -> Removed:
        """Delete recordings, `AT_ONCE` at most; open ones stay, and protected ones too unless `force`.

        Raises SQLAlchemyError when the database refuses; what was begun is finished by `finish`.
        """
        if len(recording_ids) > AT_ONCE:
            raise ValueError(f"{len(recording_ids)} recordings are too many at once")
        async with self._lock:
            async with self._database.reading.connect() as connection:
                storages = await deletions.storages_of(connection, recording_ids)
            missing = await asyncio.to_thread(absent, set(storages.values()))
            failed = {key: missing[place.id] for key, place in storages.items() if place.id in missing}
            chosen = [key for key, place in storages.items() if place.id not in missing]
            if not chosen:
                return Removed(failed=failed)
            self._unfinished = True
            async with self._database.writing.begin() as connection:
                await deletions.intend(connection, chosen, force=force)
            removed = await self._carry_out()
        wanted = set(chosen)
        return Removed(
            tuple(each for each in removed.recordings if each.id in wanted),
            removed.freed,
            failed | {key: reason for key, reason in removed.failed.items() if key in wanted},
        )

    async def finish(self) -> Removed:
        """Finish what was begun and not finished: before a crash, or because a storage or the database was away."""
        async with self._lock:
            return await self._carry_out() if self._unfinished else Removed()

    async def _carry_out(self) -> Removed:
        async with self._database.reading.connect() as connection:
            intended = await deletions.intended(connection, 2 * AT_ONCE)
        of_storage: defaultdict[Storage, list[Recording]] = defaultdict(list)
        for recording, storage in intended:
            # A file of this name that is being written is another one: its row replaces this one.
            if self._open.find(storage.id, PurePosixPath(recording.path)) is None:
                of_storage[storage].append(recording)
        gone: list[Recording] = []
        freed: dict[int, int] = {}
        failed: dict[int, str] = {}
        for storage, recordings in of_storage.items():
            some = await asyncio.to_thread(unlink, self._disk, storage, recordings, self._today())
            gone += some.gone
            freed[storage.id] = some.freed_bytes
            failed |= some.failed
        async with self._database.writing.begin() as connection:
            await store.remove_all(connection, [recording.id for recording in gone])
            await deletions.withdraw(connection, list(failed))
        self.removed_bytes += sum(recording.size_bytes for recording in gone)
        self._unfinished = len(gone) + len(failed) < len(intended)
        for listener in self._listeners:
            await listener(gone)
        return Removed(tuple(gone), freed, failed)

    def _today(self) -> date:
        # A day more than a day ago: recordings may still be labelled with yesterday after the clock was set.
        return datetime.fromtimestamp(self._now_us() / 1e6 - _DAY_S, UTC).date()
