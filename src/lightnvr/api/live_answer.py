"""An answer without end: a stream, for as long as somebody watches."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from fastapi import Response
from starlette.types import Receive, Scope, Send

from lightnvr.accounts.admission import Admission
from lightnvr.api.serving import ClientConnection
from lightnvr.live.audience import Audience, Viewer, Way
from lightnvr.live.channel import Channel
from lightnvr.live.connections import Ending, PatientSending, ViewerLimits, serve_viewer
from lightnvr.live.errors import CameraUnavailable
from lightnvr.live.output import Output, OutputKind
from lightnvr.live.viewer_queue import Piece, ViewerQueue

P = TypeVar("P", bound=Piece)

_GOODBYE_S = 1.0


class ViewedOutput(Output, Protocol[P]):
    """An output that fills a queue for each viewer."""

    def viewed_through(self, queue: ViewerQueue[P]) -> AbstractContextManager[None]:
        """Fill a queue while the context is open."""
        ...


class LiveBody(ABC, Generic[P]):
    """What becomes of the pieces of one viewer."""

    @abstractmethod
    def begin(self, first: P) -> str:
        """Return the media type. Raises UnsupportedTracks."""

    @abstractmethod
    def content(self, piece: P) -> bytes | None:
        """Return what to send for a piece; None ends the answer."""


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """Who wants to watch what, which way."""

    channel: Channel
    admission: Admission
    way: Way


class LiveAnswer(Response, Generic[P]):
    """Sends what an output makes until the client leaves, may not watch any more, or takes nothing for too long.

    Raises CameraUnavailable, UnsupportedTracks and TooManyViewers before anything was sent.
    """

    def __init__(
        self,
        request: LiveRequest,
        kind: "OutputKind[ViewedOutput[P]]",
        body: LiveBody[P],
        audience: Audience,
        limits: ViewerLimits,
    ) -> None:
        super().__init__()
        self._request = request
        self._kind = kind
        self._body = body
        self._audience = audience
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        channel, request = self._request.channel, self._request
        with (
            self._limits.seats.take(),
            self._audience.watching(request.way, channel.source, request.admission) as viewer,
            channel.use(self._kind) as output,
        ):
            queue: ViewerQueue[P] = ViewerQueue(self._limits.backlog_bytes, viewer.lost)
            with output.viewed_through(queue):
                await channel.wait_for_tracks(self._limits.start_s)
                first = await self._first(queue)
                await self._send(scope, receive, send, viewer, first, queue)

    async def _first(self, queue: ViewerQueue[P]) -> P:
        try:
            first = await asyncio.wait_for(queue.take(), self._limits.start_s)
        except TimeoutError:
            first = None
        if first is None:
            raise CameraUnavailable(f"{self._request.channel.source.name} sends no pictures.")
        return first

    async def _send(
        self, scope: Scope, receive: Receive, send: Send, viewer: Viewer, first: P, queue: ViewerQueue[P]
    ) -> None:
        await send_endless(
            self._body.begin(first),
            lambda sending: self._serve(sending, viewer, first, queue),
            viewer,
            self._limits.patience_s,
            Exchange(scope, receive, send),
        )

    async def _serve(self, send: PatientSending[bytes], viewer: Viewer, first: P, queue: ViewerQueue[P]) -> None:
        piece: P | None = first
        while piece is not None:
            content = self._body.content(piece)
            if content is None:
                return
            if content:
                await send(content)
                viewer.sent(len(content))
            piece = await queue.take()


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, as ASGI has them."""

    scope: Scope
    receive: Receive
    send: Send


async def send_endless(
    media_type: str,
    serve: Callable[[PatientSending[bytes]], Coroutine[Any, Any, None]],
    viewer: Viewer,
    patience_s: float,
    exchange: Exchange,
) -> None:
    """Answer with whatever `serve` sends, until it returns, the client leaves, is stuck or may not watch any more."""
    send = exchange.send
    headers = {
        "content-type": media_type,
        "cache-control": "no-store",
        # The connection is cut when the client stays behind, so nothing may follow on it.
        "connection": "close",
    }
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    connection = ClientConnection.of(exchange.scope)
    if connection is not None:
        connection.keep_little_waiting()
    await send({"type": "http.response.start", "status": 200, "headers": raw})

    async def send_body(content: bytes) -> None:
        await send({"type": "http.response.body", "body": content, "more_body": True})

    sending = PatientSending(send_body)
    left = asyncio.ensure_future(_until_left(exchange.receive))
    try:
        ending = await serve_viewer(viewer, serve(sending), left, sending, patience_s)
        await _end(ending, connection, left, send)
    finally:
        left.cancel()


async def _end(ending: Ending, connection: ClientConnection | None, left: "asyncio.Future[None]", send: Send) -> None:
    if ending in {Ending.DONE, Ending.ENDED}:
        goodbye = asyncio.ensure_future(send({"type": "http.response.body", "body": b"", "more_body": False}))
        await asyncio.wait((goodbye, left), timeout=_GOODBYE_S, return_when=asyncio.FIRST_COMPLETED)
        if goodbye.done():
            _cut_later(connection)
            return
        goodbye.cancel()
    if ending is not Ending.LEFT and connection is not None:
        connection.abort()
        await asyncio.wait((left,), timeout=_GOODBYE_S)


def _cut_later(connection: ClientConnection | None) -> None:
    """Cut a connection that is being closed, in case the client does not read what was sent last."""
    if connection is not None:
        asyncio.get_running_loop().call_later(_GOODBYE_S, connection.abort)


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def headers_only(media_type: str) -> Response:
    """Return the answer to HEAD."""
    answer = Response(media_type=media_type, headers={"Cache-Control": "no-store", "Connection": "close"})
    # How long the stream will be nobody knows.
    del answer.headers["content-length"]
    return answer
