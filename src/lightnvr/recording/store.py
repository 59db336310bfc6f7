"""The queries of recordings. Every list has an index made for it; see `benchmarks/list_recordings.py`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from sqlalchemy import delete, false, func, insert, select, text, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.tables import recording_days, recording_media, recordings, storages
from lightnvr.recording import digests, facets, labelling, listing, ranks, selection
from lightnvr.recording.known_facets import KnownFacets
from lightnvr.recording.model import (
    DAY_US,
    Recording,
    RecordingFilter,
    RecordingPage,
    RecordingSort,
    tier_when_made,
)
from lightnvr.recording.open_recordings import OpenRecording, Progress
from lightnvr.recording.rows import recording_from, wanted_starts, wanted_streams
from lightnvr.recording.storage import Storage

_ADD_TO_DAY = text(
    "INSERT INTO recording_days (day, stream_name, recordings, size_bytes, recorded_us)"
    " VALUES (:day, :stream_name, :recordings, :size_bytes, :recorded_us)"
    " ON CONFLICT (day, stream_name) DO UPDATE SET recordings = recording_days.recordings + excluded.recordings,"
    " size_bytes = recording_days.size_bytes + excluded.size_bytes,"
    " recorded_us = recording_days.recorded_us + excluded.recorded_us"
)


async def page(
    connection: AsyncConnection,
    wanted: RecordingFilter,
    offset: int,
    limit: int,
    known: KnownFacets | None = None,
) -> RecordingPage:
    """Return `limit` recordings from `offset` on. What `known` remembers is not read again.

    How many recordings each day has is kept in `recording_days`, so neither the total nor a page far down the list
    needs to walk over the rows before it. Lists by anything else than the start have `recording_ranks` for that.
    """
    if wanted.by_facets:
        return await selection.page(connection, wanted, offset, limit, known=known)
    if wanted.sort is not RecordingSort.START_TIME:
        return await listing.page(connection, wanted, offset, limit)
    spans = await _spans(connection, wanted)
    total = sum(count for _, _, count in spans)
    if offset >= total or not limit:
        return RecordingPage((), total)
    if wanted.descending:
        spans.reverse()
    for first_us, last_us, count in spans:
        if offset < count:
            wanted = replace(wanted, end_us=last_us) if wanted.descending else replace(wanted, start_us=first_us)
            break
        offset -= count
    start, key = recordings.c.start_us, recordings.c.id
    query = select(recordings).where(wanted_streams(wanted, recordings.c.stream_name), wanted_starts(wanted, start))
    order = (start.desc(), key.desc()) if wanted.descending else (start.asc(), key.asc())
    rows = (await connection.execute(query.order_by(*order).offset(offset).limit(limit))).all()
    return RecordingPage(tuple(map(recording_from, rows)), total)


async def _spans(connection: AsyncConnection, wanted: RecordingFilter) -> list[tuple[int, int, int]]:
    """Return (first start, last start, how many) in ascending order; whole days where they lie inside the filter."""
    days = recording_days
    query = select(days.c.day, func.sum(days.c.recordings)).where(days.c.recordings > 0)
    if wanted.streams:
        query = query.where(days.c.stream_name.in_(wanted.streams))
    if wanted.start_us is not None:
        query = query.where(days.c.day >= wanted.start_us // DAY_US)
    if wanted.end_us is not None:
        query = query.where(days.c.day <= wanted.end_us // DAY_US)
    spans: list[tuple[int, int, int]] = []
    for day, in_day in (await connection.execute(query.group_by(days.c.day).order_by(days.c.day))).all():
        first_us, last_us = day * DAY_US, (day + 1) * DAY_US - 1
        count, from_us = int(in_day), first_us if wanted.start_us is None else max(first_us, wanted.start_us)
        to_us = last_us if wanted.end_us is None else min(last_us, wanted.end_us)
        if (from_us, to_us) != (first_us, last_us):
            partial = (
                select(func.count())
                .select_from(recordings)
                .where(wanted_streams(wanted, recordings.c.stream_name), recordings.c.start_us.between(from_us, to_us))
            )
            count = (await connection.execute(partial)).scalar_one()
        if count:
            spans.append((from_us, to_us, count))
    return spans


async def get(connection: AsyncConnection, recording_id: int) -> Recording | None:
    """Return one recording, None when there is none."""
    row = (await connection.execute(select(recordings).where(recordings.c.id == recording_id))).one_or_none()
    return None if row is None else recording_from(row)


async def opened(connection: AsyncConnection) -> tuple[Recording, ...]:
    """Return the recordings that are being written."""
    rows = (await connection.execute(select(recordings).where(recordings.c.complete == false()))).all()
    return tuple(map(recording_from, rows))


async def by_path(connection: AsyncConnection, storage_id: int, path: PurePosixPath) -> Recording | None:
    """Return the recording with this file, None when there is none."""
    query = select(recordings).where(recordings.c.storage_id == storage_id, recordings.c.path == str(path))
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else recording_from(row)


async def latest_end_us(connection: AsyncConnection) -> int:
    """Return the latest end of all recordings in microseconds since 1970 UTC, 0 without any."""
    latest = select(func.max(recordings.c.end_us))
    # Each of the two has an index; both together have none.
    ends = [
        (await connection.execute(latest.where(recordings.c.complete == state))).scalar_one()
        for state in (true(), false())
    ]
    return max(end_us or 0 for end_us in ends)


async def interrupted(connection: AsyncConnection) -> Sequence[tuple[Recording, int]]:
    """Return the recordings that are not complete, newest first, with how many bytes of each are known to be synced."""
    query = (
        select(recordings, func.coalesce(recording_media.c.synced_bytes, 0))
        .outerjoin(recording_media, recording_media.c.recording_id == recordings.c.id)
        .where(recordings.c.complete == false())
        .order_by(recordings.c.id.desc())
    )
    return [(recording_from(row), int(row[-1])) for row in (await connection.execute(query)).all()]


async def paths_since(connection: AsyncConnection, storage_id: int, start_us: int) -> set[PurePosixPath]:
    """Return the paths of the recordings of a storage that begin at or after this."""
    query = select(recordings.c.path).where(recordings.c.storage_id == storage_id, recordings.c.start_us >= start_us)
    return {PurePosixPath(path) for path in (await connection.execute(query)).scalars()}


async def insert_open(connection: AsyncConnection, opened: OpenRecording) -> int:
    """Store a recording whose file was just made and return its id."""
    await facets.lock(connection)
    facts, progress = opened.facts, opened.progress
    values = {
        "stream_name": facts.stream_name,
        "storage_id": facts.storage.id,
        "path": str(facts.path),
        "start_us": facts.start_us,
        "end_us": progress.end_us,
        "size_bytes": progress.size_bytes,
        "complete": False,
        "codec": facts.codec,
        "width": facts.width,
        "height": facts.height,
        "fps": facts.fps,
        "capture_method": facts.capture_method.value,
        "schedule_restricted": facts.schedule_restricted,
        "protected": False,
        "damaged": "",
        "tier": tier_when_made(facts.capture_method).value,
    }
    recording_id = (await connection.execute(insert(recordings).values(values).returning(recordings.c.id))).scalar_one()
    media = {
        "recording_id": recording_id,
        "init_segment": opened.segment.init.content,
        "fragments": b"",
        "synced_bytes": opened.synced_bytes,
    }
    await connection.execute(insert(recording_media).values(media))
    having = facets.facets_of_row(facts.stream_name, facts.start_us, facts.capture_method, protected=False)
    await facets.change(connection, {facet: [recording_id] for facet in having}, {})
    await add_to_day(connection, facts.stream_name, facts.start_us, 1, 0, 0)
    return int(recording_id)


_PROGRESS = text("UPDATE recordings SET end_us = :end_us, size_bytes = :size_bytes WHERE id = :id")


async def store_progress(connection: AsyncConnection, progress: Sequence[tuple[int, Progress]]) -> None:
    """Store how far open recordings have come: pairs of id and progress, all in one statement."""
    rows = [{"id": key, "end_us": reached.end_us, "size_bytes": reached.size_bytes} for key, reached in progress]
    if rows:
        await facets.lock(connection)
        await connection.execute(_PROGRESS, rows)


async def store_media(
    connection: AsyncConnection, recording_id: int, *, fragments: bytes | None, synced_bytes: int
) -> None:
    """Store what is known of the file: the packed fragment index (None leaves it) and how much of it is synced."""
    values: dict[str, bytes | int] = {"synced_bytes": synced_bytes}
    if fragments is not None:
        values["fragments"] = fragments
    await connection.execute(
        update(recording_media).where(recording_media.c.recording_id == recording_id).values(values)
    )


async def complete(
    connection: AsyncConnection, recording_id: int, *, end_us: int, size_bytes: int, damaged: str = ""
) -> None:
    """Store that a recording's file is finished."""
    await facets.lock(connection)
    was = await get(connection, recording_id)
    if was is None:
        return
    values = {"end_us": end_us, "size_bytes": size_bytes, "complete": True, "damaged": damaged}
    await connection.execute(update(recordings).where(recordings.c.id == recording_id).values(values))
    await digests.is_due(connection, recording_id, readable=not damaged)
    grown = size_bytes - (was.size_bytes if was.complete else 0)
    longer_us = end_us - (was.end_us if was.complete else was.start_us)
    await add_to_day(connection, was.stream_name, was.start_us, 0, grown, longer_us)
    before = [(was, -1)] if was.complete else []
    done = replace(was, end_us=end_us, size_bytes=size_bytes)
    await ranks.add(connection, [*before, (done, 1)])
    await facets.place(connection, recording_id, end_us=end_us, size_bytes=size_bytes)
    await labelling.count_again(connection, done)


