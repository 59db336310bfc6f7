"""Queries for what may be deleted, and for what streams take. None looks at all rows."""

from sqlalchemy import Executable, Select, bindparam, false, func, literal, select, true, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.tables import recording_days, recordings
from lightnvr.recording.model import DAY_US, CaptureMethod, Tier
from lightnvr.recording.service import Candidate

_OVERRIDDEN = 20
"""Recordings with an age of their own are set one by one, by hand: so many times more of them are looked at."""

_MORTAL = (recordings.c.complete == true(), recordings.c.protected == false())
_COLUMNS = (
    recordings.c.id,
    recordings.c.stream_name,
    recordings.c.storage_id,
    recordings.c.start_us,
    recordings.c.size_bytes,
    recordings.c.capture_method,
    recordings.c.tier,
    recordings.c.override_days,
)
_OF_STREAM = recordings.c.stream_name == bindparam("stream_name")
_OLDEST = (recordings.c.start_us, recordings.c.id)


def _oldest(tier: Tier, method: CaptureMethod) -> Select[tuple[object, ...]]:
    kind = (recordings.c.tier == literal(tier.value), recordings.c.capture_method == literal(method.value))
    query = select(*_COLUMNS).where(_OF_STREAM, *kind, *_MORTAL, recordings.c.override_days.is_(None))
    return select(query.order_by(*_OLDEST).limit(bindparam("limit")).subquery())


_BY_KIND = union_all(*(_oldest(tier, method) for tier in Tier for method in CaptureMethod))
_OVERRIDES = select(*_COLUMNS).where(_OF_STREAM, *_MORTAL, recordings.c.override_days.is_not(None)).order_by(*_OLDEST)
_OVERDUE = _OVERRIDES.where(
    recordings.c.override_days > 0,
    recordings.c.start_us + recordings.c.override_days * literal(DAY_US) <= bindparam("now_us"),
)


async def of_stream(connection: AsyncConnection, stream_name: str, limit: int, now_us: int) -> tuple[Candidate, ...]:
    """Return the oldest finished and unprotected recordings of a stream, `limit` of each tier and capture method.

    And those with an age of their own: the oldest, and the oldest of those that are older than it.
    """
    values = {"stream_name": stream_name, "limit": limit, "now_us": now_us}
    statements: tuple[Executable, ...] = (_BY_KIND, _OVERRIDES.limit(limit * _OVERRIDDEN), _OVERDUE.limit(limit))
    found: dict[int, Candidate] = {}
    for statement in statements:
        for row in await connection.execute(statement, values):
            key, name, storage_id, start_us, size_bytes, method, tier, days = row
            kind = CaptureMethod(method), Tier(tier)
            found[key] = Candidate(key, name, storage_id, start_us, size_bytes, *kind, days)
    return tuple(found.values())


_FINISHED = select(recording_days.c.stream_name, func.sum(recording_days.c.size_bytes)).group_by(
    recording_days.c.stream_name
)
_OPEN = select(recordings.c.stream_name, recordings.c.size_bytes).where(recordings.c.complete == false())


async def used_bytes(connection: AsyncConnection) -> dict[str, int]:
    """Return how many bytes each stream takes that has recordings, open ones as far as they have come."""
    there = _FINISHED.having(func.sum(recording_days.c.recordings) > 0)
    used = {name: int(size_bytes) for name, size_bytes in (await connection.execute(there)).all()}
    for name, size_bytes in (await connection.execute(_OPEN)).all():
        used[name] = used.get(name, 0) + int(size_bytes)
    return used
