"""Keeps what runs for one stream equal to what is configured."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from lightnvr.media.hub import Hub
from lightnvr.media.source import Source
from lightnvr.streams.backoff import Backoff
from lightnvr.streams.connection import Connection
from lightnvr.streams.plan import RecorderFactory, RunningRecorder, StreamPlan
from lightnvr.streams.recording_control import LocalClock, RecordingControl
from lightnvr.streams.status import RecordingState, StreamState, StreamStatus
from lightnvr.streams.sub_stream import SubStream

_DISCONNECT_S = 12.0
"""A camera that stalls is let go after its stall timeout; a second connection before that might be refused."""

log = logging.getLogger(__name__)


class StreamSupervisor:
    """Owns the hub, the connection and the recording of one stream. Belongs to the event loop."""

    def __init__(
        self, start_recorder: RecorderFactory, clock: LocalClock, make_backoff: Callable[[], Backoff] = Backoff
    ) -> None:
        self._make_backoff = make_backoff
        self._changing = asyncio.Lock()
        self._plan: StreamPlan | None = None
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self.hub = Hub()
        self._recording = RecordingControl(start_recorder, self.hub, self, clock)
        self.sub_stream = SubStream(make_backoff)

    @property
    def source(self) -> Source | None:
        """The source that is connected or connecting now."""
        return self._connection.source if self._connection else None

    async def apply(self, plan: StreamPlan) -> None:
        """Close the difference between what runs and this plan; what did not change is not touched."""
        async with self._changing:
            await self._follow(plan)

    async def apply_stored(self, load: Callable[[], Awaitable[StreamPlan | None]]) -> bool:
        """Do so with the plan that `load` gives; returns False when there is none because the stream was deleted.

        It is loaded when nobody else changes anything: of two changes that come together, the later one must be last.
        """
        async with self._changing:
            plan = await load()
            if plan is not None:
                await self._follow(plan)
        return plan is not None

    async def _follow(self, plan: StreamPlan) -> None:
        before, self._plan = self._plan, plan
        if before is None or before.needs_reconnect(plan):
            await self._disconnect()
        await self._recording.apply(plan.recording if plan.connect else None)
        if plan.connect and self._task is None:
            self._connect(plan)
        await self.sub_stream.apply(plan)

    async def stop(self, timeout_s: float) -> None:
        """Stop everything; what has arrived from the camera is written. Takes at most this many seconds."""
        async with self._changing:
            self._plan = None
            if self._task is not None:
                self._task.cancel()
            if self._connection is not None and self._connection.source is not None:
                self._connection.source.stop()
            await self._join_task()
            # The recorder ends after the source, which still hands over what has come.
            if self._connection is not None and not await self._connection.ended(0.2):
                log.info("a camera that does not answer is left behind")
            await asyncio.gather(self._recording.stop(timeout_s), self.sub_stream.stop())
            self._connection = None

    def begin_clip(self, from_ns: int) -> None:
        """See RecordingControl."""
        self._recording.begin_clip(from_ns)

    def end_clip(self) -> None:
        """See RecordingControl."""
        self._recording.end_clip()

    def refresh(self) -> None:
        """Make a new connection at once."""
        if self._connection is not None:
            self._connection.refresh()

    def status(self) -> StreamStatus:
        """Return what is going on."""
        connection, recorder = self._connection, self._recording.recorder
        if connection is None:
            return StreamStatus()
        source = connection.source
        track = source.video_track if source else None
        rates = source.meter.rates if source else None
        return StreamStatus(
            state=connection.state,
            last_error=connection.last_error,
            connected_since=connection.connected_since,
            last_packet_at=_wall_time(source.last_packet_ns) if source else None,
            reconnects=connection.reconnects,
            codec=track.codec if track else "",
            audio_codec=source.source_audio_codec if source else "",
            width=track.width if track else 0,
            height=track.height if track else 0,
            fps=round(rates.fps, 2) if rates else 0.0,
            bitrate_bps=rates.bitrate_bps if rates else 0,
            keyframe_interval_s=round(rates.keyframe_interval_s, 3) if rates else 0.0,
            recording=_recording_state(recorder, connection.state),
            recording_error=recorder.error if recorder else "",
            dropped_packets=recorder.dropped_packets() if recorder else 0,
            frames=connection.frames,
            connect_s=connection.connect_s,
            faults=dict(connection.faults),
            waiting_packets=recorder.waiting_packets() if recorder else 0,
            kept_bytes=self.hub.kept_bytes,
            shortened=self.hub.shortened,
            recording_why=self._recording.why,
        )

    def _connect(self, plan: StreamPlan) -> None:
        self._connection = Connection(plan.name, plan.address, plan.source, self.hub, backoff=self._make_backoff())
        self._task = asyncio.create_task(self._connection.run(), name=f"connection {plan.name}")

    async def _disconnect(self) -> None:
        if self._task is None or self._connection is None:
            return
        self._task.cancel()
        await self._join_task()
        if not await self._connection.ended(_DISCONNECT_S):
            log.warning("the old connection of %s did not close in time", self._plan.name if self._plan else "a stream")
        self._connection = None

    async def _join_task(self) -> None:
        if self._task is not None:
            await asyncio.wait([self._task])
            if not self._task.cancelled() and (error := self._task.exception()) is not None:
                log.error("a connection failed", exc_info=error)
            self._task = None


def _wall_time(monotonic_ns: int | None) -> float | None:
    return None if monotonic_ns is None else time.time() - (time.monotonic_ns() - monotonic_ns) / 1e9


def _recording_state(recorder: RunningRecorder | None, state: StreamState) -> RecordingState:
    if recorder is None:
        return RecordingState.OFF
    if recorder.error:
        return RecordingState.FAILED
    if recorder.recording and state is StreamState.CONNECTED:
        return RecordingState.RECORDING
    return RecordingState.WAITING
