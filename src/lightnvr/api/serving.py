"""How requests reach the API: uvicorn, and what its connections let a handler do."""

import socket
import ssl
from asyncio import BaseTransport, Transport
from typing import cast

import uvicorn
from starlette.types import ASGIApp, Scope
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from lightnvr.api.connections import ConnectionLimits, LimitedConnection, limited_connections

_EXTENSION = "lightnvr.connection"
_MAX_MESSAGE_BYTES = 64 * 1024
_UNSENT_BYTES = 128 * 1024


class ClientConnection:
    """The connection that a request came by."""

    def __init__(self, transport: BaseTransport) -> None:
        self._transport = cast("Transport", transport)

    @classmethod
    def of(cls, scope: Scope) -> "ClientConnection | None":
        """Return the connection of a request, None under another server than ours."""
        found = scope.get("extensions", {}).get(_EXTENSION)
        return found if isinstance(found, cls) else None

    def keep_little_waiting(self) -> None:
        """Let the system take only so much more than the client reads.

        Otherwise it takes megabytes for a client that reads slowly or not at all, which then sees what is long past.
        """
        connection = self._transport.get_extra_info("socket")
        if connection is None:
            return
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
        else:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNSENT_BYTES)

    def send_piece_by_piece(self) -> None:
        """Let each sending wait until the system has taken all that was sent before."""
        self._transport.set_write_buffer_limits(high=0)

    def abort(self) -> None:
        """Cut the connection; what waits to be sent is thrown away."""
        self._transport.abort()


class _HttpConnection(LimitedConnection):
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_EXTENSION: ClientConnection(self.transport)}  # type: ignore[dict-item]


class _SocketConnection(WebSocketsSansIOProtocol):
    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.handshake_complete:
            extensions = self.scope["extensions"]
            if extensions is not None:
                extensions[_EXTENSION] = ClientConnection(self.transport)  # type: ignore[assignment]

    async def send(self, message: ASGISendEvent) -> None:
        """Send, and see a refusal that was answered as what it is: uvicorn logs it as an error of ours."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True


def server_config(
    app: ASGIApp, limits: ConnectionLimits | None = None, tls: ssl.SSLContext | None = None
) -> uvicorn.Config:
    """Return how the API is served, with `tls` by HTTPS only.

    Frames of a WebSocket are not compressed: video does not become smaller, and each connection would cost memory.
    """
    config = uvicorn.Config(
        app,
        http=limited_connections(limits or ConnectionLimits(), _HttpConnection),
        ws=_SocketConnection,
        ws_max_size=_MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    config.load()
    # After loading: that would make a context of its own, from files that it reads once.
    config.ssl = tls
    return config
