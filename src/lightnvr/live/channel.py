"""One stream as those who watch it see it."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

from lightnvr.live.errors import CameraUnavailable, CannotWatch
from lightnvr.live.feed import Feed
from lightnvr.live.output import Output, OutputKind
from lightnvr.media.gop import LATEST
from lightnvr.media.packets import Track, without_sound
from lightnvr.streams.service import LiveInput

_FEED_BYTES = 32 * 1024 * 1024
_LOOK_AGAIN_S = 0.05
_PATIENT_S = 0.5
"""How long packets may gather for an output that is not in a hurry; recorders let them gather as long."""

O = TypeVar("O", bound=Output)  # noqa: E741 - the usual name for the type of an output

log = logging.getLogger(__name__)


class Channel:
    """Runs the outputs of one stream, main or sub, while they are used and `linger_s` seconds longer.

    A `silent` one gives its outputs no sound: it is for those who may look but not listen. Belongs to the event loop.
    """

    def __init__(
        self,
        source: LiveInput,
        *,
        linger_s: float,
        on_failure: Callable[[], None] = lambda: None,
        silent: bool = False,
    ) -> None:
        """`on_failure` is called whenever an output ended because of an error in it."""
        self.source = source
        self.silent = silent
        self._linger_s = linger_s
        self._on_failure = on_failure
        self._running: dict[str, _Running] = {}
        self._closed = False

    @property
    def tracks(self) -> tuple[Track, ...]:
        """What the camera sends now, as far as it comes through here; empty while it is gone."""
        tracks = self.source.hub.tracks
        return without_sound(tracks) if self.silent else tracks

    @property
    def at_work(self) -> tuple[str, ...]:
        """The kinds of output that run."""
        return tuple(name for name, running in self._running.items() if not running.stopping)

    async def wait_for_tracks(self, timeout_s: float) -> tuple[Track, ...]:
        """Return the tracks as soon as the camera sends pictures. Raises CameraUnavailable.

        Needs an output in use: a sub-stream is connected only while one is.
        """
        ends_at = asyncio.get_running_loop().time() + timeout_s
        while not self.source.hub.latest_keyframe:
            if self._closed or asyncio.get_running_loop().time() >= ends_at:
                raise CameraUnavailable(self.source.last_error() or f"{self.source.name} sends no pictures yet.")
            await asyncio.sleep(_LOOK_AGAIN_S)
        return self.tracks

    @contextmanager
    def use(self, kind: OutputKind[O]) -> Iterator[O]:
        """Give the output of this kind, started if need be, and keep it running while the context is open."""
        running = self._start(kind)
        running.users += 1
        try:
            yield cast("O", running.output)
        finally:
            running.users -= 1
            self._linger(running)

    def touch(self, kind: OutputKind[O]) -> O:
        """Give the output of this kind, started if need be, and keep it for `linger_s` seconds from now.

        For ways of watching that are separate requests.
        """
        running = self._start(kind)
        self._linger(running)
        return cast("O", running.output)

    def running(self, kind: OutputKind[O]) -> O | None:
        """Give the output of this kind if it is at work, without starting it or keeping it."""
        running = self._running.get(kind.name)
        return None if running is None or running.stopping else cast("O", running.output)

    def close(self) -> None:
        """Stop every output at once."""
        self._closed = True
        for running in tuple(self._running.values()):
            self._stop(running)

    async def closed(self) -> None:
        """Wait until everything that `close` stopped is gone."""
        tasks = [running.task for running in self._running.values() if running.task is not None]
        if tasks:
            await asyncio.wait(tasks)

    def _start(self, kind: OutputKind[O]) -> "_Running":
        if self._closed:
            raise CannotWatch(f"{self.source.name} cannot be watched any more.")
        running = self._running.get(kind.name)
        if running is not None and not running.stopping:
            return running
        loop = asyncio.get_running_loop()
        feed = Feed(loop, _FEED_BYTES, keyframes_only=kind.keyframes_only, silent=self.silent)
        running = _Running(kind.name, kind.make(), feed)
        self._running[kind.name] = running
        running.task = asyncio.create_task(self._run(running), name=f"live {self.source.name} {kind.name}")
        return running

    async def _run(self, running: "_Running") -> None:
        feed, output = running.feed, running.output
        self.source.acquire()
        self.source.hub.attach(feed, since=LATEST, longest_rest_s=_PATIENT_S)
        try:
            while items := await feed.take():
                output.take(items)
        except Exception:
            log.exception("%s: the live output %s failed", self.source.name, running.name)
            self._on_failure()
        finally:
            running.stopping = True
            self.source.hub.detach(feed)
            self.source.release()
            output.close()
            running.forget_timer()
            if self._running.get(running.name) is running:
                del self._running[running.name]

    def _linger(self, running: "_Running") -> None:
        running.forget_timer()
        if running.users or running.stopping:
            return
        loop = asyncio.get_running_loop()
        running.timer = loop.call_later(self._linger_s, self._stop_if_unused, running)

    def _stop_if_unused(self, running: "_Running") -> None:
        if not running.users:
            self._stop(running)

    @staticmethod
    def _stop(running: "_Running") -> None:
        running.stopping = True
        running.forget_timer()
        running.feed.close()


class _Running:
    """An output at work."""

    def __init__(self, name: str, output: Output, feed: Feed) -> None:
        self.name = name
        self.output = output
        self.feed = feed
        self.users = 0
        self.stopping = False
        self.timer: asyncio.TimerHandle | None = None
        self.task: asyncio.Task[None] | None = None

    def forget_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
