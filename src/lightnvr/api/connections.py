"""What one TCP connection to the server may take: so many of them, such a long time, such large headers.

uvicorn waits for ever for the rest of a request and keeps headers of any size. Connections and memory belong to the
process that records, so strangers must not be able to use them up.
"""

import asyncio
import json
from dataclasses import dataclass
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

_LOOKS = 6
"""How often it is looked at whether a client takes what waits for it, before it is cut off."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """`request_s` seconds are for a whole request with its body; `header_bytes` for its line and headers together.

    A client that takes nothing of a complete answer for `unread_s` seconds is cut off.
    """

    connections: int = 1000
    request_s: float = 30.0
    unread_s: float = 30.0
    header_bytes: int = 64 * 1024


class LimitedConnection(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, within limits."""

    limits = ConnectionLimits()
    _deadline: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _header_bytes = 0
    _in_headers = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "There are too many connections. Try again later.")
            return
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._stop_waiting()
        if self._unread is not None:
            self._unread.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        if self.transport.is_closing():
            return
        # None before the first request, which uvicorn does not say in its types.
        cycle: RequestResponseCycle | None = self.cycle
        if self._deadline is None and (cycle is None or cycle.response_complete):
            self._await_request()
        if self._in_headers:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._in_headers and self._header_bytes > self.limits.header_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers of the request are too large.")

    def on_message_begin(self) -> None:
        """The first byte of a request has come."""
        super().on_message_begin()
        self._in_headers = True
        if self._deadline is None:
            self._await_request()

    def on_headers_complete(self) -> None:
        """The line and the headers of a request are there."""
        self._in_headers, self._header_bytes = False, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request is there with its body."""
        self._stop_waiting()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer was handed over whole; that the client reads it is another thing.

        uvicorn closes a connection that falls silent, but what waits to be sent holds it open for as long as the client
        likes.
        """
        super().on_response_complete()
        if self._unread is None:
            self._watch_unread(self.transport.get_write_buffer_size(), _LOOKS)

    def handle_websocket_upgrade(self) -> None:
        """From here on it is a WebSocket, which may be silent for as long as it likes."""
        self._stop_waiting()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, "This is not a request of HTTP.")

    def _await_request(self) -> None:
        self._deadline = self.loop.call_later(self.limits.request_s, self.transport.abort)

    def _watch_unread(self, waiting: int, looks: int) -> None:
        """Look again, until nothing waits or as much as before for so many looks."""
        self._unread = None
        if waiting and looks:
            self._unread = self.loop.call_later(self.limits.unread_s / _LOOKS, self._look, waiting, looks - 1)
        elif waiting:
            self.transport.abort()

    def _look(self, before: int, looks: int) -> None:
        # Another answer may be on its way by now; with one who reads it is not the same each time.
        waiting = self.transport.get_write_buffer_size()
        self._watch_unread(waiting, looks if waiting == before else _LOOKS)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        body = json.dumps({"error": text}).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def limited_connections(
    limits: ConnectionLimits, kind: type[LimitedConnection] = LimitedConnection
) -> type[asyncio.Protocol]:
    """Return the protocol that uvicorn answers each connection with."""
    return type("Limited", (kind,), {"limits": limits})
