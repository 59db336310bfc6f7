"""An RTSP 1.0 server for any number of mounts and viewers (RFC 2326)."""

import asyncio
import contextlib
import logging
import socket
import ssl
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from lightnvr.live.rtsp.authentication import Authenticator
from lightnvr.live.rtsp.connection import Connection, Limits
from lightnvr.live.rtsp.messages import MAX_HEADER_BYTES
from lightnvr.live.rtsp.mount import Mounts

_SEND_BUFFER_BYTES = 256 * 1024

log = logging.getLogger(__name__)


class RtspServer:
    """Listens from entering its context to leaving it; leaving ends every connection.

    `port` 0 takes a free port, which `port` tells afterwards. With `tls` it speaks RTSPS. With `udp` False only
    interleaved transport is offered.
    """

    def __init__(
        self,
        mounts: Mounts,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        authenticator: Authenticator | None = None,
        limits: Limits | None = None,
        udp: bool = True,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.host = host
        self.port = port
        self.connections_total = 0
        """Connections accepted so far."""
        self.viewers_dropped = 0
        """Connections cut because the viewer read too slowly."""
        self._mounts = mounts
        self._authenticator = authenticator
        self._limits = limits or Limits()
        self._udp = udp
        self._tls = tls
        self._clock = clock
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def connections_open(self) -> int:
        return len(self._connections)

    async def __aenter__(self) -> Self:
        """Raises OSError when the port is taken."""
        await self.start()
        return self

    async def start(self) -> None:
        """Begins to listen. Raises OSError when the port is taken."""
        self._server = await asyncio.start_server(
            self._accept, self.host, self.port, limit=MAX_HEADER_BYTES, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stops listening, cuts every connection and waits until they are gone."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.drop_connections()
        while self._connections:
            await asyncio.wait(list(self._connections))

    def drop_connections(self) -> None:
        """Cuts every connection now, without goodbye."""
        for task, writer in self._connections.items():
            writer.transport.abort()
            task.cancel()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:
            writer.transport.abort()
            return
        self.connections_total += 1
        # One that was reset before it was accepted has no other end any more.
        if len(self._connections) >= self._limits.connections or writer.get_extra_info("peername") is None:
            writer.transport.abort()
            return
        sock = writer.get_extra_info("socket")
        # A viewer that vanished without a word while its camera sends nothing is found out by the system.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        # What waits for a slow viewer waits here, where it is shared and counted, not in the kernel.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections[task] = writer
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        del self._connections[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("RTSP connection ended by a defect", exc_info=error)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(
            reader,
            writer,
            self._mounts,
            authenticator=self._authenticator,
            limits=self._limits,
            udp=self._udp,
            on_dropped=self._count_dropped,
            clock=self._clock,
        )
        with contextlib.suppress(asyncio.CancelledError):
            await connection.serve()

    def _count_dropped(self) -> None:
        self.viewers_dropped += 1
