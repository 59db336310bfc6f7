"""What test cameras have in common that show a programme to everybody who connects by TCP."""

import asyncio
import contextlib
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from tests.cameras.muxing import Moment, Programme


class StreamingCamera(ABC):
    """A camera on a loopback port that stays the same from `start` to `start`. Connections are TCP connections."""

    def __init__(self, programme: Programme, speed: float) -> None:
        self.port = 0
        self.connections_total = 0
        self.frames_sent: list[int] = []
        self._programme = programme
        self._speed = speed
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._running = asyncio.Event()
        self._running.set()
        self._next_due = -math.inf
        self._cut_next = False

    @property
    @abstractmethod
    def url(self) -> str:
        """Where it is reached."""

    @abstractmethod
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it ends."""

    @property
    def connections_open(self) -> int:
        return len(self._connections)

    async def start(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Cuts everything and refuses connections."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.drop_connections()
        while self._connections:
            await asyncio.wait(list(self._connections))

    def drop_connections(self) -> None:
        for task, writer in self._connections.items():
            writer.transport.abort()
            task.cancel()

    def pause(self) -> None:
        """Stalls without closing."""
        self._running.clear()

    def resume(self) -> None:
        self._running.set()

    def cut_mid_frame(self) -> None:
        """Ends the connection in the middle of the next video frame."""
        self._cut_next = True

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections_total += 1
        task = asyncio.create_task(self._handle(reader, writer))
        self._connections[task] = writer
        task.add_done_callback(self._connections.pop)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            try:
                await self._serve(reader, writer)
            finally:
                writer.close()

    async def _show(self, writer: asyncio.StreamWriter, convert: Callable[[Moment], bytes]) -> None:
        """Send the programme, from the next keyframe that was not sent yet, at its pace."""
        begin = self._next_due
        moments = (moment for moment in self._programme.moments() if moment.due >= begin)
        moment = next(m for m in moments if m.sample.keyframe and m.is_video)
        start = time.monotonic() - moment.due / self._speed
        while True:
            if not self._running.is_set():
                paused = time.monotonic()
                await self._running.wait()
                start += time.monotonic() - paused
            if not math.isinf(self._speed):
                await asyncio.sleep(max(0.0, start + moment.due / self._speed - time.monotonic()))
            if writer.is_closing():
                return
            data = convert(moment)
            if self._cut_next and moment.is_video and len(data) > 1:
                self._cut_next = False
                writer.write(data[: len(data) // 2])
                return
            writer.write(data)
            await writer.drain()
            self._next_due = moment.due + 1e-6
            if moment.is_video and moment.sample.number is not None:
                self.frames_sent.append(moment.sample.number)
            moment = next(moments)
