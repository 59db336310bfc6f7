"""Sends media that is in memory already, whole or in part, without copying it."""

import asyncio
from collections.abc import Iterator, Sequence
from http import HTTPStatus

from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

from lightnvr.api.ranges import ByteRange, read_range
from lightnvr.live.audience import Viewer

_PIECE = 64 * 1024
"""So much is handed to the connection at a time: what a client that does not read has in its queue."""

_PATIENCE_S = 30.0
"""A client that takes nothing for so long is given up."""


def media_answer(
    request: Request, parts: Sequence[bytes], media_type: str, headers: dict[str, str], viewer: Viewer
) -> Response:
    """Answer GET or HEAD for these bytes, which follow each other and belong to all who watch.

    Raises RangeNotSatisfiable.
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
    return _SharedBytes(parts, part, viewer, status_code=status, headers=headers, media_type=media_type)


class _SharedBytes(Response):
    """An answer whose body is pieces of bytes that others are sent too."""

    def __init__(
        self,
        parts: Sequence[bytes],
        part: ByteRange,
        viewer: Viewer,
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, piece by piece as the client takes them."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for piece in self._pieces():
            # Times out when the client does not read: the server then closes the connection.
            await asyncio.wait_for(
                send({"type": "http.response.body", "body": piece, "more_body": True}), timeout=_PATIENCE_S
            )
            self._viewer.sent(len(piece))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _pieces(self) -> Iterator[memoryview]:
        begin = 0
        for content in self._parts:
            view = memoryview(content)[max(0, self._part.start - begin) : max(0, self._part.stop - begin)]
            for at in range(0, len(view), _PIECE):
                yield view[at : at + _PIECE]
            begin += len(content)
