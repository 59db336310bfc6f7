"""How much was recorded day by day, from what is counted as recordings are finished and deleted."""

from collections.abc import Sequence

from sqlalchemy import func, select

from lightnvr.db.engine import Database
from lightnvr.db.tables import recording_days
from lightnvr.recording.service import RecordedDay, StreamTotal


class StoredDays:
    """Implements `RecordedDays` on the database: one query along the primary key, whatever the recordings are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def between(self, first_day: int, last_day: int, stream_name: str | None) -> Sequence[RecordedDay]:
        """See RecordedDays."""
        days = recording_days.c
        query = select(days.day, days.stream_name, days.recordings, days.recorded_us, days.size_bytes).where(
            days.day.between(first_day, last_day), days.recordings > 0
        )
        if stream_name is not None:
            query = query.where(days.stream_name == stream_name)
        async with self._database.reading.connect() as connection:
            rows = (await connection.execute(query.order_by(days.day, days.stream_name))).all()
        # A year of many cameras is thousands of rows; the columns are in the order of the members.
        return list(map(RecordedDay._make, rows))

    async def totals(self) -> Sequence[StreamTotal]:
        """Return all that is recorded of each stream that has recordings, by name."""
        days = recording_days.c
        query = select(days.stream_name, func.sum(days.recordings), func.sum(days.size_bytes)).where(
            days.recordings > 0
        )
        async with self._database.reading.connect() as connection:
            rows = (await connection.execute(query.group_by(days.stream_name).order_by(days.stream_name))).all()
        return [StreamTotal(row[0], int(row[1]), int(row[2])) for row in rows]
