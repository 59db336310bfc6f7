"""Listing many finished files at once, which another program made and whose facts are known from elsewhere."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.tables import detections, recording_media, recording_tags, recordings
from lightnvr.recording import facets, labelling, ranks, store
from lightnvr.recording.detection import Detection
from lightnvr.recording.facets import Facet, FacetKind
from lightnvr.recording.model import DAY_US, CaptureMethod, Recording, Tier
from lightnvr.recording.plain_file import PlainFile
from lightnvr.recording.rows import recording_from

_LONGEST_US = DAY_US
"""No detection is longer, as far as recordings find it."""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """One finished file. `start_us` is microseconds since 1970 UTC; the rest as in Recording."""

    stream_name: str
    path: PurePosixPath
    start_us: int
    capture_method: CaptureMethod
    schedule_restricted: bool
    protected: bool
    tier: Tier
    override_days: int | None
    tags: tuple[str, ...]
    file: PlainFile


async def add_finished(connection: AsyncConnection, storage_id: int, some: Sequence[TakenOver]) -> None:
    """Store some hundred recordings of a storage that have no row yet, with all that lists are made of.

    They get no digest: one that is taken now says nothing about the time when the file was closed.
    """
    if not some:
        return
    await facets.lock(connection)
    query = insert(recordings).returning(recordings, sort_by_parameter_order=True)
    rows = (await connection.execute(query, [_row(storage_id, each) for each in some])).all()
    stored = [recording_from(row) for row in rows]
    media = [
        {
            "recording_id": recording.id,
            "init_segment": each.file.init_segment,
            "fragments": each.file.fragments,
            "synced_bytes": each.file.size_bytes,
        }
        for recording, each in zip(stored, some, strict=True)
    ]
    await connection.execute(insert(recording_media), media)
    having: defaultdict[Facet, list[int]] = defaultdict(list)
    tags: list[dict[str, object]] = []
    for recording, each in zip(stored, some, strict=True):
        for facet in facets.facets_of(recording):
            having[facet].append(recording.id)
        for tag in dict.fromkeys(each.tags):
            having[Facet(FacetKind.TAG, tag)].append(recording.id)
            tags.append({"recording_id": recording.id, "tag": tag})
    if tags:
        await connection.execute(insert(recording_tags), tags)
    await facets.change(connection, having, {})
    await facets.place_all(connection, [(each.id, each.end_us, each.size_bytes) for each in stored])
    await ranks.add(connection, [(recording, 1) for recording in stored])
    await _add_to_days(connection, stored)
    for stream_name in sorted({recording.stream_name for recording in stored}):
        await _label(connection, [each for each in stored if each.stream_name == stream_name])


async def add_detections(connection: AsyncConnection, seen: Sequence[Detection]) -> int:
    """Store detections that are not there yet, before the recordings that show them, and return how many were new."""
    fresh: list[Detection] = []
    by_stream: defaultdict[str, list[Detection]] = defaultdict(list)
    for detection in seen:
        by_stream[detection.stream_name].append(detection)
    for stream_name, of_stream in by_stream.items():
        columns = detections.c
        query = select(columns.start_us, columns.label, columns.score, columns.x, columns.y).where(
            columns.stream_name == stream_name, columns.start_us.in_({each.start_us for each in of_stream})
        )
        there = {tuple(row) for row in (await connection.execute(query)).all()}
        fresh += [each for each in of_stream if _identity(each) not in there]
    if fresh:
        await connection.execute(insert(detections), [_detection_row(each) for each in fresh])
    return len(fresh)


def _identity(detection: Detection) -> tuple[int, str, float, float, float]:
    return detection.start_us, detection.label, detection.score, detection.box.x, detection.box.y


def _detection_row(detection: Detection) -> dict[str, object]:
    box = detection.box
    return {
        "stream_id": detection.stream_id,
        "stream_name": detection.stream_name,
        "start_us": detection.start_us,
        "end_us": detection.end_us,
        "label": detection.label,
        "score": detection.score,
        "x": box.x,
        "y": box.y,
        "width": box.width,
        "height": box.height,
        "track_id": detection.track_id,
        "zone": detection.zone,
        "source": detection.source,
        "recording_id": None,
    }


def _row(storage_id: int, each: TakenOver) -> dict[str, object]:
    file = each.file
    return {
        "stream_name": each.stream_name,
        "storage_id": storage_id,
        "path": str(each.path),
        "start_us": each.start_us,
        "end_us": each.start_us + file.length_us,
        "size_bytes": file.size_bytes,
        "complete": True,
        "codec": file.codec,
        "width": file.width,
        "height": file.height,
        "fps": file.fps,
        "capture_method": each.capture_method.value,
        "schedule_restricted": each.schedule_restricted,
        "protected": each.protected,
        "damaged": "",
        "tier": each.tier.value,
        "override_days": each.override_days,
    }


async def _add_to_days(connection: AsyncConnection, stored: Sequence[Recording]) -> None:
    many: Counter[tuple[int, str]] = Counter()
    sizes: Counter[tuple[int, str]] = Counter()
    lengths_us: Counter[tuple[int, str]] = Counter()
    for recording in stored:
        day = recording.start_us // DAY_US, recording.stream_name
        many[day] += 1
        sizes[day] += recording.size_bytes
        lengths_us[day] += recording.end_us - recording.start_us
    for day in sorted(many):
        await store.add_to_day(connection, day[1], day[0] * DAY_US, many[day], sizes[day], lengths_us[day])


async def _label(connection: AsyncConnection, stored: Sequence[Recording]) -> None:
    """Count what recordings of one stream show."""
    first_us, last_us = min(each.start_us for each in stored) - _LONGEST_US, max(each.end_us for each in stored)
    columns = detections.c
    query = (
        select(columns.start_us, columns.end_us, columns.label)
        .where(columns.stream_name == stored[0].stream_name, columns.start_us.between(first_us, last_us))
        .order_by(columns.start_us)
    )
    seen = (await connection.execute(query)).all()
    if not seen:
        return
    starts = [start_us for start_us, _, _ in seen]
    longest_us = max(end_us - start_us for start_us, end_us, _ in seen)
    counts: Counter[tuple[int, str]] = Counter()
    for recording in stored:
        begin = bisect_left(starts, recording.start_us - longest_us)
        for _, end_us, label in seen[begin : bisect_right(starts, recording.end_us)]:
            if end_us >= recording.start_us:
                counts[recording.id, label] += 1
    await labelling.note(connection, counts)
