"""The tags of recordings, and what they show."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, CompoundSelect, Executable, delete, insert, literal_column, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.engine import Database
from lightnvr.db.tables import detections, recording_facets, recording_labels, recording_tags, recordings
from lightnvr.recording import bits, facets, labelling
from lightnvr.recording.deletions import BEING_DELETED
from lightnvr.recording.detection import Detection
from lightnvr.recording.facets import Facet, FacetKind
from lightnvr.recording.model import Marks, RecordingNotFound, TooManyTags
from lightnvr.recording.service import TagChange

MOST_TAGS = 64
"""So many tags a recording has at most."""

MOST_LABELS = 10
_IDS_AT_ONCE = 500

_EVERY_LABEL = text(
    "WITH RECURSIVE labels (label) AS (SELECT min(label) FROM detections UNION ALL"
    " SELECT (SELECT min(label) FROM detections WHERE label > labels.label) FROM labels WHERE labels.label IS NOT NULL)"
    " SELECT label FROM labels WHERE label IS NOT NULL"
)
"""Goes from label to label by the index: there may be millions of detections."""


class StoredMarks:
    """Implements `RecordingMarks` and `Detections` on the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, recording_ids: Sequence[int]) -> Mapping[int, Marks]:
        """See RecordingMarks."""
        if not recording_ids:
            return {}
        tags: defaultdict[int, list[str]] = defaultdict(list)
        labels: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
        async with self._database.reading.connect() as connection:
            for first in range(0, len(recording_ids), _IDS_AT_ONCE):
                query = _tags_and_labels(recording_ids[first : first + _IDS_AT_ONCE])
                for row in (await connection.execute(query)).all():
                    if row[2]:
                        labels[row[0]].append((row[1], row[2]))
                    else:
                        tags[row[0]].append(row[1])
        return {key: Marks(tuple(sorted(tags[key])), _most_frequent(labels[key])) for key in {*tags, *labels}}

    async def detected(self, recording_ids: Sequence[int]) -> frozenset[int]:
        """See RecordingMarks."""
        wanted = bits.bits_of(recording_ids)
        async with self._database.reading.connect() as connection:
            found = await facets.having(connection, facets.DETECTION, wanted)
        return frozenset(bits.ids_of(bits.both(wanted, found)))

    async def set_tags(self, recording_id: int, tags: Sequence[str]) -> tuple[str, ...]:
        """See RecordingMarks."""
        wanted = set(tags)
        _check(wanted)
        async with self._database.writing.begin() as connection:
            await facets.lock(connection)
            if not await _there(connection, [recording_id]):
                raise RecordingNotFound(f"There is no recording {recording_id}.")
            had = set((await _tags(connection, [recording_id])).get(recording_id, ()))
            await _store(connection, {recording_id: had}, {recording_id: wanted})
        return tuple(sorted(wanted))

    async def change_tags(self, recording_ids: Sequence[int], add: Sequence[str], remove: Sequence[str]) -> TagChange:
        """See RecordingMarks."""
        added = removed = 0
        changed: set[int] = set()
        async with self._database.writing.begin() as connection:
            await facets.lock(connection)
            for first in range(0, len(recording_ids), _IDS_AT_ONCE):
                there = await _there(connection, recording_ids[first : first + _IDS_AT_ONCE])
                tags = await _tags(connection, list(there))
                had = {key: set(tags.get(key, ())) for key in there}
                wanted = {key: (some | set(add)) - set(remove) for key, some in had.items()}
                for some in wanted.values():
                    _check(some)
                await _store(connection, had, wanted)
                changed |= there
                added += sum(len(wanted[key] - had[key]) for key in there)
                removed += sum(len(had[key] - wanted[key]) for key in there)
        return TagChange(frozenset(changed), added, removed)

    async def tags(self, among: frozenset[str] | None = None) -> tuple[str, ...]:
        """See RecordingMarks."""
        if among is not None:
            return await self._texts(
                select(recording_tags.c.tag)
                .distinct()
                .join(recordings, recordings.c.id == recording_tags.c.recording_id)
                .where(recordings.c.stream_name.in_(among))
            )
        query = select(recording_facets.c.value).where(recording_facets.c.kind == FacetKind.TAG.value).distinct()
        return await self._texts(query)

    async def labels(self, among: frozenset[str] | None = None) -> tuple[str, ...]:
        """See RecordingMarks."""
        if among is not None:
            return await self._texts(select(detections.c.label).distinct().where(detections.c.stream_name.in_(among)))
        return await self._texts(_EVERY_LABEL)

    async def _texts(self, query: Executable) -> tuple[str, ...]:
        async with self._database.reading.connect() as connection:
            return tuple(sorted((await connection.execute(query)).scalars()))

    async def add_detections(self, seen: Sequence[Detection]) -> list[int]:
        """See Detections."""
        async with self._database.writing.begin() as connection:
            return await labelling.add_detections(connection, seen)

    async def end_detections(self, detection_ids: Sequence[int], end_us: int) -> None:
        """See Detections."""
        async with self._database.writing.begin() as connection:
            await labelling.end_detections(connection, detection_ids, end_us)


