"""Everything that recording needs besides recorders: storage, closing, syncing, the database, mending after a crash."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

from lightnvr.db.engine import Database
from lightnvr.recording import store
from lightnvr.recording.clock import WallClock
from lightnvr.recording.digester import Digester
from lightnvr.recording.disk import Disk
from lightnvr.recording.finaliser import Finaliser
from lightnvr.recording.journal import Journal
from lightnvr.recording.kept_list import KeptList
from lightnvr.recording.layout import DirectoryFormat
from lightnvr.recording.model import Recording
from lightnvr.recording.open_recordings import OpenRecordings
from lightnvr.recording.place import RecordingPlace
from lightnvr.recording.recovery import Recovery
from lightnvr.recording.removal import Removal
from lightnvr.recording.storage import Storage
from lightnvr.recording.storages import StoragePlan, Storages
from lightnvr.recording.sync import Sync
from lightnvr.recording.syncer import Syncer
from lightnvr.recording.timing import Timing

_FINALISE_S = 2.0
_WATCH_S = 0.2
_NOTICEABLE_S = 5.0
_ADOPT_EVERY_S = 2.0
_UNSTORED_US = 5_000_000
"""An interrupted recording ends so much later at most than is stored of it: the journal writes once a second."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RecordingOptions:
    """How recordings are written. Times in seconds; `sync_interval_s` 0 leaves syncing to the system."""

    storages: StoragePlan
    directory_format: DirectoryFormat
    fragment_duration_s: float
    sync_interval_s: float


