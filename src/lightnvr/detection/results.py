"""What was detected on a stream lately, or within a span of time."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from lightnvr.db.engine import Database
from lightnvr.db.tables import detections
from lightnvr.recording.detection import Box, Detection

_LONGEST_US = 86_400_000_000
"""No detection lasts longer."""


@dataclass(frozen=True, slots=True)
class Span:
    """From one moment to another, both included, in microseconds since 1970 UTC; None is without a bound."""

    start_us: int | None = None
    end_us: int | None = None


class DetectionResults:
    """Reads detections that were stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def within(self, stream_name: str, span: Span, *, limit: int, offset: int = 0) -> Sequence[Detection]:
        """Return what was detected on a stream in a span, the newest first."""
        table = detections.c
        query = select(detections).where(table.stream_name == stream_name)
        if span.start_us is not None:
            query = query.where(table.start_us >= span.start_us - _LONGEST_US, table.end_us >= span.start_us)
        if span.end_us is not None:
            query = query.where(table.start_us <= span.end_us)
        query = query.order_by(table.start_us.desc(), table.id.desc()).limit(limit).offset(offset)
        async with self._database.reading.connect() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [
            Detection(
                row["stream_name"],
                row["start_us"],
                row["end_us"],
                row["label"],
                row["score"],
                Box(row["x"], row["y"], row["width"], row["height"]),
                row["stream_id"],
                row["track_id"],
                row["zone"],
                row["source"],
            )
            for row in rows
        ]