def _check(tags: set[str]) -> None:
    if len(tags) > MOST_TAGS:
        raise TooManyTags(f"A recording can have {MOST_TAGS} tags at most.")


async def _there(connection: AsyncConnection, recording_ids: Sequence[int]) -> set[int]:
    query = select(recordings.c.id).where(recordings.c.id.in_(recording_ids), ~BEING_DELETED)
    return set((await connection.execute(query)).scalars())


async def _tags(connection: AsyncConnection, recording_ids: Sequence[int]) -> dict[int, list[str]]:
    found: defaultdict[int, list[str]] = defaultdict(list)
    for first in range(0, len(recording_ids), _IDS_AT_ONCE):
        some = recording_tags.c.recording_id.in_(recording_ids[first : first + _IDS_AT_ONCE])
        for key, tag in (await connection.execute(select(recording_tags).where(some))).all():
            found[key].append(tag)
    return {key: sorted(tags) for key, tags in found.items()}


def _tags_and_labels(recording_ids: Sequence[int]) -> CompoundSelect[Any]:
    """Return the query for (id, tag, 0) and (id, label, how often): one, for it is asked for each page of a list."""
    tag, label = recording_tags.c, recording_labels.c
    return union_all(
        select(tag.recording_id, tag.tag, literal_column("0", BigInteger)).where(tag.recording_id.in_(recording_ids)),
        select(label.recording_id, label.label, label.detections).where(label.recording_id.in_(recording_ids)),
    )


def _most_frequent(labels: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(labels, key=lambda each: (-each[1], each[0]))[:MOST_LABELS])


async def _store(connection: AsyncConnection, had: Mapping[int, set[str]], wanted: Mapping[int, set[str]]) -> None:
    added: defaultdict[Facet, list[int]] = defaultdict(list)
    removed: defaultdict[Facet, list[int]] = defaultdict(list)
    for key, tags in wanted.items():
        for tag in tags - had[key]:
            added[Facet(FacetKind.TAG, tag)].append(key)
        for tag in had[key] - tags:
            removed[Facet(FacetKind.TAG, tag)].append(key)
    for facet, keys in removed.items():
        for first in range(0, len(keys), _IDS_AT_ONCE):
            some = recording_tags.c.recording_id.in_(keys[first : first + _IDS_AT_ONCE])
            await connection.execute(delete(recording_tags).where(some, recording_tags.c.tag == facet.value))
    rows = [{"recording_id": key, "tag": facet.value} for facet, keys in added.items() for key in keys]
    if rows:
        await connection.execute(insert(recording_tags), rows)
    await facets.change(connection, added, removed)
