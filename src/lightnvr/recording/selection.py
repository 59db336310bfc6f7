"""Lists of recordings filtered by what they have: tags, labels, detections, protection, capture method.

The sets of the facets are combined, which gives exactly the recordings of the list. To find a page by start, the
recordings of each day are counted in the set; only the days that the page lies on are looked at.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, false, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.tables import recording_facets, recordings
from lightnvr.recording import facets
from lightnvr.recording.facets import Bits, FacetKind
from lightnvr.recording.model import DAY_US, Recording, RecordingFilter, RecordingPage, RecordingSort
from lightnvr.recording.rows import recording_from, wanted_starts

_GATHERED = 2000
"""Of so many recordings the keys are read one by one; of more, by a walk over an index."""

_IDS_AT_ONCE = 500

Key = tuple[bytes, int, int]
"""What decides the place of a recording: its stream in a list by stream, its value in the others, its id."""

_VALUES = {
    RecordingSort.ID: recordings.c.id,
    RecordingSort.STREAM_NAME: recordings.c.stream_name,
    RecordingSort.START_TIME: recordings.c.start_us,
    RecordingSort.END_TIME: recordings.c.end_us,
    RecordingSort.SIZE_BYTES: recordings.c.size_bytes,
}


async def page(
    connection: AsyncConnection, wanted: RecordingFilter, offset: int, limit: int, *, gathered: int = _GATHERED
) -> RecordingPage:
    """Return `limit` recordings from `offset` on, and how many there are.

    By start, by id and by stream this takes the same time anywhere in the list. By end or by size, a list of more than
    `gathered` recordings is walked over from the nearer end.
    """
    chosen = await _without_time(connection, wanted)
    days = await _days(connection, wanted, chosen)
    total = sum(facets.count(bits) for bits in days)
    if offset >= total or not limit:
        return RecordingPage((), total)
    if wanted.sort is RecordingSort.START_TIME:
        keys = await _by_start(connection, wanted, days, offset, limit)
    elif wanted.sort is RecordingSort.ID:
        ids = facets.page_of(facets.either(days), offset, limit, descending=wanted.descending)
        keys = [(b"", 0, key) for key in ids]
    else:
        keys = await _by_value(connection, wanted, facets.either(days), offset, limit, gathered)
    return RecordingPage(await _rows(connection, [key for _, _, key in keys]), total)


async def finished_ids(connection: AsyncConnection, wanted: RecordingFilter) -> list[int]:
    """Return the ids of the finished recordings of any filter, the oldest day first."""
    chosen = facets.without(await _without_time(connection, wanted), await _open(connection))
    return [key for bits in await _days(connection, wanted, chosen) for key in facets.ids_of(bits)]


async def _open(connection: AsyncConnection) -> Bits:
    query = select(recordings.c.id).where(recordings.c.complete == false())
    return facets.bits_of((await connection.execute(query)).scalars())


async def _without_time(connection: AsyncConnection, wanted: RecordingFilter) -> Bits:
    """Return the recordings of a filter, whenever they began."""
    asked: list[Bits] = []
    if wanted.tags:
        asked.append(await facets.having(connection, FacetKind.TAG, wanted.tags))
    if wanted.labels:
        asked.append(await _labelled(connection, wanted.labels))
    if wanted.streams:
        asked.append(await facets.having(connection, FacetKind.STREAM, wanted.streams))
    if wanted.methods:
        methods = [method.value for method in wanted.methods]
        asked.append(await facets.having(connection, FacetKind.METHOD, methods))
    if wanted.protected:
        asked.append(await facets.having(connection, FacetKind.PROTECTED))
    if wanted.detected:
        asked.append(await facets.having(connection, FacetKind.DETECTION))
    # Every recording has a method.
    chosen = asked[0] if asked else await facets.having(connection, FacetKind.METHOD)
    for others in asked[1:]:
        chosen = facets.both(chosen, others)
    for asked_for, kind in ((wanted.protected, FacetKind.PROTECTED), (wanted.detected, FacetKind.DETECTION)):
        if asked_for is False:
            chosen = facets.without(chosen, await facets.having(connection, kind))
    return chosen


async def _labelled(connection: AsyncConnection, parts: Sequence[str]) -> Bits:
    query = select(recording_facets.c.value).where(recording_facets.c.kind == FacetKind.LABEL.value).distinct()
    lowered = [part.lower() for part in parts]
    labels = [label for label in (await connection.execute(query)).scalars() if _has_any(label, lowered)]
    return await facets.having(connection, FacetKind.LABEL, labels)


def _has_any(label: str, lowered: Sequence[str]) -> bool:
    return any(part in label.lower() for part in lowered)


async def _days(connection: AsyncConnection, wanted: RecordingFilter, chosen: Bits) -> list[Bits]:
    """Return the chosen recordings that lie within the bounds, one set for each day, in order."""
    condition = recording_facets.c.kind == FacetKind.DAY.value
    if wanted.start_us is not None:
        condition = condition & (recording_facets.c.value >= facets.day_facet(wanted.start_us).value)
    if wanted.end_us is not None:
        condition = condition & (recording_facets.c.value <= facets.day_facet(wanted.end_us).value)
    found: list[Bits] = []
    for facet, bits in (await facets.read(connection, condition)).items():
        some = facets.both(chosen, bits)
        first_us = int(facet.value) * DAY_US
        is_cut = (wanted.start_us or first_us) > first_us or (
            wanted.end_us is not None and wanted.end_us < first_us + DAY_US - 1
        )
        if some and is_cut:
            within = wanted_starts(wanted, recordings.c.start_us)
            of_day = recordings.c.start_us.between(first_us, first_us + DAY_US - 1)
            ids = (await connection.execute(select(recordings.c.id).where(within, of_day))).scalars()
            some = facets.both(some, facets.bits_of(ids))
        if some:
            found.append(some)
    return found


async def _by_start(
    connection: AsyncConnection, wanted: RecordingFilter, days: list[Bits], offset: int, limit: int
) -> list[Key]:
    ids: list[int] = []
    for bits in reversed(days) if wanted.descending else days:
        many = facets.count(bits)
        if not ids and offset >= many:
            offset -= many
            continue
        ids += facets.ids_of(bits)
        if len(ids) >= offset + limit:
            break
    keys = await _keys_of(connection, wanted, ids)
    return sorted(keys, reverse=wanted.descending)[offset : offset + limit]


async def _by_value(
    connection: AsyncConnection, wanted: RecordingFilter, chosen: Bits, offset: int, limit: int, gathered: int
) -> list[Key]:
    if facets.count(chosen) <= gathered:
        keys = await _keys_of(connection, wanted, facets.ids_of(chosen))
        return sorted(keys, reverse=wanted.descending)[offset : offset + limit]
    if wanted.sort is RecordingSort.STREAM_NAME:
        return await _by_stream(connection, wanted, chosen, offset, limit)
    return await _walk(connection, wanted, chosen, offset, limit)


async def _by_stream(
    connection: AsyncConnection, wanted: RecordingFilter, chosen: Bits, offset: int, limit: int
) -> list[Key]:
    streams = await facets.read(connection, recording_facets.c.kind == FacetKind.STREAM.value)
    keys: list[Key] = []
    by_name = sorted(streams.items(), key=lambda each: each[0].value.encode(), reverse=wanted.descending)
    for facet, bits in by_name:
        some = facets.both(chosen, bits)
        many = facets.count(some)
        if offset >= many:
            offset -= many
            continue
        of_stream = facets.page_of(some, offset, limit - len(keys), descending=wanted.descending)
        keys += [(facet.value.encode(), 0, key) for key in of_stream]
        offset = 0
        if len(keys) == limit:
            break
    return keys


async def _walk(
    connection: AsyncConnection, wanted: RecordingFilter, chosen: Bits, offset: int, limit: int
) -> list[Key]:
    """Return the keys of a page of a long list by end or by size, by walking over an index from the nearer end."""
    total = facets.count(chosen)
    if offset > total // 2:
        limit = min(limit, total - offset)
        turned = replace(wanted, descending=not wanted.descending)
        return (await _walk(connection, turned, chosen, total - offset - limit, limit))[::-1]
    unfinished = facets.both(chosen, await _open(connection))
    # The indexes hold finished recordings only.
    others = sorted(await _keys_of(connection, wanted, facets.ids_of(unfinished)), reverse=wanted.descending)
    keys: list[Key] = []
    async for key in _finished(connection, wanted, facets.without(chosen, unfinished)):
        while others and (others[0] > key) == wanted.descending:
            keys.append(others.pop(0))
        keys.append(key)
        if len(keys) >= offset + limit:
            break
    return (keys + others)[offset : offset + limit]


async def _finished(connection: AsyncConnection, wanted: RecordingFilter, chosen: Bits) -> AsyncIterator[Key]:
    value, key = _VALUES[wanted.sort], recordings.c.id
    order = (value.desc(), key.desc()) if wanted.descending else (value.asc(), key.asc())
    query = select(value, key).where(recordings.c.complete == true()).order_by(*order)
    rows = await connection.stream(query.execution_options(yield_per=5000))
    try:
        async for row in rows:
            if facets.has(chosen, row[1]):
                yield b"", row[0], row[1]
    finally:
        await rows.close()


async def _keys_of(connection: AsyncConnection, wanted: RecordingFilter, ids: Sequence[int]) -> list[Key]:
    value = _VALUES[wanted.sort]
    rows = await _in_parts(connection, select(value, recordings.c.id), ids)
    if wanted.sort is RecordingSort.STREAM_NAME:
        return [(row[0].encode(), 0, row[1]) for row in rows]
    return [(b"", row[0], row[1]) for row in rows]


async def _rows(connection: AsyncConnection, ids: Sequence[int]) -> tuple[Recording, ...]:
    found = {row[0]: recording_from(row) for row in await _in_parts(connection, select(recordings), ids)}
    # One that was deleted since its facets were read, on a database without snapshots, is left out.
    return tuple(found[key] for key in ids if key in found)


async def _in_parts(connection: AsyncConnection, query: "Select[Any]", ids: Sequence[int]) -> list[Any]:
    rows: list[Any] = []
    for first in range(0, len(ids), _IDS_AT_ONCE):
        some = query.where(recordings.c.id.in_(ids[first : first + _IDS_AT_ONCE]))
        rows += (await connection.execute(some)).all()
    return rows
