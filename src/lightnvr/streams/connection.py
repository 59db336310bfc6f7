"""Keeps one camera connected, for ever."""

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

from lightnvr.media.address import SourceAddress
from lightnvr.media.errors import CameraError, Fault
from lightnvr.media.hub import Hub
from lightnvr.media.knock import answers
from lightnvr.media.packets import TracksChanged
from lightnvr.media.source import Source, SourceOptions
from lightnvr.streams.backoff import Backoff
from lightnvr.streams.status import StreamState

_KNOCK_S = 1.5
"""How often a camera that does not answer is asked whether it does again."""

_STEADY_S = 10.0
"""A connection that lasted this long was a good one."""

_BLIND_S = 5.0
"""A source gives up by itself after its stall timeout; one that is this much later never will."""

_FOR_A_PERSON = frozenset((Fault.UNAUTHORIZED, Fault.NOT_FOUND, Fault.NO_VIDEO, Fault.UNSUPPORTED))
"""Faults that will not mend themselves. Trying goes on, but the state says error."""

_SILENT = frozenset((Fault.REFUSED, Fault.UNREACHABLE, Fault.TIMEOUT, Fault.ENDED, Fault.STALLED))

log = logging.getLogger(__name__)


class Connection:
    """Connects, reconnects, and knows the state. `run` is one task; it ends only when cancelled.

    Everything here belongs to the event loop, except for the source, which has a thread of its own.
    """

    def __init__(
        self,
        name: str,
        address: SourceAddress,
        options: SourceOptions,
        hub: Hub,
        *,
        backoff: Backoff,
        wall_time: Callable[[], float] = time.time,
        steady_s: float = _STEADY_S,
    ) -> None:
        """After a connection that lasted `steady_s` seconds the waits begin again with the shortest."""
        self._name = name
        self._address = address
        self._options = options
        self._hub = hub
        self._backoff = backoff
        self._wall_time = wall_time
        self._steady_s = steady_s
        self._hurry = asyncio.Event()
        self.source: Source | None = None
        self.state = StreamState.CONNECTING
        self.last_error = ""
        self.connected_since: float | None = None
        self.reconnects = 0
        self.connect_s = 0.0
        """How long the camera took to send its first picture when it was connected to last, in seconds."""
        self.faults: Counter[Fault] = Counter()
        """How often it could not be connected to or was lost, and why."""
        self._began_s = 0.0
        self._frames_before = 0
        self._counting: Source | None = None
        self._ever_connected = False
        self._ever_tried = False

    def refresh(self) -> None:
        """Drop the connection and make a new one at once."""
        self._backoff.reset()
        self._hurry.set()
        if self.source is not None:
            self.source.stop()

    @property
    def frames(self) -> int:
        """How many pictures the camera has sent."""
        return self._frames_before + (0 if self._counting is None else self._counting.meter.frames)

    async def run(self) -> None:
        """Keep the camera connected until cancelled; then wait for the source's thread to end."""
        while True:
            self._hurry.clear()
            error = await self._session()
            if error is not None:
                self._note(error)
            if not self._hurry.is_set():
                await self._wait(error)

    async def _session(self) -> CameraError | None:
        loop = asyncio.get_running_loop()
        source = Source(
            self._address,
            self._hub,
            self._options,
            on_connected=partial(_call, loop, self._connected),
        )
        self.source = self._counting = source
        self._began_s = time.monotonic()
        if self._ever_tried and self.state is not StreamState.ERROR:
            self.state = StreamState.RECONNECTING
        self._ever_tried = True
        ended: asyncio.Future[CameraError | None] = loop.create_future()
        # A daemon: FFmpeg can sit in a system call for seconds, and the process must be able to end meanwhile.
        thread = threading.Thread(
            target=self._run_source, args=(source, ended, loop), name=f"source {self._name}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            # Python's word for it when the system gives no more. Trying must go on, like after any other failure.
            source.closed.set()
            return CameraError(Fault.PROTOCOL, "The system has no thread or memory left to read the camera with.")
        try:
            return await self._until_lost(source, ended)
        except asyncio.CancelledError:
            source.stop()
            raise
        finally:
            self._frames_before, self._counting = self.frames, None
            self.connected_since = None
            if source.lasted_s >= self._steady_s:
                # Else each loss in the life of a camera would make all later ones cost more, up to half a minute.
                self._backoff.reset()
            if ended.done():
                self.source = None

    async def _until_lost(self, source: Source, ended: "asyncio.Future[CameraError | None]") -> CameraError | None:
        """Wait for the end of the source, or until it is clear that it sees nothing any more."""
        # A stream that a container begins in the middle (an encoder that changes its codec within FLV, RTMP or MPEG-TS)
        # is one that PyAV never gives out: it waits inside while packets come.
        most_ns = int((self._options.opening.stall_timeout_s + _BLIND_S) * 1e9)
        while True:
            done, _ = await asyncio.wait([ended], timeout=_BLIND_S)
            if done:
                return ended.result()
            last_ns = source.last_packet_ns
            if last_ns is not None and time.monotonic_ns() - last_ns > most_ns:
                source.stop()
                self.source = None
                self._hub.publish(TracksChanged(()))
                return CameraError(Fault.STALLED, f"{self._address} sends something, but no pictures any more.")

    async def ended(self, timeout_s: float) -> bool:
        """After a cancellation: wait until the camera's connection is closed. Returns False when it is not in time."""
        source = self.source
        if source is None:
            return True
        ends_at = time.monotonic() + timeout_s
        while not source.closed.is_set():
            if time.monotonic() > ends_at:
                return False
            await asyncio.sleep(0.05)
        return True

    def _run_source(
        self, source: Source, ended: "asyncio.Future[CameraError | None]", loop: asyncio.AbstractEventLoop
    ) -> None:
        error: CameraError | None = None
        try:
            source.run()
        except CameraError as failure:
            error = failure
        except Exception:
            log.exception("%s: reading the camera failed", self._name)
            error = CameraError(Fault.PROTOCOL, "Reading the camera failed because of an error in the program.")
        finally:
            # One that was given up must not disturb the one that followed it.
            if self.source is source:
                self._hub.publish(TracksChanged(()))
            source.closed.set()
        try:
            loop.call_soon_threadsafe(_settle, ended, error)
        except RuntimeError:
            # The process is ending and did not wait for a camera that does not answer.
            log.debug("%s: the source ended after the event loop", self._name)

    def _connected(self) -> None:
        if self._ever_connected:
            self.reconnects += 1
        self._ever_connected = True
        self.connect_s = time.monotonic() - self._began_s
        self.connected_since = self._wall_time()
        self.state = StreamState.CONNECTED
        self.last_error = ""
        log.info("%s: connected to %s", self._name, self._address)

    def _note(self, error: CameraError) -> None:
        if str(error) != self.last_error:
            log.warning("%s: %s", self._name, error)
        self.faults[error.fault] += 1
        self.last_error = str(error)
        self.state = StreamState.ERROR if error.fault in _FOR_A_PERSON else StreamState.RECONNECTING

    async def _wait(self, error: CameraError | None) -> None:
        wait_s = self._backoff.next_s()
        knocker = None
        if error is not None and error.fault in _SILENT and wait_s > _KNOCK_S:
            knocker = asyncio.create_task(self._knock())
        try:
            async with asyncio.timeout(wait_s):
                await self._hurry.wait()
        except TimeoutError:
            return
        finally:
            if knocker is not None:
                knocker.cancel()

    async def _knock(self) -> None:
        # Only a camera that did not answer and now does is worth hurrying for.
        was_silent = False
        while True:
            if await answers(self._address, _KNOCK_S):
                if was_silent:
                    self._backoff.reset()
                    self._hurry.set()
                    return
            else:
                was_silent = True
            await asyncio.sleep(_KNOCK_S)


def _call(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    loop.call_soon_threadsafe(callback)


def _settle(ended: "asyncio.Future[CameraError | None]", error: CameraError | None) -> None:
    if not ended.done():
        ended.set_result(error)
