"""Recordings started and stopped by hand. They are configuration: stored first, and followed after a restart."""

from collections.abc import Callable

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from lightnvr.db.engine import Database
from lightnvr.db.tables import manual_recordings
from lightnvr.streams.model import Stream
from lightnvr.streams.recording_control import LocalClock
from lightnvr.streams.schedule import is_open


class CannotSwitchRecording(Exception):
    """A recording cannot be started or stopped by hand at this moment; the text says why."""


class ManualRecordings:
    """Which streams are recorded because somebody said so. It never starts or stops anything itself."""

    def __init__(self, database: Database, clock: LocalClock, is_recorded: Callable[[int], bool]) -> None:
        """`is_recorded` says whether a stream is being recorded at this moment, for whatever reason."""
        self._database = database
        self._clock = clock
        self._is_recorded = is_recorded

    def is_due_anyway(self, stream: Stream) -> bool:
        """Whether a stream records by itself at this moment."""
        settings = stream.settings
        return settings.record and (
            not settings.record_on_schedule or is_open(settings.recording_schedule, self._clock.zone, self._clock.now())
        )

    async def start(self, stream: Stream) -> None:
        """Store that a stream is to be recorded until `stop`. Raises CannotSwitchRecording."""
        if stream.privacy_mode:
            raise CannotSwitchRecording(f"{stream.name} is in privacy mode: nothing is recorded.")
        if not stream.settings.enabled:
            raise CannotSwitchRecording(f"{stream.name} is switched off: enable the stream first.")
        if self.is_due_anyway(stream):
            raise CannotSwitchRecording("Continuous recording is configured for this stream")
        active = CannotSwitchRecording("A continuous, detection, or manual recording is already active")
        if self._is_recorded(stream.id):
            raise active
        try:
            async with self._database.writing.begin() as connection:
                values = {"stream_id": stream.id, "started_at": int(self._clock.now())}
                await connection.execute(insert(manual_recordings).values(values))
        except IntegrityError:
            raise active from None

    async def stop(self, stream: Stream) -> None:
        """Store that it is not any more. Raises CannotSwitchRecording when it was not started by hand."""
        if not await self.forget(stream.id):
            raise CannotSwitchRecording("Only an active manual recording can be stopped here")

    async def forget(self, stream_id: int) -> bool:
        """The same for a stream that must not be recorded; returns whether it was to be."""
        chosen = manual_recordings.c.stream_id == stream_id
        async with self._database.writing.begin() as connection:
            gone = await connection.execute(
                delete(manual_recordings).where(chosen).returning(manual_recordings.c.stream_id)
            )
            return gone.first() is not None

    async def active(self) -> frozenset[int]:
        """Return the ids of the streams that are to be recorded."""
        async with self._database.reading.connect() as connection:
            return frozenset((await connection.execute(select(manual_recordings.c.stream_id))).scalars())
