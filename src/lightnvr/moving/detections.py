"""What the original detected."""

from collections.abc import Sequence
from itertools import islice

from lightnvr.db.engine import Database
from lightnvr.moving.original import Original, OriginalRow
from lightnvr.moving.report import Report, Thing
from lightnvr.moving.values import number, seconds, text, whole
from lightnvr.recording import taking_over
from lightnvr.recording.detection import Box, Detection
from lightnvr.streams.model import InvalidStreamSetting
from lightnvr.streams.names import stream_name

_AT_ONCE = 500
_LONGEST_S = 3600
"""A detection that never ended, because the original stopped before, is taken to have lasted no longer."""


async def take_over_detections(database: Database, original: Original, report: Report) -> None:
    """Store every detection that is not there yet. Comes before the recordings that show them. Raises DamagedTable."""
    rows = original.rows("detections")
    while some := list(islice(rows, _AT_ONCE)):
        await _take_some(database, some, report)


async def _take_some(database: Database, rows: Sequence[OriginalRow], report: Report) -> None:
    found: list[Detection] = []
    for row in rows:
        try:
            found.append(_detection(row))
        except (InvalidStreamSetting, ValueError) as error:
            what = f"detection {text(row['id'])}"
            reason = "Its stream has a name that is not possible here."
            report.left(Thing.DETECTION, what, reason if isinstance(error, InvalidStreamSetting) else str(error))
    async with database.writing.begin() as connection:
        new = await taking_over.add_detections(connection, found)
    report.taken(Thing.DETECTION, new)
    report.present(Thing.DETECTION, len(found) - new)


def _detection(row: OriginalRow) -> Detection:
    start_s, label = seconds(row["timestamp"]), text(row["label"]).strip()
    if not start_s or not label:
        raise ValueError("It has no time or no label.")
    numbers = [number(row[column]) for column in ("confidence", "x", "y", "width", "height")]
    score, *box = (min(1.0, max(0.0, float(value))) if value is not None else 0.0 for value in numbers)
    ends_s = min(max(start_s, seconds(row["event_end_time"])), start_s + _LONGEST_S)
    track_id = whole(row["track_id"], -1)
    return Detection(
        stream_name=stream_name(text(row["stream_name"])),
        start_us=start_s * 1_000_000,
        end_us=ends_s * 1_000_000,
        label=label,
        score=score,
        box=Box(*box),
        track_id=track_id if track_id >= 0 else None,
        zone=text(row["zone_id"]),
        source=text(row["source"]),
    )