class RecordingEngine:
    """Owns the threads and tasks behind recording. `start` comes before the first recorder, `stop` after the last."""

    def __init__(self, database: Database, disk: Disk, options: RecordingOptions) -> None:
        self._database = database
        self._disk = disk
        self._options = options
        self._tasks: list[asyncio.Task[None]] = []
        self.open_recordings = OpenRecordings()
        self.journal = Journal(database, self.open_recordings)
        self._finaliser = Finaliser(disk)
        self._digester = Digester(database)
        self._syncer = Syncer(disk, self.open_recordings, options.sync_interval_s)
        self.removal = Removal(database, disk, self.open_recordings, self._now_us)
        self.storages: Storages
        self.place: RecordingPlace
        self.recovery: Recovery
        self.sync: Sync
        self._adopted = asyncio.Event()

    async def start(self, folders: Mapping[str, str]) -> None:
        """Prepare the storage and begin. `folders` gives the stream of each folder of recordings."""
        plan = self._options.storages
        async with self._database.writing.begin() as connection:
            for name, root in plan.roots.items():
                await store.ensure_storage(connection, name, str(root))
            every = {storage.name: storage for storage in await store.storages_there(connection)}
            unused = [every[name] for name in plan.roots if not await store.is_used(connection, every[name].id)]
            latest_us = await store.latest_end_us(connection)
            was_interrupted = bool(await store.interrupted(connection))
        is_lost = not latest_us and any([await asyncio.to_thread(storage.is_marked) for storage in unused])
        missing = [storage for storage in unused if not await self._adopt(storage)]
        self.storages = Storages(every, plan)
        self.storages.start()
        clock = WallClock(
            not_before_us=latest_us, unstored_us=_UNSTORED_US if was_interrupted else 0, on_step=_log_step
        )
        self.place = RecordingPlace(
            storages=self.storages,
            disk=self._disk,
            clock=clock,
            open_recordings=self.open_recordings,
            finaliser=self._finaliser,
            directory_format=self._options.directory_format,
            fragment_duration_us=round(self._options.fragment_duration_s * 1e6),
        )
        self.recovery = Recovery(self._database, self._disk, tuple(self.storages), folders)
        kept = KeptList(self._database, self.storages, self.storages.error)
        self.sync = Sync(
            self._database,
            self._disk,
            self.open_recordings,
            lambda: tuple(self.storages),
            kept,
            folders,
            self._adopted.wait,
            lambda: time.time_ns() // 1000,
        )
        interrupted = await self.recovery.find()
        if interrupted:
            log.warning("%d recordings were interrupted and are being mended", len(interrupted))
        self._finaliser.start()
        self._syncer.start()
        began_us = clock.now_us()
        self._tasks.append(asyncio.create_task(self.journal.run(), name="journal"))
        for storage in missing:
            self._tasks.append(asyncio.create_task(self._adopt_later(storage), name=f"storage {storage.name}"))
        self._tasks.append(asyncio.create_task(self._recover(interrupted, began_us), name="recovery"))
        self._tasks.append(asyncio.create_task(self._finish_removals(), name="interrupted deletions"))
        self._tasks.append(asyncio.create_task(self._digester.run(), name="digester"))
        self._tasks.append(asyncio.create_task(kept.run(), name="list of what is kept"))
        if is_lost:
            # The database is new and the storage is not: what is on it is found again.
            self.sync.start()

    async def stop(self) -> None:
        """Finish every file and store it. Recorders must have ended."""
        for task in self._tasks:
            task.cancel()
        await self.sync.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if not await asyncio.to_thread(self._finaliser.stop, _FINALISE_S):
            log.error("not every file could be finished; the next start will mend them")
        await asyncio.to_thread(self._syncer.stop, _FINALISE_S)
        await asyncio.to_thread(self.storages.stop, _WATCH_S)
        await self.journal.store()

    def timings(self) -> dict[str, Timing]:
        """Return how long it takes to `sync` a file to the disk and to `store` all progress in the database."""
        return {"sync": self._syncer.timing, "store": self.journal.timing}

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with storing recordings, in sentences for a person; empty when all is well."""
        found: list[str] = []
        if self.journal.error:
            found.append(self.journal.error)
        if self._syncer.error:
            found.append(self._syncer.error)
        found += self.storages.problems()
        if self.recovery.remaining:
            found.append(f"{self.recovery.remaining} interrupted recordings are still being mended.")
        ahead_s = self.place.clock.ahead_s
        if ahead_s > _NOTICEABLE_S:
            found.append(
                f"The system clock was set back: recordings are labelled {ahead_s:.0f} s ahead, so that none overlap."
            )
        return tuple(found)

    async def _adopt(self, storage: Storage) -> bool:
        try:
            await asyncio.to_thread(storage.adopt)
        except OSError as error:
            log.error("the storage %s cannot be made: %s", storage.root, error.strerror)
            return False
        return True

    async def _adopt_later(self, storage: Storage) -> None:
        # Only a storage that nothing was ever recorded to: any other one that is missing is not mounted.
        while True:
            await asyncio.sleep(_ADOPT_EVERY_S)
            try:
                await asyncio.to_thread(storage.adopt)
            except OSError:
                continue
            log.warning("the storage %s is there now", storage.root)
            return

    async def _recover(self, interrupted: list[tuple[Recording, int]], began_us: int) -> None:
        try:
            try:
                adopted = await self.recovery.adopt_unlisted(began_us)
            finally:
                self._adopted.set()
            if adopted:
                log.warning("%d recordings were on the disk and in no list; they are listed now", adopted)
        except Exception:
            # What is in the list has to be mended whatever lies beside it.
            log.exception("looking for recordings that are in no list failed")
        try:
            await self.recovery.run(interrupted)
            if interrupted:
                log.info("%d interrupted recordings were mended", self.recovery.repaired)
        except Exception:
            # Recording must go on; what was not mended will be at the next start.
            log.exception("mending interrupted recordings failed")

    def _now_us(self) -> int:
        return self.place.clock.now_us()

    async def _finish_removals(self) -> None:
        try:
            removed = await self.removal.finish()
        except Exception:
            # Recording must go on; it is tried again whenever something is deleted.
            log.exception("deletions that were interrupted could not be finished")
            return
        if removed.recordings:
            log.info("%d recordings whose deletion was interrupted are deleted", len(removed.recordings))


def _log_step(step_s: float) -> None:
    log.warning("the system clock was set by %+.1f s; recordings follow", step_s)
