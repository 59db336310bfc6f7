"""Says which recordings stay, and for how long."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.engine import Database
from lightnvr.db.tables import recordings
from lightnvr.recording import facets
from lightnvr.recording.deletions import BEING_DELETED
from lightnvr.recording.model import Recording, RecordingNotFound, RecordingPage
from lightnvr.recording.rows import recording_from

_IDS_AT_ONCE = 500


class StoredCare:
    """Implements `RecordingCare` on the database.

    What is just being deleted is left alone: its file may be gone already.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def protect(self, recording_id: int, protected: bool | None) -> Recording:
        """See RecordingCare."""
        wanted = ~recordings.c.protected if protected is None else protected
        return await self._change(recording_id, {"protected": wanted})

    async def keep_for(self, recording_id: int, days: int | None) -> Recording:
        """See RecordingCare."""
        return await self._change(recording_id, {"override_days": days})

    async def protect_all(self, recording_ids: Sequence[int], protected: bool) -> frozenset[int]:
        """See RecordingCare."""
        wanted = list(dict.fromkeys(recording_ids))
        changed: set[int] = set()
        async with self._database.writing.begin() as connection:
            await facets.lock(connection)
            for at in range(0, len(wanted), _IDS_AT_ONCE):
                some = recordings.c.id.in_(wanted[at : at + _IDS_AT_ONCE])
                change = update(recordings).where(some, ~BEING_DELETED).values(protected=protected)
                changed.update((await connection.execute(change.returning(recordings.c.id))).scalars())
            await _note_protection(connection, changed, protected)
        return frozenset(changed)

    async def protected_page(
        self, stream_name: str | None, *, offset: int, limit: int, among: frozenset[str] | None = None
    ) -> RecordingPage:
        """See RecordingCare."""
        chosen = recordings.c.protected == true()
        if stream_name is not None:
            # Not as a plain column: the index of protected recordings is to be used, which are few.
            chosen = chosen & (func.coalesce(recordings.c.stream_name, "") == stream_name)
        if among is not None:
            chosen = chosen & func.coalesce(recordings.c.stream_name, "").in_(sorted(among))
        page = select(recordings).where(chosen).order_by(recordings.c.start_us.desc(), recordings.c.id.desc())
        async with self._database.reading.connect() as connection:
            total = await _count(connection, chosen)
            rows = (await connection.execute(page.offset(offset).limit(limit))).all() if offset < total else []
        return RecordingPage(tuple(map(recording_from, rows)), total)

    async def _change(self, recording_id: int, values: dict[str, object]) -> Recording:
        change = update(recordings).where(recordings.c.id == recording_id, ~BEING_DELETED).values(values)
        async with self._database.writing.begin() as connection:
            await facets.lock(connection)
            row = (await connection.execute(change.returning(*recordings.c))).one_or_none()
            if row is not None:
                await _note_protection(connection, [recording_id], recording_from(row).protected)
        if row is None:
            raise RecordingNotFound(f"There is no recording {recording_id}.")
        return recording_from(row)


async def _count(connection: AsyncConnection, chosen: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(recordings).where(chosen)
    return int((await connection.execute(query)).scalar_one())


async def _note_protection(connection: AsyncConnection, recording_ids: Collection[int], protected: bool) -> None:
    change = {facets.PROTECTED: recording_ids}
    await facets.change(connection, change if protected else {}, {} if protected else change)