async def remove(connection: AsyncConnection, recording: Recording) -> bool:
    """Delete the row of a recording. Returns False when it was gone already."""
    return bool(await remove_all(connection, [recording.id]))


async def remove_all(connection: AsyncConnection, recording_ids: Sequence[int]) -> tuple[Recording, ...]:
    """Delete the rows of some hundred recordings at most. Returns those that were there."""
    await facets.lock(connection)
    chosen = recordings.c.id.in_(recording_ids)
    there = {row[0]: recording_from(row) for row in await connection.execute(select(recordings).where(chosen))}
    gone = set((await connection.execute(delete(recordings).where(chosen).returning(recordings.c.id))).scalars())
    removed = tuple(recording for key, recording in there.items() if key in gone)
    days: Counter[tuple[int, str]] = Counter()
    sizes: Counter[tuple[int, str]] = Counter()
    lengths_us: Counter[tuple[int, str]] = Counter()
    for recording in removed:
        day = recording.start_us // DAY_US, recording.stream_name
        days[day] -= 1
        sizes[day] -= recording.size_bytes if recording.complete else 0
        lengths_us[day] -= recording.end_us - recording.start_us if recording.complete else 0
    for (day_number, stream_name), many in sorted(days.items()):
        day = day_number, stream_name
        await add_to_day(connection, stream_name, day_number * DAY_US, many, sizes[day], lengths_us[day])
    await ranks.add(connection, [(recording, -1) for recording in removed if recording.complete])
    await facets.forget(connection, [recording.id for recording in removed])
    return removed


