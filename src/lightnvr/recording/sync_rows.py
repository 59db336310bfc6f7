"""Queries for comparing the rows of a storage with its files."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from sqlalchemy import select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.tables import recordings
from lightnvr.recording import store
from lightnvr.recording.deletions import BEING_DELETED
from lightnvr.recording.model import MISSING, Recording
from lightnvr.recording.open_recordings import OpenRecording
from lightnvr.recording.rows import recording_from


@dataclass(frozen=True, slots=True)
class Indexed:
    """A finished file: what it holds, and its size in bytes."""

    recording: OpenRecording
    size_bytes: int


async def finished_after(connection: AsyncConnection, storage_id: int, path: str, limit: int) -> Sequence[Recording]:
    """Return finished recordings of a storage that are not being deleted, by path, from behind this one on."""
    chosen = (recordings.c.storage_id == storage_id, recordings.c.path > path, recordings.c.complete == true())
    query = select(recordings).where(*chosen, ~BEING_DELETED).order_by(recordings.c.path).limit(limit)
    return [recording_from(row) for row in (await connection.execute(query)).all()]


async def known(connection: AsyncConnection, storage_id: int, paths: Iterable[PurePosixPath]) -> set[PurePosixPath]:
    """Return those of some hundred paths that have a row."""
    wanted = [str(path) for path in paths]
    query = select(recordings.c.path).where(recordings.c.storage_id == storage_id, recordings.c.path.in_(wanted))
    return {PurePosixPath(path) for path in (await connection.execute(query)).scalars()}


async def mark_missing(connection: AsyncConnection, recording: Recording) -> None:
    """Store that the file of a recording is gone. It takes no space any more; the row stays."""
    await store.complete(connection, recording.id, end_us=recording.end_us, size_bytes=0, damaged=MISSING)


async def put_right(connection: AsyncConnection, recording_id: int, found: Indexed, start_us: int) -> None:
    """Store what the file of a recording, which began at `start_us`, really holds."""
    opened = found.recording
    end_us = start_us + opened.progress.end_us - opened.facts.start_us
    await store.complete(connection, recording_id, end_us=end_us, size_bytes=found.size_bytes, damaged="")
    await store.store_media(
        connection, recording_id, fragments=opened.segment.index.pack(), synced_bytes=found.size_bytes
    )


async def add(
    connection: AsyncConnection, found: Indexed, *, protected: bool = False, override_days: int | None = None
) -> bool:
    """Store a recording that had no row. Returns False when it has got one meanwhile."""
    facts = found.recording.facts
    if await store.by_path(connection, facts.storage.id, facts.path) is not None:
        return False
    recording_id = await store.insert_open(connection, found.recording)
    # Before it is finished: from then on it could be deleted.
    if protected or override_days is not None:
        values = {"protected": protected, "override_days": override_days}
        await connection.execute(update(recordings).where(recordings.c.id == recording_id).values(values))
    await put_right(connection, recording_id, found, facts.start_us)
    return True
