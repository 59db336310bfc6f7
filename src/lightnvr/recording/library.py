"""The recordings as the rest of the product sees them: listed, opened, deleted."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from lightnvr.db.engine import Database
from lightnvr.recording import store
from lightnvr.recording.finished_pages import finished_page
from lightnvr.recording.known_facets import KnownFacets
from lightnvr.recording.model import (
    Recording,
    RecordingFileMissing,
    RecordingFilter,
    RecordingNotFound,
    RecordingOffline,
    RecordingPage,
    RecordingProtected,
    RecordingStillOpen,
    RecordingUndeletable,
)
from lightnvr.recording.open_recordings import OpenRecordings
from lightnvr.recording.removal import Removal
from lightnvr.recording.service import RecordingFile


class RecordingLibrary:
    """Implements `Recordings` on the database and the disk."""

    def __init__(
        self,
        database: Database,
        open_recordings: OpenRecordings,
        removal: Removal,
        error_of: Callable[[int], str] = lambda _: "",
    ) -> None:
        """`error_of` says of a storage why it is not there, and nothing when it is."""
        self._database = database
        self._open = open_recordings
        self._removal = removal
        self._error_of = error_of
        self._known = KnownFacets()

    async def page(self, wanted: RecordingFilter, *, offset: int, limit: int) -> RecordingPage:
        """See Recordings."""
        async with self._database.reading.connect() as connection:
            return await store.page(connection, wanted, offset, limit, self._known)

    async def get(self, recording_id: int) -> Recording:
        """See Recordings."""
        async with self._database.reading.connect() as connection:
            recording = await store.get(connection, recording_id)
        if recording is None:
            raise RecordingNotFound(f"There is no recording {recording_id}.")
        return recording

    async def file(self, recording_id: int) -> RecordingFile:
        """See Recordings."""
        recording, path = await self._locate(recording_id)
        if away := self._error_of(recording.storage_id):
            raise RecordingOffline(f"The recording cannot be played now. {away}")
        opened = self._open.find(recording.storage_id, PurePosixPath(recording.path))
        try:
            status = await asyncio.to_thread(os.stat, path)
        except FileNotFoundError as error:
            raise RecordingFileMissing(f"The file of recording {recording_id} is not on the disk.") from error
        except OSError as error:
            raise RecordingOffline(f"The recording cannot be read now: {error.strerror or error}.") from error
        length = status.st_size
        if opened is not None and not opened.finalised:
            length = min(length, opened.segment.length)
        kind = "closed" if opened is None or opened.finalised else "open"
        etag = f'"{recording.id:x}-{length:x}-{status.st_mtime_ns:x}-{kind}"'
        return RecordingFile(recording, path, length, etag, status.st_mtime)

    def open_id(self, stream_name: str) -> int | None:
        """See Recordings."""
        written = [each for each in self._open if each.facts.stream_name == stream_name and not each.closing]
        return max(written, key=lambda each: each.facts.start_us).recording_id if written else None

    async def finished_page(self, wanted: RecordingFilter, *, offset: int, limit: int) -> RecordingPage:
        """See Recordings."""

        async def read(some: RecordingFilter, first: int, many: int) -> RecordingPage:
            return await self.page(some, offset=first, limit=many)

        async with self._database.reading.connect() as connection:
            opened = await store.opened(connection)
        return await finished_page(read, opened, wanted, offset, limit)

    async def delete(self, recording_id: int, *, force: bool) -> None:
        """See Recordings."""
        recording, _ = await self._locate(recording_id)
        if self._open.find(recording.storage_id, PurePosixPath(recording.path)) is not None or not recording.complete:
            raise RecordingStillOpen(
                f"Recording {recording_id} is being written; it can be deleted when it is finished."
            )
        if recording.protected and not force:
            raise RecordingProtected(f"Recording {recording_id} is protected.")
        removed = await self._removal.remove([recording_id], force=force)
        if recording_id in removed.failed:
            raise RecordingUndeletable(f"The recording cannot be deleted: {removed.failed[recording_id]}")
        if not removed.recordings:
            # It was protected or deleted by somebody else meanwhile, or its disk went away.
            if not force and (await self.get(recording_id)).protected:
                raise RecordingProtected(f"Recording {recording_id} is protected.")
            raise RecordingUndeletable("The recording cannot be deleted at this moment. It will be as soon as it can.")

    async def _locate(self, recording_id: int) -> tuple[Recording, Path]:
        async with self._database.reading.connect() as connection:
            recording = await store.get(connection, recording_id)
            root = None if recording is None else await store.storage_root(connection, recording.storage_id)
        if recording is None or root is None:
            raise RecordingNotFound(f"There is no recording {recording_id}.")
        return recording, Path(root) / recording.path