async def add_to_day(
    connection: AsyncConnection, stream_name: str, start_us: int, recordings: int, size_bytes: int, recorded_us: int
) -> None:
    """Count so many more recordings on the UTC day of `start_us`, and so much more of finished ones."""
    values = {
        "day": start_us // DAY_US,
        "stream_name": stream_name,
        "recordings": recordings,
        "size_bytes": size_bytes,
        "recorded_us": recorded_us,
    }
    await connection.execute(_ADD_TO_DAY, values)


async def ensure_storage(connection: AsyncConnection, name: str, root: str) -> tuple[int, bool]:
    """Return the id of the storage with this name, and whether it was made just now. Its root is updated."""
    found = (await connection.execute(select(storages.c.id).where(storages.c.name == name))).scalar_one_or_none()
    if found is not None:
        await connection.execute(update(storages).where(storages.c.id == found).values(root=root))
        return int(found), False
    made = await connection.execute(insert(storages).values(name=name, root=root).returning(storages.c.id))
    return int(made.scalar_one()), True


async def storages_there(connection: AsyncConnection) -> tuple[Storage, ...]:
    """Return all storages, those too that are not in the settings any more."""
    rows = (await connection.execute(select(storages).order_by(storages.c.id))).all()
    return tuple(Storage(row.id, row.name, Path(row.root)) for row in rows)


async def is_used(connection: AsyncConnection, storage_id: int) -> bool:
    """Whether any recording is on this storage."""
    query = select(recordings.c.id).where(recordings.c.storage_id == storage_id).limit(1)
    return (await connection.execute(query)).first() is not None


async def storage_root(connection: AsyncConnection, storage_id: int) -> str | None:
    """Return where a storage is."""
    return (await connection.execute(select(storages.c.root).where(storages.c.id == storage_id))).scalar_one_or_none()


async def media(connection: AsyncConnection, recording_id: int) -> tuple[bytes, bytes] | None:
    """Return the init segment and the packed fragment index of a recording."""
    query = select(recording_media.c.init_segment, recording_media.c.fragments)
    row = (await connection.execute(query.where(recording_media.c.recording_id == recording_id))).one_or_none()
    return None if row is None else (row[0], row[1])
