"""Queries for recordings whose files are being deleted."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import delete, exists, insert, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.tables import recording_deletions, recordings, storages
from lightnvr.recording.model import Recording
from lightnvr.recording.rows import recording_from
from lightnvr.recording.storage import Storage

BEING_DELETED = exists().where(recording_deletions.c.recording_id == recordings.c.id)
"""The condition on a recording that its file is being deleted."""


async def intend(connection: AsyncConnection, recording_ids: Sequence[int], *, force: bool) -> None:
    """Store that these recordings are to be deleted, except for those that are open, and protected unless `force`."""
    mortal = recordings.c.complete == true()
    if not force:
        mortal = mortal & ~recordings.c.protected
    chosen = select(recordings.c.id).where(recordings.c.id.in_(recording_ids), mortal, ~BEING_DELETED)
    await connection.execute(insert(recording_deletions).from_select(["recording_id"], chosen))


async def intended(connection: AsyncConnection, limit: int) -> list[tuple[Recording, Storage]]:
    """Return what is being deleted, and the storage of each."""
    query = (
        select(recordings, storages.c.name, storages.c.root)
        .join(recording_deletions, recording_deletions.c.recording_id == recordings.c.id)
        .join(storages, storages.c.id == recordings.c.storage_id)
        .order_by(recordings.c.id)
        .limit(limit)
    )
    found = []
    for row in (await connection.execute(query)).all():
        recording = recording_from(row)
        found.append((recording, Storage(recording.storage_id, row[-2], Path(row[-1]))))
    return found


async def withdraw(connection: AsyncConnection, recording_ids: Sequence[int]) -> None:
    """Store that these recordings stay after all."""
    if recording_ids:
        await connection.execute(
            delete(recording_deletions).where(recording_deletions.c.recording_id.in_(recording_ids))
        )


async def storages_of(connection: AsyncConnection, recording_ids: Sequence[int]) -> dict[int, Storage]:
    """Return the storage of each of these recordings."""
    query = (
        select(recordings.c.id, storages.c.id, storages.c.name, storages.c.root)
        .join(storages, storages.c.id == recordings.c.storage_id)
        .where(recordings.c.id.in_(recording_ids))
    )
    rows = (await connection.execute(query)).all()
    return {recording_id: Storage(key, name, Path(root)) for recording_id, key, name, root in rows}
