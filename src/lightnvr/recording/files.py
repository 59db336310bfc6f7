"""Single files of recordings, by their paths on the server."""

import asyncio
import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sqlalchemy import select

from lightnvr.db.engine import Database
from lightnvr.db.tables import storages
from lightnvr.recording import store
from lightnvr.recording.disk import Disk
from lightnvr.recording.layout import RECORDINGS_FOLDER
from lightnvr.recording.model import (
    PathRefused,
    RecordingProtected,
    RecordingStillOpen,
    RecordingUndeletable,
)
from lightnvr.recording.open_recordings import OpenRecordings
from lightnvr.recording.removal import Removal
from lightnvr.recording.service import FileFacts
from lightnvr.recording.storage import Storage

_REFUSED = (
    "path must be the absolute path of a file in a storage's folders of recordings, such as"
    " /var/lib/lightnvr/recordings/mp4/Garden/2026/08/01/recording_20260801_100000.mp4, without links and without '..'"
)


@dataclass(frozen=True, slots=True)
class _Place:
    storage: Storage
    relative: PurePosixPath
    facts: FileFacts | None


class StoredFiles:
    """Implements `RecordingFiles` on the database and the disk."""

    def __init__(self, database: Database, disk: Disk, open_recordings: OpenRecordings, removal: Removal) -> None:
        self._database = database
        self._disk = disk
        self._open = open_recordings
        self._removal = removal

    async def look(self, path: str) -> FileFacts | None:
        """See RecordingFiles."""
        return (await self._locate(path)).facts

    async def delete(self, path: str) -> bool:
        """See RecordingFiles."""
        place = await self._locate(path)
        async with self._database.reading.connect() as connection:
            recording = await store.by_path(connection, place.storage.id, place.relative)
        opened = self._open.find(place.storage.id, place.relative)
        if opened is not None or (recording is not None and not recording.complete):
            raise RecordingStillOpen(f"{path} is being written; it can be deleted when it is finished.")
        if recording is None:
            await asyncio.to_thread(self._unlink, place)
            return place.facts is not None
        if recording.protected:
            raise RecordingProtected(f"Recording {recording.id} is protected.")
        removed = await self._removal.remove([recording.id])
        if recording.id in removed.failed:
            raise RecordingUndeletable(f"The file cannot be deleted: {removed.failed[recording.id]}")
        if not removed.recordings:
            raise RecordingUndeletable("The file cannot be deleted at this moment. Try again in a moment.")
        return place.facts is not None

    async def _locate(self, path: str) -> _Place:
        async with self._database.reading.connect() as connection:
            rows = (await connection.execute(select(storages).order_by(storages.c.id))).all()
        places = [Storage(row.id, row.name, Path(row.root)) for row in rows]
        return await asyncio.to_thread(_locate, path, places)

    def _unlink(self, place: _Place) -> None:
        file = place.storage.root / place.relative
        try:
            place.storage.check()
            if self._disk.remove(file):
                self._disk.sync_folder(file.parent)
        except OSError as error:
            raise RecordingUndeletable(f"The file cannot be deleted: {error.strerror or error}") from error


def _locate(text: str, places: list[Storage]) -> _Place:
    """Find the storage of a path. Raises PathRefused, the same for all that is elsewhere, there or not."""
    path = PurePosixPath(text)
    if "\x00" in text or not path.is_absolute() or ".." in path.parts:
        raise PathRefused(_REFUSED)
    for place in places:
        root = os.path.realpath(place.root)
        for name in (str(place.root), root):
            if not path.is_relative_to(name):
                continue
            relative = path.relative_to(name)
            if len(relative.parts) < 3 or relative.parts[0] != RECORDINGS_FOLDER or relative.suffix != ".mp4":
                raise PathRefused(_REFUSED)
            try:
                # A link leads elsewhere, even when it leads to another recording.
                if os.path.realpath(place.root / relative) != str(PurePosixPath(root) / relative):
                    raise PathRefused(_REFUSED)
                status = os.lstat(place.root / relative)
            except FileNotFoundError:
                return _Place(place, relative, None)
            except (OSError, ValueError) as error:
                raise PathRefused(_REFUSED) from error
            if not stat.S_ISREG(status.st_mode):
                raise PathRefused(_REFUSED)
            return _Place(place, relative, FileFacts(status.st_size, status.st_mtime))
    raise PathRefused(_REFUSED)
