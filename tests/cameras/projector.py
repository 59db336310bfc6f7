"""Plays a test camera's films to its viewers, and misbehaves on demand."""

import asyncio
import itertools
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from lightnvr.demo.playing import Cue, Loop
from lightnvr.live.rtsp import Broadcast, Presentation, RtpBatch, RtpFrame, Viewer
from tests.cameras.quirks import CueQuirk

_FLOOD_BACKLOG = 256 * 1024


class Projector:
    """A mount. Plays only while somebody watches, and goes on at the next keyframe when somebody comes again.

    `films` are played one after the other, then again from the one at `repeat_from`. `speed` is how fast compared to
    the clock, infinity as fast as the sockets take it. `first_timestamps` are RTP ticks per track. `events` maps a
    count of video frames to what happens once so many have been sent.
    """

    def __init__(
        self,
        films: Sequence[Loop],
        *,
        repeat_from: int,
        quirks: Sequence[CueQuirk],
        speed: float,
        first_timestamps: Sequence[int],
        wait_for_keyframe: bool,
        events: Mapping[int, Callable[[], None]],
    ) -> None:
        self.frames_sent: list[int] = []
        self.sent_at: list[float] = []
        self._tracks = films[0].tracks
        self._speed = speed
        self._events = dict(events)
        self._rng = random.Random(1)
        self._timestamps = list(first_timestamps)
        self._paused = False
        self._reports_while_paused = False
        self._cut_next = False
        self._audience = asyncio.Event()
        self._broadcast = Broadcast(
            self._tracks, rng=self._rng, wait_for_keyframe=wait_for_keyframe, on_audience=self._audience_changed
        )
        self._cues = _programme(films, repeat_from)
        for quirk in quirks:
            self._cues = quirk(self._cues, self._tracks)

    async def describe(self) -> Presentation:
        return Presentation("Test camera", self._tracks)

    def attach(self, viewer: Viewer) -> None:
        self._broadcast.attach(viewer)

    def detach(self, viewer: Viewer) -> None:
        self._broadcast.detach(viewer)

    def pause(self, *, reports: bool = False) -> None:
        """Sends no more media; with `reports` goes on sending RTCP."""
        self._paused, self._reports_while_paused = True, reports

    def resume(self) -> None:
        self._paused = False

    def jump(self, seconds: float, *, track: int | None = None) -> None:
        """Moves the timestamps of all that follows, of one track or of all."""
        for index, about in enumerate(self._tracks):
            if track in (None, index):
                self._timestamps[index] += int(seconds * about.clock_rate)

    def renumber(self) -> None:
        """Goes on as a camera that has just started: other sources, sequence numbers and timestamps."""
        self._broadcast.renumber()
        self._timestamps = [self._rng.getrandbits(32) for _ in self._tracks]

    def cut_mid_frame(self) -> None:
        """Ends all connections in the middle of the next video frame, in the middle of a packet."""
        self._cut_next = True

    async def play(self) -> None:
        """Runs until it is cancelled."""
        has_video = any(track.is_video for track in self._tracks)
        while True:
            await self._audience.wait()
            cue = next(cue for cue in self._cues if cue.frame.keyframe or not has_video)
            start = time.monotonic() - cue.due / self._speed
            while self._audience.is_set():
                start += await self._while_paused()
                await self._until(start + cue.due / self._speed)
                if not self._audience.is_set() or self._paused:
                    continue
                self._send(cue)
                cue = next(self._cues)

    async def _until(self, moment: float) -> None:
        if math.isinf(self._speed):
            await asyncio.sleep(0)
            while any(v.backlog > _FLOOD_BACKLOG for v in self._broadcast.viewers):  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        else:
            await asyncio.sleep(max(0.0, moment - time.monotonic()))

    async def _while_paused(self) -> float:
        """Waits for the end of a pause; gives its length in seconds."""
        began = time.monotonic()
        while self._paused and self._audience.is_set():
            if self._reports_while_paused:
                for index in range(len(self._tracks)):
                    self._broadcast.report(index)
            await asyncio.sleep(0.05)
        return time.monotonic() - began

    def _send(self, cue: Cue) -> None:
        timestamp = self._timestamps[cue.frame.track] + cue.timestamp
        if self._cut_next and cue.number is not None:
            self._cut_next = False
            self._cut(cue.frame, timestamp)
            return
        self._broadcast.send(cue.frame, timestamp, time.time())
        if cue.number is not None and self._broadcast.watched:
            self.frames_sent.append(cue.number)
            self.sent_at.append(time.time())
            event = self._events.pop(len(self.frames_sent), None)
            if event is not None:
                event()

    def _cut(self, frame: RtpFrame, timestamp: int) -> None:
        half = replace(frame, data=frame.data[: max(20, len(frame.data) * 2 // 5)], offsets=frame.offsets[:1])
        for viewer in self._broadcast.viewers:
            # The first packet's header is whole, its end or those after it are missing.
            viewer.deliver(RtpBatch(half.track, half.data, half.offsets, half.keyframe))
        self._broadcast.close_viewers()

    def _audience_changed(self, viewers: int) -> None:
        if viewers:
            self._audience.set()
        else:
            self._audience.clear()


def _programme(films: Sequence[Loop], repeat_from: int) -> Iterator[Cue]:
    start = Fraction(0)
    for loop in itertools.chain(films, itertools.cycle(films[repeat_from:])):
        yield from loop.once(start)
        start += loop.duration
