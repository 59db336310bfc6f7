"""Whether the first steps after an installation were taken, so that the page need not lead through them again."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, exists, insert, select

from lightnvr.db.engine import Database
from lightnvr.db.tables import first_steps, streams


@dataclass(frozen=True, slots=True)
class FirstStepsState:
    """`completed_at` is in seconds since 1970 UTC, 0 is never; it stays when the steps are to be shown again."""

    complete: bool
    completed_at: int


class FirstSteps:
    """Keeps it in the database. `now` gives seconds since 1970 UTC."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    async def state(self) -> FirstStepsState:
        """Return how it is. Where nobody ever said, an installation with cameras needs no first steps."""
        async with self._database.reading.connect() as connection:
            row = (await connection.execute(select(first_steps))).first()
            if row is not None:
                return FirstStepsState(row.complete, row.completed_at)
            has_cameras = (await connection.execute(select(exists().select_from(streams)))).scalar_one()
        return FirstStepsState(bool(has_cameras), 0)

    async def set(self, *, complete: bool) -> None:
        """Say that they were taken, or that they are to be shown again."""
        async with self._database.writing.begin() as connection:
            before = (await connection.execute(select(first_steps.c.completed_at))).scalar_one_or_none() or 0
            await connection.execute(delete(first_steps))
            completed_at = int(self._now()) if complete else before
            await connection.execute(insert(first_steps).values(id=1, complete=complete, completed_at=completed_at))
