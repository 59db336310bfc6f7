"""Lists of recordings filtered by what they have: tags, labels, detections, protection, capture method.

The sets of the facets are combined, which gives exactly the recordings of the list. To find a page by start, the
recordings of each day are counted in the set; only the days that the page lies on are looked at. By end and by size
the digits of the order tell among which recordings the page is.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, false, select
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.tables import recordings
from lightnvr.recording import bits, facets, orders
from lightnvr.recording.bits import Bits
from lightnvr.recording.facets import FacetKind
from lightnvr.recording.known_facets import FacetsNow, KnownFacets, Unit
from lightnvr.recording.model import DAY_US, Recording, RecordingFilter, RecordingPage, RecordingSort
from lightnvr.recording.placing import Key, finished_of, with_open
from lightnvr.recording.rows import recording_from, wanted_starts, wanted_streams

_GATHERED = 500
"""The keys of so many recordings are read and sorted."""

_IDS_AT_ONCE = 500

_VALUES = {
    RecordingSort.ID: recordings.c.id,
    RecordingSort.STREAM_NAME: recordings.c.stream_name,
    RecordingSort.START_TIME: recordings.c.start_us,
    RecordingSort.END_TIME: recordings.c.end_us,
    RecordingSort.SIZE_BYTES: recordings.c.size_bytes,
}


async def page(
    connection: AsyncConnection,
    wanted: RecordingFilter,
    offset: int,
    limit: int,
    *,
    known: KnownFacets | None = None,
    gathered: int = _GATHERED,
) -> RecordingPage:
    """Return `limit` recordings from `offset` on, and how many there are. This takes the same time for any page.

    What `known` remembers is not read again. Lists of at most `gathered` recordings are sorted.
    """
    now, chosen = await _chosen(connection, known or KnownFacets(), wanted)
    by_start = wanted.sort is RecordingSort.START_TIME
    days = await _days(connection, now, wanted, chosen) if by_start or _is_bounded(wanted) else []
    if not by_start and _is_bounded(wanted):
        chosen = bits.both(chosen, bits.either(of_day for _, of_day in days))
    total = sum(many for many, _ in days) if by_start else bits.count(chosen)
    if offset >= total or not limit:
        return RecordingPage((), total)
    if by_start:
        keys = await _by_start(connection, wanted, chosen, days, offset, limit)
    elif wanted.sort is RecordingSort.ID:
        keys = [(b"", 0, key) for key in bits.page_of(chosen, offset, limit, descending=wanted.descending)]
    elif total <= gathered:
        keys = (await _sorted_keys(connection, wanted, chosen))[offset : offset + limit]
    elif wanted.sort is RecordingSort.STREAM_NAME:
        keys = _by_stream(now, wanted, chosen, offset, limit)
    else:
        keys = await _by_value(connection, now, wanted, chosen, offset, limit, gathered)
    return RecordingPage(await _rows(connection, [key for _, _, key in keys]), total)


async def finished_ids(connection: AsyncConnection, wanted: RecordingFilter) -> list[int]:
    """Return the ids of the finished recordings of any filter, the oldest day first."""
    wanted = replace(wanted, sort=RecordingSort.START_TIME)
    now, chosen = await _chosen(connection, KnownFacets(), wanted)
    chosen = bits.without(chosen, await _open(connection))
    days = await _days(connection, now, wanted, chosen)
    return [key for _, of_day in days for key in bits.ids_of(bits.both(of_day, chosen))]


async def _open(connection: AsyncConnection) -> Bits:
    query = select(recordings.c.id).where(recordings.c.complete == false())
    return bits.bits_of((await connection.execute(query)).scalars())


def _is_bounded(wanted: RecordingFilter) -> bool:
    return wanted.start_us is not None or wanted.end_us is not None


async def _chosen(connection: AsyncConnection, known: KnownFacets, wanted: RecordingFilter) -> tuple[FacetsNow, Bits]:
    """Return the facets that a list needs, and the recordings of its filter, whenever they began."""
    now = await known.now(connection)
    having: list[tuple[FacetKind, Sequence[str]]] = []
    if wanted.tags:
        having.append((FacetKind.TAG, wanted.tags))
    if wanted.labels:
        lowered = [part.lower() for part in wanted.labels]
        having.append((FacetKind.LABEL, [label for label in await now.labels() if _has_any(label, lowered)]))
    if wanted.streams:
        having.append((FacetKind.STREAM, wanted.streams))
    if wanted.methods:
        having.append((FacetKind.METHOD, [method.value for method in wanted.methods]))
    lacking: list[FacetKind] = []
    for asked, kind in ((wanted.protected, FacetKind.PROTECTED), (wanted.detected, FacetKind.DETECTION)):
        if asked:
            having.append((kind, [""]))
        elif asked is False:
            lacking.append(kind)
    units = [Unit(kind, value) for kind, values in having for value in values]
    units += [Unit(kind) for kind in lacking]
    # Every recording has a method.
    units += [] if having else [Unit(FacetKind.METHOD, None)]
    await now.load(dict.fromkeys([*units, *_for_order(wanted)]))
    chosen = bits.either(now.each(FacetKind.METHOD).values()) if not having else now.having(*having[0])
    for kind, values in having[1:]:
        chosen = bits.both(chosen, now.having(kind, values))
    for kind in lacking:
        chosen = bits.without(chosen, now.having(kind))
    return now, chosen


def _for_order(wanted: RecordingFilter) -> list[Unit]:
    units: list[Unit] = []
    if wanted.sort in facets.ORDERED:
        units.append(Unit(facets.ORDERED[wanted.sort].kind))
    elif wanted.sort is RecordingSort.STREAM_NAME:
        units.append(Unit(FacetKind.STREAM, None))
    if wanted.sort is RecordingSort.START_TIME or _is_bounded(wanted):
        units.append(Unit(FacetKind.DAY, None))
    return units


def _has_any(label: str, lowered: Sequence[str]) -> bool:
    return any(part in label.lower() for part in lowered)


async def _days(
    connection: AsyncConnection, now: FacetsNow, wanted: RecordingFilter, chosen: Bits
) -> list[tuple[int, Bits]]:
    """Return for each day within the bounds how many chosen recordings it has, if any, and all that it has."""
    found: list[tuple[int, Bits]] = []
    first = None if wanted.start_us is None else facets.day_facet(wanted.start_us).value
    last = None if wanted.end_us is None else facets.day_facet(wanted.end_us).value
    for day, of_day in sorted(now.each(FacetKind.DAY).items()):
        if (first is not None and day < first) or (last is not None and day > last):
            continue
        within = of_day
        if day in {first, last}:
            first_us = int(day) * DAY_US
            within = await _within(connection, wanted, chosen, of_day, (first_us, first_us + DAY_US - 1))
        if many := bits.count_both(within, chosen):
            found.append((many, within))
    return found


async def _within(
    connection: AsyncConnection, wanted: RecordingFilter, chosen: Bits, of_day: Bits, day_us: tuple[int, int]
) -> Bits:
    """Return what of a day lies within the bounds of a list; of other streams than its own perhaps nothing."""
    first_us, last_us = day_us
    is_cut = (wanted.start_us or first_us) > first_us or (wanted.end_us is not None and wanted.end_us < last_us)
    if not is_cut or not bits.count_both(of_day, chosen):
        return of_day
    of_list = wanted_streams(wanted, recordings.c.stream_name), wanted_starts(wanted, recordings.c.start_us)
    ids = select(recordings.c.id).where(*of_list, recordings.c.start_us.between(first_us, last_us))
    return bits.both(of_day, bits.bits_of((await connection.execute(ids)).scalars()))


async def _by_start(
    connection: AsyncConnection,
    wanted: RecordingFilter,
    chosen: Bits,
    days: Sequence[tuple[int, Bits]],
    offset: int,
    limit: int,
) -> list[Key]:
    on_page: list[Bits] = []
    gathered = 0
    for many, of_day in reversed(days) if wanted.descending else days:
        if not on_page and offset >= many:
            offset -= many
            continue
        on_page.append(of_day)
        gathered += many
        if gathered >= offset + limit:
            break
    keys = await _sorted_keys(connection, wanted, bits.both(bits.either(on_page), chosen))
    return keys[offset : offset + limit]


def _by_stream(now: FacetsNow, wanted: RecordingFilter, chosen: Bits, offset: int, limit: int) -> list[Key]:
    keys: list[Key] = []
    # By the bytes of the name, as everywhere.
    streams = sorted((name.encode(), of_stream) for name, of_stream in now.each(FacetKind.STREAM).items())
    for name, of_stream in reversed(streams) if wanted.descending else streams:
        some = bits.both(chosen, of_stream)
        many = bits.count(some)
        if offset >= many:
            offset -= many
            continue
        keys += [(name, 0, key) for key in bits.page_of(some, offset, limit - len(keys), descending=wanted.descending)]
        offset = 0
        if len(keys) == limit:
            break
    return keys


async def _by_value(
    connection: AsyncConnection,
    now: FacetsNow,
    wanted: RecordingFilter,
    chosen: Bits,
    offset: int,
    limit: int,
    gathered: int,
) -> list[Key]:
    """Return the keys of a page by end or by size."""
    unfinished = bits.both(chosen, await _open(connection))
    # Their ends and sizes change every second, so the order has finished ones only.
    opened = await _sorted_keys(connection, wanted, unfinished)
    finished = bits.without(chosen, unfinished)
    first, many = finished_of(offset, limit, opened=len(opened), finished=bits.count(finished))
    walked: list[Key] = []
    if many > 0:
        skipped, part = orders.places(
            now.digits(wanted.sort), finished, first, many, descending=wanted.descending, few=gathered
        )
        walked = (await _sorted_keys(connection, wanted, part))[skipped : skipped + many]
    return with_open(walked, opened, first, offset, limit, descending=wanted.descending)


async def _sorted_keys(connection: AsyncConnection, wanted: RecordingFilter, some: Bits) -> list[Key]:
    rows = await _in_parts(connection, select(_VALUES[wanted.sort], recordings.c.id), bits.ids_of(some))
    if wanted.sort is RecordingSort.STREAM_NAME:
        return sorted(((row[0].encode(), 0, row[1]) for row in rows), reverse=wanted.descending)
    return sorted(((b"", row[0], row[1]) for row in rows), reverse=wanted.descending)


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
