"""All recordings, as the keeper of the disk sees them."""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import select

from lightnvr.db.engine import Database
from lightnvr.db.tables import storages
from lightnvr.recording import candidates
from lightnvr.recording.removal import Removal
from lightnvr.recording.service import Candidate, Removed, Volume
from lightnvr.recording.storage import Storage


class StoredArchive:
    """Implements `Archive` on the database and the disk."""

    def __init__(self, database: Database, removal: Removal) -> None:
        self._database = database
        self._removal = removal

    @property
    def removed_bytes(self) -> int:
        """See Archive."""
        return self._removal.removed_bytes

    async def volumes(self) -> tuple[Volume, ...]:
        """See Archive."""
        async with self._database.reading.connect() as connection:
            rows = (await connection.execute(select(storages).order_by(storages.c.id))).all()
        places = [Storage(row.id, row.name, Path(row.root)) for row in rows]
        return tuple(await asyncio.to_thread(lambda: [_look(place) for place in places]))

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


def _look(place: Storage) -> Volume:
    try:
        place.check()
        usage = shutil.disk_usage(place.root)
    except OSError as error:
        return Volume(place.id, place.root, error=str(error.strerror or error))
    return Volume(place.id, place.root, usage.total, usage.free)
