"""Sends media that is in memory already, whole or in part, without copying it."""

import asyncio
from collections.abc import Iterator, Sequence
from http import HTTPStatus

from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

from lightnvr.api.ranges import ByteRange, read_range
from lightnvr.api.serving import ClientConnection
from lightnvr.live.audience import Viewer
from lightnvr.live.connections import PatientSending

_PIECE = 64 * 1024
"""So much is handed to the connection at a time: what a client that does not read has in its queue."""

_LOOK_S = 1.0
"""How often it is looked at whether somebody who takes long may go on."""

_MOST_PATIENCE = 2
"""What a client holds is kept in memory for it, also when it left the playlist long ago."""


def media_answer(
    request: Request,
    parts: Sequence[bytes],
    media_type: str,
    headers: dict[str, str],
    viewer: Viewer,
    patience_s: float,
) -> Response:
    """Answer GET or HEAD for these bytes, which follow each other and belong to all who watch.

    A client that takes nothing for `patience_s` seconds is cut off, one that has not taken all after twice as long, and
    one that may not watch any more. Raises RangeNotSatisfiable.
    """
    size = sum(map(len, parts))
    part = read_range(request.headers.get("range"), size)
    status = HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT
    headers = {**headers, "Accept-Ranges": "bytes"}
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    part = part or ByteRange(0, size)
    headers["Content-Length"] = str(part.stop - part.start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=media_type)
    return _SharedBytes(parts, part, viewer, patience_s, status_code=status, headers=headers, media_type=media_type)


class _SharedBytes(Response):
    """An answer whose body is pieces of bytes that others are sent too."""

    def __init__(
        self,
        parts: Sequence[bytes],
        part: ByteRange,
        viewer: Viewer,
        patience_s: float,
        *,
        status_code: int,
        headers: dict[str, str],
        media_type: str,
    ) -> None:
        super().__init__(status_code=status_code, media_type=media_type)
        self.init_headers(headers)
        self._parts = parts
        self._part = part
        self._viewer = viewer
        self._patience_s = patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, piece by piece as the client takes them; cut the connection when it must not go on."""
        connection = ClientConnection.of(scope)
        if connection is not None:
            connection.keep_little_waiting()
            connection.send_piece_by_piece()
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if not await self._is_taken(send) and connection is not None:
            connection.abort()
            while (await receive())["type"] != "http.disconnect":
                pass

    async def _is_taken(self, send: Send) -> bool:
        """Send all; whether the client took it before it had to be cut off."""

        async def send_piece(piece: memoryview | bytes) -> None:
            await send({"type": "http.response.body", "body": piece, "more_body": bool(piece)})

        sending = PatientSending(send_piece)
        serving = asyncio.ensure_future(self._serve(sending))
        ends_at = asyncio.get_running_loop().time() + _MOST_PATIENCE * self._patience_s
        try:
            while not (await asyncio.wait((serving,), timeout=min(_LOOK_S, self._patience_s / 2)))[0]:
                is_late = asyncio.get_running_loop().time() >= ends_at or sending.stuck_s() >= self._patience_s
                if is_late or self._viewer.ended.is_set():
                    return False
            serving.result()
            return True
        finally:
            serving.cancel()

    async def _serve(self, send: PatientSending[memoryview | bytes]) -> None:
        for piece in self._pieces():
            await send(piece)
            self._viewer.sent(len(piece))
        await send(b"")

    def _pieces(self) -> Iterator[memoryview]:
        begin = 0
        for content in self._parts:
            view = memoryview(content)[max(0, self._part.start - begin) : max(0, self._part.stop - begin)]
            for at in range(0, len(view), _PIECE):
                yield view[at : at + _PIECE]
            begin += len(content)
