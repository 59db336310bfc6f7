"""Decides when one stream is recorded, and why: all the time, in the hours of a schedule, or because somebody asked.

And because of an event, when it is not recorded anyway: what is recorded already shows the event too.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from lightnvr.media.gop import Since
from lightnvr.media.hub import Hub
from lightnvr.recording.model import CaptureMethod
from lightnvr.streams.plan import ConnectedSource, RecorderFactory, RecordingPlan, RunningRecorder
from lightnvr.streams.schedule import Zone, is_open, next_edge

_AHEAD_S = 0.3
"""Recording begins this much before the hour, so that an event loop which is late loses nothing."""

_BEYOND_S = 0.7
"""And ends this much after it: a source that rests has pictures of the last half second still to hand over."""

_LOOK_EVERY_S = 5.0
"""How late it is noticed at most that the system clock or its time zone was set."""

_SHORTEST_WAIT_S = 0.01
_OLDEST_KEYFRAME_S = 20.0
"""A GOP that is older would fill the recorder's queue, which holds 30 seconds."""

_STOP_S = 10.0
_LONGEST_GOP_S = 10.0
"""A clip whose next keyframe does not come by then ends without it."""

_LOOK_FOR_END_S = 0.1

_KEPT_BYTES = 64 * 1024 * 1024
"""What is kept of a stream at most for the beginning of clips: half a minute of 16 Mbit/s."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LocalClock:
    """What time it is: `now` in seconds since 1970 UTC, and how local time differs from that."""

    now: Callable[[], float]
    zone: Zone


class RecordingControl:
    """Owns the recorder of one stream and starts and stops it. Belongs to the event loop."""

    def __init__(
        self, start_recorder: RecorderFactory, hub: Hub, connection: ConnectedSource, clock: LocalClock
    ) -> None:
        self._start_recorder = start_recorder
        self._hub = hub
        self._connection = connection
        self._clock = clock
        self._plan: RecordingPlan | None = None
        self._turn = asyncio.Lock()
        self._following: asyncio.Task[None] | None = None
        self._ended_ns = 0
        self._orders: deque[int | None] = deque()
        self._ordering: asyncio.Task[None] | None = None
        self._clip_from_ns: int | None = None
        self._ending: asyncio.Task[None] | None = None
        self.recorder: RunningRecorder | None = None
        self.why: CaptureMethod | None = None
        """Why it is recorded at this moment; None when it is not."""

    async def apply(self, plan: RecordingPlan | None) -> None:
        """Follow another plan from now on; None records nothing."""
        async with self._turn:
            # It waits or sleeps now, so that nothing is left half done.
            if self._following is not None:
                self._following.cancel()
                self._following = None
            self._plan = plan
            clips = plan.clips if plan is not None else None
            self._hub.keep(clips.pre_s if clips is not None else 0.0, _KEPT_BYTES)
            await self._settle(_STOP_S)
            if plan is not None and (
                (plan.continuous and plan.schedule is not None) or (clips is not None and clips.schedule is not None)
            ):
                self._following = asyncio.create_task(self._follow(), name=f"schedule {plan.stream_name}")

    def begin_clip(self, from_ns: int) -> None:
        """Record an event from this arrival on, in nanoseconds of the monotonic clock, until `end_clip`.

        Both return at once and are followed in their order. Nothing is recorded twice: while the stream is recorded for
        another reason there is no clip, and one begins or ends without a gap when that changes.
        """
        self._order(from_ns)

    def end_clip(self) -> None:
        """Record it no more."""
        self._order(None)

    def _order(self, from_ns: int | None) -> None:
        self._orders.append(from_ns)
        if self._ordering is None:
            self._ordering = asyncio.create_task(self._follow_orders(), name="clips")

    async def _follow_orders(self) -> None:
        try:
            while self._orders:
                async with self._turn:
                    self._clip_from_ns = self._orders.popleft()
                    try:
                        await self._settle(_STOP_S)
                    except Exception:
                        # The next order has to be followed whatever happened once.
                        log.exception("recording an event failed")
        finally:
            self._ordering = None

    async def stop(self, timeout_s: float) -> None:
        """End the recording; what has arrived is written. Takes at most this many seconds."""
        self._orders.clear()
        async with self._turn:
            self._clip_from_ns = None
            if self._following is not None:
                self._following.cancel()
                self._following = None
            self._plan = None
            await self._settle(timeout_s)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._until_next_look_s())
            async with self._turn:
                try:
                    await self._settle(_STOP_S)
                except Exception:
                    # The next hour has to be followed whatever happened once.
                    log.exception("following a schedule failed")

    def _until_next_look_s(self) -> float:
        now, zone = self._clock.now(), self._clock.zone
        begins_in = next_edge(zone, now + _AHEAD_S) - _AHEAD_S - now
        ends_in = next_edge(zone, now - _BEYOND_S) + _BEYOND_S - now
        return max(_SHORTEST_WAIT_S, min(begins_in, ends_in, _LOOK_EVERY_S))

    async def _settle(self, timeout_s: float) -> None:
        plan, wanted = self._plan, self._wanted()
        if plan is None or wanted is None:
            if plan is not None and self.why is CaptureMethod.DETECTION and self.recorder is not None:
                self._end_at_keyframe(self.recorder)
            else:
                await self._end(timeout_s)
            return
        if self._ending is not None and not self._go_on():
            await self._end(timeout_s)
        self.why = wanted
        if self.recorder is None:
            self.recorder = self._start_recorder(plan, self.why, self._hub, self._connection, since=self._since())
        else:
            self.recorder.change(plan, self.why)

    def _wanted(self) -> CaptureMethod | None:
        plan = self._plan
        if plan is None:
            return None
        if plan.manual:
            return CaptureMethod.MANUAL
        if plan.continuous:
            if plan.schedule is None:
                return CaptureMethod.CONTINUOUS
            if self._is_due(plan.schedule):
                return CaptureMethod.SCHEDULED
        return CaptureMethod.DETECTION if self._is_clip_due(plan) else None

    def _is_due(self, hours: tuple[bool, ...]) -> bool:
        now, zone = self._clock.now(), self._clock.zone
        return is_open(hours, zone, now + _AHEAD_S) or is_open(hours, zone, now - _BEYOND_S)

    def _is_clip_due(self, plan: RecordingPlan) -> bool:
        if self._clip_from_ns is None or plan.clips is None:
            return False
        # What began within the hours is recorded to its end.
        is_going_on = self.recorder is not None and self.why is CaptureMethod.DETECTION and self._ending is None
        return is_going_on or plan.clips.schedule is None or self._is_due(plan.clips.schedule)

    def _since(self) -> Since:
        # Recordings must not overlap: what was stopped a moment ago holds its keyframes already.
        now_ns = time.monotonic_ns()
        if self.why is CaptureMethod.DETECTION and self._clip_from_ns is not None:
            return Since(min(now_ns, self._clip_from_ns), self._ended_ns)
        return Since(now_ns, max(self._ended_ns, now_ns - int(_OLDEST_KEYFRAME_S * 1e9)))

    def _end_at_keyframe(self, recorder: RunningRecorder) -> None:
        """End a clip before the next keyframe, so that the next clip may reach back to this one without a gap."""
        if self._ending is None:
            recorder.end_at_keyframe()
            self._ending = asyncio.create_task(self._await_keyframe(recorder), name="end of a clip")

    async def _await_keyframe(self, recorder: RunningRecorder) -> None:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + _LONGEST_GOP_S
        while recorder.ended_ns is None:
            if loop.time() > ends_at:
                break
            await asyncio.sleep(_LOOK_FOR_END_S)
        async with self._turn:
            self._ending = None
            await self._end(_STOP_S)

    def _go_on(self) -> bool:
        """Let the clip that was about to end go on. Returns False when it is too late."""
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        return self.recorder is not None and self.recorder.go_on()

    async def _end(self, timeout_s: float) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        self.why = None
        recorder, self.recorder = self.recorder, None
        if recorder is None:
            return
        # What came with the keyframe that a clip ended before is the next one's.
        self._ended_ns = time.monotonic_ns() if recorder.ended_ns is None else recorder.ended_ns - 1
        if not await recorder.stop(timeout_s):
            log.error("a recorder did not end in time: the disk does not answer")
