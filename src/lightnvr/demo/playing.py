"""Plays a clip in an endless loop to the viewers of one mount, at the pace of a camera."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Self

from lightnvr.demo.clip import Clip
from lightnvr.live.rtsp import Broadcast, Presentation, RtpFrame, Viewer, packetizer_for

_AHEAD = 0.008
"""Seconds by which a packet may be early, so that sound and picture that are due together share one wake-up."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One frame and when it is due: seconds since the start, and its RTP timestamp in ticks since the start."""

    due: float
    frame: RtpFrame
    timestamp: int
    number: int | None = None


class Loop:
    """A clip cut into RTP packets once; `cues` repeats it for ever, with times that go on.

    Making one takes PyAV and some milliseconds for each second of the clip; playing it takes neither.
    """

    def __init__(self, clip: Clip) -> None:
        self.tracks = tuple(part.track for part in clip.tracks)
        self.duration = clip.duration
        cues: list[Cue] = []
        for index, part in enumerate(clip.tracks):
            packetizer = packetizer_for(part.track, index)
            for sample in part.samples:
                frame = packetizer.packetize(sample.data, keyframe=sample.keyframe)
                cues.append(Cue(sample.dts / part.track.clock_rate, frame, sample.pts, sample.number))
        self._cues = sorted(cues, key=lambda cue: cue.due)

    def once(self, start: Fraction) -> Iterator[Cue]:
        """Every frame once in the order of sending, as if the clip began `start` seconds after the beginning."""
        shift = float(start)
        ticks = [int(start * track.clock_rate) for track in self.tracks]
        for cue in self._cues:
            yield Cue(cue.due + shift, cue.frame, cue.timestamp + ticks[cue.frame.track], cue.number)

    def cues(self) -> Iterator[Cue]:
        """Every frame in the order of sending, again and again without end."""
        rounds = 0
        while True:
            yield from self.once(rounds * self.duration)
            rounds += 1


class LoopedClip:
    """A mount that plays a loop while somebody watches; nobody watching costs nothing.

    Runs between entering and leaving its context. A viewer who comes first starts at the next keyframe at once,
    later ones join at a keyframe.
    """

    def __init__(
        self,
        name: str,
        loop: Loop,
        *,
        rng: random.Random,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._presentation = Presentation(name, loop.tracks)
        self._loop = loop
        self._first_timestamps = [rng.getrandbits(31) for _ in loop.tracks]
        self._clock = clock
        self._wall_clock = wall_clock
        self._audience = asyncio.Event()
        self._broadcast = Broadcast(loop.tracks, rng=rng, on_audience=self._audience_changed)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._play())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._broadcast.close_viewers()

    async def describe(self) -> Presentation:
        return self._presentation

    def attach(self, viewer: Viewer) -> None:
        self._broadcast.attach(viewer)

    def detach(self, viewer: Viewer) -> None:
        self._broadcast.detach(viewer)

    def _audience_changed(self, viewers: int) -> None:
        if viewers:
            self._audience.set()
        else:
            self._audience.clear()

    async def _play(self) -> None:
        has_video = any(track.is_video for track in self._loop.tracks)
        cues = self._loop.cues()
        while True:
            await self._audience.wait()
            cue = next(cue for cue in cues if cue.frame.keyframe or not has_video)
            start = self._clock() - cue.due
            captured = self._wall_clock() - cue.due
            while self._audience.is_set():
                wait = start + cue.due - self._clock()
                if wait > _AHEAD:
                    await asyncio.sleep(wait)
                    continue
                timestamp = self._first_timestamps[cue.frame.track] + cue.timestamp
                self._broadcast.send(cue.frame, timestamp, captured + cue.due)
                cue = next(cues)
