"""Makes backups when asked and by schedule, one at a time, each in a thread of its own."""

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from lightnvr.backup.afterwards import run_afterwards
from lightnvr.backup.making import make_backup
from lightnvr.backup.model import (
    MANUAL,
    SCHEDULED,
    BackupAbandoned,
    BackupBusy,
    BackupFailed,
    Contents,
    StoredBackup,
)
from lightnvr.backup.pace import Pace
from lightnvr.backup.shelf import Shelf

_LOOK_S = 60.0
_AGAIN_S = 900.0
_NICENESS = 10
_STOP_S = 2.0

_T = TypeVar("_T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BackupRules:
    """How often backups are made, in seconds (0: never by themselves), and how many of each reason are kept.

    `then` is a program to be run when one was made.
    """

    every_s: int
    keep: int
    then: Path | None = None


class Backups:
    """The backups of a running server. Belongs to the event loop; `close` ends what is going on.

    `rules` is asked anew each time, `now` gives seconds since 1970 UTC.
    """

    def __init__(
        self,
        contents: Contents,
        shelf: Shelf,
        rules: Callable[[], BackupRules],
        version: str,
        now: Callable[[], float],
        *,
        look_s: float = _LOOK_S,
    ) -> None:
        self._contents = contents
        self._shelf = shelf
        self._rules = rules
        self._version = version
        self._now = now
        self._look_s = look_s
        self._pace: Pace | None = None
        self._making: asyncio.Future[StoredBackup] | None = None
        self._closed = False
        self._failed_at: float | None = None
        self._error = ""

    @property
    def folder(self) -> Path:
        """Where they are."""
        return self._shelf.folder

    @property
    def has_database(self) -> bool:
        """Whether the database is in the backups; one of PostgreSQL is not."""
        return self._contents.database is not None

    async def every(self) -> tuple[StoredBackup, ...]:
        """Return all backups, the newest first. Raises BackupFailed when their folder cannot be read."""
        return await self._with_shelf(self._shelf.every)

    async def find(self, filename: str) -> StoredBackup:
        """Return one backup. Raises BackupNotFound, BackupFailed."""
        return await self._with_shelf(lambda: self._shelf.find(filename))

    async def remove(self, filename: str) -> None:
        """Delete one backup. Raises BackupNotFound, BackupFailed."""
        await self._with_shelf(lambda: self._shelf.remove(filename))

    async def make(self, reason: str = MANUAL) -> StoredBackup:
        """Make a backup, check it, and delete those that are too many. Raises BackupBusy, BackupFailed.

        It is finished also when the caller is cancelled.
        """
        if self._closed:
            raise BackupAbandoned("The server is being stopped.")
        if self._making is not None:
            raise BackupBusy
        self._pace = pace = Pace()
        self._making = _in_thread(lambda: self._make(reason, pace))
        self._making.add_done_callback(self._made)
        return await asyncio.shield(self._making)

    async def run(self) -> None:
        """Make backups when they are due, until cancelled."""
        while True:
            await asyncio.sleep(self._look_s)
            try:
                is_due = await self.is_due()
            except BackupFailed as error:
                self._report(error)
                continue
            if is_due:
                # What goes wrong is reported where it happens, and tried again.
                with contextlib.suppress(BackupBusy, BackupFailed):
                    await self.make(SCHEDULED)

    async def is_due(self) -> bool:
        """Whether one is to be made by schedule now. Raises BackupFailed."""
        every_s, now = self._rules().every_s, self._now()
        if not every_s or self._making is not None:
            return False
        if self._failed_at is not None and 0 <= now - self._failed_at < min(every_s, _AGAIN_S):
            return False
        last = next((backup.created_at for backup in await self.every() if backup.reason == SCHEDULED), None)
        # One from the future was made before the clock was set back.
        return last is None or not 0 <= now - last < every_s

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong, in sentences for a person."""
        if self._failed_at is None:
            return ()
        at = datetime.fromtimestamp(self._failed_at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return (f"{self._error} (at {at})",)

    async def close(self) -> None:
        """Give up what is being made. A disk that does not answer is not waited for: it leaves a draft."""
        self._closed = True
        if self._making is not None and self._pace is not None:
            self._pace.stop()
            await asyncio.wait([self._making], timeout=_STOP_S)

    def _make(self, reason: str, pace: Pace) -> StoredBackup:
        now = self._now()
        self._shelf.clear_drafts()
        made = make_backup(
            self._contents, self._shelf, reason=reason, version=self._version, created_at=int(now), pace=pace
        )
        rules = self._rules()
        try:
            self._shelf.thin(rules.keep)
        except OSError as error:
            raise BackupFailed(f"Old backups cannot be deleted: {error.strerror or error}.") from error
        if rules.then is not None:
            run_afterwards(rules.then, made, self._contents.database, pace.goes_on)
        return made

    def _made(self, making: "asyncio.Future[StoredBackup]") -> None:
        self._making = None
        error = None if making.cancelled() else making.exception()
        if error is None:
            self._failed_at, self._error = None, ""
            if not making.cancelled():
                made = making.result()
                log.info("the backup %s was made, %d bytes", made.filename, made.size_bytes)
        elif isinstance(error, BackupAbandoned):
            log.warning("%s", error)
        elif isinstance(error, BackupFailed):
            self._report(error)
        else:
            self._report(BackupFailed("The backup failed in a way that was not expected; the log says how."))
            log.error("the backup failed", exc_info=error)

    def _report(self, error: BackupFailed) -> None:
        self._failed_at, self._error = self._now(), str(error)
        log.error("%s", error)

    async def _with_shelf(self, ask: Callable[[], _T]) -> _T:
        try:
            return await asyncio.to_thread(ask)
        except OSError as error:
            raise BackupFailed(
                f"The folder of backups, {self._shelf.folder}, cannot be used: {error.strerror or error}."
            ) from error


def _in_thread(work: Callable[[], _T]) -> "asyncio.Future[_T]":
    """Run this in a thread of its own, which gets what the processor can spare and which nobody has to wait for."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def settle(result: _T | None, error: Exception | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        # A thread's niceness is its own on Linux, see setpriority(2). Where that is forbidden it works as others do.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        result, failure = None, None
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - it is raised where the future is awaited
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(settle, result, failure)

    # A daemon: a disk that never answers must not keep the program from ending.
    threading.Thread(target=run, name="backup", daemon=True).start()
    return future
