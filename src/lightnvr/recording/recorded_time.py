"""The recordings of a stream as a stretch of time."""

import asyncio
from collections.abc import Sequence
from pathlib import PurePosixPath

from lightnvr.db.engine import Database
from lightnvr.recording import store, time_queries
from lightnvr.recording.fragment_table import FragmentTable
from lightnvr.recording.model import Recording, RecordingNotFound
from lightnvr.recording.open_recordings import OpenRecordings
from lightnvr.recording.service import Covered, MediaIndex


class StoredTime:
    """Implements `RecordedTime` on the database; what is being written is read from memory."""

    def __init__(self, database: Database, open_recordings: OpenRecordings) -> None:
        self._database = database
        self._open = open_recordings

    async def overlapping(self, stream_name: str, start_us: int, end_us: int, limit: int) -> tuple[Recording, ...]:
        """See RecordedTime."""
        async with self._database.reading.connect() as connection:
            return await time_queries.overlapping(connection, stream_name, start_us, end_us, limit)

    async def covered(self, stream_name: str, start_us: int, end_us: int) -> Sequence[Covered]:
        """See RecordedTime."""
        async with self._database.reading.connect() as connection:
            return await time_queries.covered(connection, stream_name, start_us, end_us)

    async def nearest(self, stream_name: str, moment_us: int, within_us: int) -> Recording | None:
        """See RecordedTime."""
        near = await self.overlapping(stream_name, moment_us - within_us, moment_us + within_us, 10_000)

        def away_us(recording: Recording) -> int:
            return max(0, recording.start_us - moment_us, moment_us - recording.end_us)

        return min(near, key=away_us, default=None)

    async def by_ids(self, recording_ids: Sequence[int]) -> tuple[Recording, ...]:
        """See RecordedTime."""
        async with self._database.reading.connect() as connection:
            found = await time_queries.by_ids(connection, recording_ids)
        return tuple(found[wanted] for wanted in recording_ids if wanted in found)

    async def media(self, recordings: Sequence[Recording]) -> dict[int, MediaIndex]:
        """See RecordedTime."""
        indexes: dict[int, MediaIndex] = {}
        stored: list[int] = []
        for recording in recordings:
            opened = self._open.find(recording.storage_id, PurePosixPath(recording.path))
            if opened is None:
                stored.append(recording.id)
            else:
                indexes[recording.id] = MediaIndex(
                    opened.segment.init.content, FragmentTable.of(opened.segment.index), opened.closing
                )
        if stored:
            async with self._database.reading.connect() as connection:
                packed = await time_queries.media(connection, stored)
            indexes |= await asyncio.to_thread(_unpack, packed)
        return indexes

    async def init_segment(self, recording_id: int) -> bytes:
        """See RecordedTime."""
        async with self._database.reading.connect() as connection:
            found = await store.media(connection, recording_id)
        if found is None:
            raise RecordingNotFound(f"There is no recording {recording_id}.")
        return found[0]


def _unpack(packed: dict[int, tuple[bytes, bytes]]) -> dict[int, MediaIndex]:
    return {
        key: MediaIndex(init_segment, FragmentTable.unpack(fragments), True)
        for key, (init_segment, fragments) in packed.items()
        if fragments
    }
