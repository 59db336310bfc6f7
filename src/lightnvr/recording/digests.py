"""The stored SHA-256 of recordings, from when each was closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, select, text, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.engine import Database
from lightnvr.db.tables import recording_digests, recordings, storages
from lightnvr.recording.model import Recording
from lightnvr.recording.rows import recording_from
from lightnvr.recording.service import Digest
from lightnvr.recording.storage import Storage

_IDS_AT_ONCE = 500
_DUE = text(
    "INSERT INTO recording_digests (recording_id) VALUES (:recording_id)"
    " ON CONFLICT (recording_id) DO UPDATE SET sha256 = NULL, taken_at = NULL"
)


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A finished recording with its storage and, when there is one, the digest from when it was closed."""

    recording: Recording
    storage: Storage
    digest: Digest | None

    @property
    def path(self) -> Path:
        """Where the file should be."""
        return self.storage.root / self.recording.path


class StoredDigests:
    """Implements `Digests` on the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, recording_ids: Sequence[int]) -> Mapping[int, Digest]:
        """See Digests."""
        found: dict[int, Digest] = {}
        async with self._database.reading.connect() as connection:
            for first in range(0, len(recording_ids), _IDS_AT_ONCE):
                some = recording_digests.c.recording_id.in_(recording_ids[first : first + _IDS_AT_ONCE])
                taken = recording_digests.c.sha256.is_not(None)
                query = select(recording_digests).where(some, taken)
                found |= {row[0]: Digest(row[1], row[2]) for row in await connection.execute(query)}
        return found


async def is_due(connection: AsyncConnection, recording_id: int, *, readable: bool) -> None:
    """Note that a recording's file was closed just now, so that its digest is to be taken; none if it is damaged."""
    if readable:
        await connection.execute(_DUE, {"recording_id": recording_id})
    else:
        await connection.execute(delete(recording_digests).where(recording_digests.c.recording_id == recording_id))


async def due(connection: AsyncConnection, limit: int) -> list[KeptFile]:
    """Return recordings whose digest is to be taken, the latest first."""
    query = (
        select(recordings, storages.c.name, storages.c.root)
        .join(recording_digests, recording_digests.c.recording_id == recordings.c.id)
        .join(storages, storages.c.id == recordings.c.storage_id)
        .where(recording_digests.c.taken_at.is_(None))
        .order_by(recording_digests.c.recording_id.desc())
        .limit(limit)
    )
    found = []
    for row in await connection.execute(query):
        recording = recording_from(row)
        found.append(KeptFile(recording, Storage(recording.storage_id, row[-2], Path(row[-1])), None))
    return found


async def keep(connection: AsyncConnection, recording_id: int, sha256: str | None, taken_at: int) -> None:
    """Store a digest; None when there is nothing to take one of. `taken_at` is in seconds since 1970 UTC."""
    query = update(recording_digests).where(recording_digests.c.recording_id == recording_id)
    await connection.execute(query.values(sha256=sha256, taken_at=taken_at))


async def kept_after(connection: AsyncConnection, recording_id: int, limit: int) -> list[KeptFile]:
    """Return `limit` finished recordings with ids above this one, by id."""
    query = (
        select(recordings, storages.c.name, storages.c.root, recording_digests.c.sha256, recording_digests.c.taken_at)
        .join(storages, storages.c.id == recordings.c.storage_id)
        .outerjoin(recording_digests, recording_digests.c.recording_id == recordings.c.id)
        .where(recordings.c.id > recording_id, recordings.c.complete == true())
        .order_by(recordings.c.id)
        .limit(limit)
    )
    found = []
    for row in await connection.execute(query):
        recording, sha256 = recording_from(row), row[-2]
        digest = None if sha256 is None else Digest(sha256, row[-1])
        found.append(KeptFile(recording, Storage(recording.storage_id, row[-4], Path(row[-3])), digest))
    return found
