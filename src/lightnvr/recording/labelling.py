"""Which recordings show what was detected.

A recording shows a detection of its stream whose time it overlaps, and a recording that is being written also one that
came later than what is on the disk so far. When it is finished its labels are counted again, by its true end.
"""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import delete, false, func, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lightnvr.db.tables import detections, recording_labels, recordings
from lightnvr.recording import facets
from lightnvr.recording.detection import Detection
from lightnvr.recording.facets import DETECTION, Facet, FacetKind
from lightnvr.recording.model import BY_DETECTION, DAY_US, Recording

_LONGEST_US = DAY_US
"""Neither a recording nor a detection is longer, as far as the two find each other."""

_COUNT = text(
    "INSERT INTO recording_labels (recording_id, label, detections) VALUES (:recording_id, :label, :detections)"
    " ON CONFLICT (recording_id, label) DO UPDATE SET detections = recording_labels.detections + excluded.detections"
)


async def add_detections(connection: AsyncConnection, seen: Sequence[Detection]) -> list[int]:
    """Store what was detected and return the ids, in the same order. Belongs into one transaction of its own."""
    await facets.lock(connection)
    ids: list[int] = []
    counts: Counter[tuple[int, str]] = Counter()
    for detection in seen:
        showing = await _showing(connection, detection.stream_name, detection.start_us, detection.end_us)
        values = {
            "stream_id": detection.stream_id,
            "stream_name": detection.stream_name,
            "start_us": detection.start_us,
            "end_us": detection.end_us,
            "label": detection.label,
            "score": detection.score,
            "x": detection.box.x,
            "y": detection.box.y,
            "width": detection.box.width,
            "height": detection.box.height,
            "track_id": detection.track_id,
            "zone": detection.zone,
            "source": detection.source,
            "recording_id": showing[0] if showing else None,
        }
        ids.append(
            (await connection.execute(insert(detections).values(values).returning(detections.c.id))).scalar_one()
        )
        counts.update((recording_id, detection.label) for recording_id in showing)
    await note(connection, counts)
    return ids


async def end_detections(connection: AsyncConnection, detection_ids: Sequence[int], end_us: int) -> None:
    """Let detections that were stored last until then. Belongs into one transaction of its own."""
    await facets.lock(connection)
    stored = detections.c
    columns = (stored.id, stored.stream_name, stored.label, stored.start_us, stored.end_us)
    counts: Counter[tuple[int, str]] = Counter()
    for key, stream_name, label, start_us, before_us in (
        await connection.execute(select(*columns).where(stored.id.in_(detection_ids)))
    ).all():
        if end_us <= before_us:
            continue
        shown = await _showing(connection, stream_name, start_us, before_us)
        showing = await _showing(connection, stream_name, start_us, end_us)
        values = {"end_us": end_us, "recording_id": showing[0] if showing else None}
        await connection.execute(update(detections).where(stored.id == key).values(values))
        counts.update((recording_id, label) for recording_id in {*showing} - {*shown})
    await note(connection, counts)


async def count_again(connection: AsyncConnection, finished: Recording) -> None:
    """Count what a recording shows now that its end is known."""
    there = select(recording_labels.c.label).where(recording_labels.c.recording_id == finished.id)
    before = set((await connection.execute(there)).scalars())
    query = (
        select(detections.c.label, func.count())
        .where(
            detections.c.stream_name == finished.stream_name,
            detections.c.start_us.between(finished.start_us - _LONGEST_US, finished.end_us),
            detections.c.end_us >= finished.start_us,
        )
        .group_by(detections.c.label)
    )
    counts = Counter({(finished.id, label): int(many) for label, many in (await connection.execute(query)).all()})
    if not before and not counts:
        return
    await connection.execute(delete(recording_labels).where(recording_labels.c.recording_id == finished.id))
    gone = [Facet(FacetKind.LABEL, label) for label in before]
    if not counts and finished.capture_method not in BY_DETECTION:
        gone.append(DETECTION)
    await facets.change(connection, {}, {facet: [finished.id] for facet in gone})
    await note(connection, counts)


async def _showing(connection: AsyncConnection, stream_name: str, start_us: int, end_us: int) -> list[int]:
    """Return the recordings that show what was detected then: first clips, then the one that began last."""
    columns = (recordings.c.id, recordings.c.capture_method, recordings.c.start_us)
    query = select(*columns).where(
        recordings.c.stream_name == stream_name,
        recordings.c.start_us.between(start_us - _LONGEST_US, end_us),
        or_(recordings.c.end_us >= start_us, recordings.c.complete == false()),
    )
    clips = {method.value for method in BY_DETECTION}
    rows = (await connection.execute(query)).all()
    return [row[0] for row in sorted(rows, key=lambda row: (row[1] not in clips, -row[2]))]


async def note(connection: AsyncConnection, counts: Counter[tuple[int, str]]) -> None:
    """Store how often recordings, by their ids, show labels besides what is stored of them."""
    if not counts:
        return
    rows = [{"recording_id": key, "label": label, "detections": many} for (key, label), many in sorted(counts.items())]
    await connection.execute(_COUNT, rows)
    added: dict[Facet, set[int]] = {DETECTION: {key for key, _ in counts}}
    for key, label in counts:
        added.setdefault(Facet(FacetKind.LABEL, label), set()).add(key)
    await facets.change(connection, added, {})
