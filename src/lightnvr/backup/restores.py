"""Restoring while the server runs: says what would be replaced, and prepares it for the next start."""

import asyncio
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import TypeVar

from lightnvr.backup.model import UnusableBackup
from lightnvr.backup.replacing import discard_replacing
from lightnvr.backup.restoring import RestorePlan, RestoreTargets, plan_restore, prepare_restore
from lightnvr.backup.shelf import Shelf

_T = TypeVar("_T")


class Restores:
    """Restores backups of a shelf. Belongs to the event loop. `now` gives seconds since 1970 UTC."""

    def __init__(
        self, shelf: Shelf, targets: RestoreTargets, known_revisions: Collection[str], now: Callable[[], float]
    ) -> None:
        self._shelf = shelf
        self._targets = targets
        self._known_revisions = known_revisions
        self._now = now
        self._lock = asyncio.Lock()

    async def plan(self, filename: str) -> RestorePlan:
        """Check a backup and say what restoring it would do. Raises BackupNotFound, UnusableBackup."""
        return await self._in_thread(lambda: self._plan(filename))

    async def prepare(self, filename: str) -> RestorePlan:
        """Prepare a backup for the next start, in place of what was prepared before. Raises the same."""
        stamp = datetime.fromtimestamp(self._now(), UTC).strftime("%Y%m%dT%H%M%SZ")

        def prepare() -> RestorePlan:
            plan = self._plan(filename)
            prepare_restore(plan, self._targets, stamp)
            return plan

        return await self._in_thread(prepare)

    async def cancel(self) -> None:
        """Forget what was prepared. Raises UnusableBackup."""

        def discard() -> None:
            discard_replacing(self._targets.data_dir)

        await self._in_thread(discard)

    def _plan(self, filename: str) -> RestorePlan:
        return plan_restore(self._shelf.find(filename).path, self._targets, self._known_revisions)

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        async with self._lock:
            try:
                return await asyncio.to_thread(work)
            except OSError as error:
                place = error.filename or self._targets.data_dir
                raise UnusableBackup(f"The backup cannot be restored: {place}: {error.strerror or error}.") from error
