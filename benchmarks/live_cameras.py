"""Cameras in a thread of the benchmark, for those that cut them off or want to know what they sent and when."""

import asyncio
import contextlib
import random
import threading
import time
from collections import deque
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.server import Camera
from lightnvr.demo.cameras import BENCHMARK_RECIPE
from lightnvr.demo.clip import Clip
from lightnvr.demo.library import ClipLibrary
from lightnvr.demo.playing import Loop
from lightnvr.live.rtsp import Broadcast, FixedMounts, Presentation, RtspServer, Viewer

T = TypeVar("T")

_REMEMBERED = 20_000
_STAGGER_S = 2.0


@dataclass(frozen=True, slots=True)
class SentFrame:
    """A video frame that left a camera: seconds of the monotonic clock, and the number it shows."""

    at: float
    number: int


class LiveFilm:
    """A mount that plays a film in a loop whether or not anybody watches; a viewer joins at the next keyframe."""

    def __init__(self, name: str, loop: Loop, delay_s: float) -> None:
        self._presentation = Presentation(name, loop.tracks)
        self._loop = loop
        self._delay_s = delay_s
        rng = random.Random(name)
        self._first_timestamps = [rng.getrandbits(31) for _ in loop.tracks]
        self._broadcast = Broadcast(loop.tracks, rng=rng)
        self.sent: deque[SentFrame] = deque(maxlen=_REMEMBERED)

    async def describe(self) -> Presentation:
        """See Mount."""
        return self._presentation

    def attach(self, viewer: Viewer) -> None:
        """See Mount."""
        self._broadcast.attach(viewer)

    def detach(self, viewer: Viewer) -> None:
        """See Mount."""
        self._broadcast.detach(viewer)

    async def play(self) -> None:
        """Play until cancelled."""
        start = time.monotonic() + self._delay_s
        captured = time.time() + self._delay_s
        for cue in self._loop.cues():
            await asyncio.sleep(max(0.0, start + cue.due - time.monotonic()))
            timestamp = self._first_timestamps[cue.frame.track] + cue.timestamp
            self._broadcast.send(cue.frame, timestamp, captured + cue.due)
            if cue.number is not None:
                self.sent.append(SentFrame(time.monotonic(), cue.number))


class LiveCamera:
    """One camera on a port of its own. Its methods may be called from any thread."""

    def __init__(self, name: str, film: LiveFilm, loop: asyncio.AbstractEventLoop) -> None:
        self.name = name
        self._film = film
        self._loop = loop
        self._port = 0
        self._server: RtspServer | None = None

    @property
    def camera(self) -> Camera:
        """What to record."""
        return Camera(self.name, f"rtsp://127.0.0.1:{self._port}/{self.name}")

    def answer(self) -> float:
        """Listen, always on the same port. Returns the moment (monotonic) since when it does."""
        return self._do(self._answer())

    def cut(self) -> None:
        """Cut every connection and refuse new ones, as a camera without power whose address is still known."""
        self._do(self._cut())

    def sent(self) -> list[SentFrame]:
        """Return the video frames that were sent so far, oldest first."""
        return self._do(self._sent())

    async def _answer(self) -> float:
        server = RtspServer(FixedMounts({self.name: self._film}), port=self._port)
        self._server = await server.__aenter__()
        self._port = server.port
        return time.monotonic()

    async def _cut(self) -> None:
        if self._server is not None:
            await self._server.close()
            self._server = None

    async def _sent(self) -> list[SentFrame]:
        return list(self._film.sent)

    def _do(self, action: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(action, self._loop).result(30)


@contextmanager
def live_cameras(cache: Path, count: int, seed: int, clip: Clip | None = None) -> Iterator[list[LiveCamera]]:
    """Run cameras as `camera_process` does, but here. Their keyframes do not come at the same moments.

    They show `clip`, when there is one.
    """
    film = Loop(clip or ClipLibrary(cache / "clips").get(BENCHMARK_RECIPE))
    rng = random.Random(seed)
    films = {f"cam{index}": LiveFilm(f"cam{index}", film, rng.uniform(0, _STAGGER_S)) for index in range(count)}
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="cameras")
    thread.start()
    playing = [asyncio.run_coroutine_threadsafe(film.play(), loop) for film in films.values()]
    cameras = [LiveCamera(name, film, loop) for name, film in films.items()]
    try:
        for camera in cameras:
            camera.answer()
        yield cameras
    finally:
        for camera in cameras:
            camera.cut()
        for task in playing:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
