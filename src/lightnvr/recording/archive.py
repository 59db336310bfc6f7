"""All recordings, as the keeper of the disk sees them."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence

from lightnvr.db.engine import Database
from lightnvr.recording import candidates, detection_pruning, store
from lightnvr.recording.removal import Removal
from lightnvr.recording.service import Candidate, Removed, Volume
from lightnvr.recording.storage import Storage


class StoredArchive:
    """Implements `Archive` on the database and the disk."""

    def __init__(
        self,
        database: Database,
        removal: Removal,
        written_bytes: Callable[[], Mapping[int, int]] = dict,
        error_of: Callable[[int], str] = lambda _: "",
        prune_events: Callable[[Callable[[str], int]], Awaitable[int]] | None = None,
    ) -> None:
        """`written_bytes` gives what was written to each storage since the start, by its id.

        `error_of` tells of a storage that is known to be away, so that nobody waits for it. `prune_events` deletes
        events as old as the detections that `prune_detections` deletes, and returns how many.
        """
        self._database = database
        self._removal = removal
        self._written_bytes = written_bytes
        self._error_of = error_of
        self._prune_events = prune_events

    @property
    def removed_bytes(self) -> int:
        """See Archive."""
        return self._removal.removed_bytes

    async def volumes(self) -> tuple[Volume, ...]:
        """See Archive."""
        async with self._database.reading.connect() as connection:
            places = await store.storages_there(connection)
        return tuple([await self._seen(place) for place in places])

    async def _seen(self, place: Storage) -> Volume:
        if error := self._error_of(place.id):
            return Volume(place.id, place.root, error=error, name=place.name)
        return await asyncio.to_thread(_look, place)

    def written_bytes(self) -> Mapping[int, int]:
        """See Archive."""
        return self._written_bytes()

    async def used_bytes(self) -> Mapping[str, int]:
        """See Archive."""
        async with self._database.reading.connect() as connection:
            return await candidates.used_bytes(connection)

    async def candidates(self, stream_name: str, limit: int, now_us: int) -> tuple[Candidate, ...]:
        """See Archive."""
        async with self._database.reading.connect() as connection:
            return await candidates.of_stream(connection, stream_name, limit, now_us)

    async def remove(self, recording_ids: Sequence[int]) -> Removed:
        """See Archive."""
        return await self._removal.remove(recording_ids)

    async def finish_removals(self) -> int:
        """See Archive."""
        return len((await self._removal.finish()).recordings)

    async def prune_detections(self, aged_us: Callable[[str], int]) -> int:
        """See Archive."""
        async with self._database.reading.connect() as connection:
            names = await detection_pruning.streams(connection)
            before = {name: await detection_pruning.oldest_us(connection, name) for name in names}
        pruned = 0
        for stream_name, oldest_us in before.items():
            async with self._database.writing.begin() as connection:
                limit_us = aged_us(stream_name) if oldest_us is None else oldest_us
                pruned += await detection_pruning.prune(connection, stream_name, limit_us)
        if self._prune_events is not None:
            pruned += await self._prune_events(aged_us)
        return pruned


def _look(place: Storage) -> Volume:
    try:
        place.check()
        usage, device = shutil.disk_usage(place.root), place.root.stat().st_dev
    except OSError as error:
        return Volume(place.id, place.root, error=str(error.strerror or error), name=place.name)
    return Volume(place.id, place.root, usage.total, usage.free, name=place.name, device=device)
