"""Sends what is put together while it is read, and stops when the client has gone."""

import logging
from collections.abc import Callable, Generator

import anyio
import anyio.to_thread
from fastapi import Response
from starlette.types import Receive, Scope, Send

from lightnvr.api.serving import ClientConnection
from lightnvr.playback.clip import ClipInterrupted

log = logging.getLogger(__name__)


class PiecewiseAnswer(Response):
    """An answer whose body is read piece by piece in a thread, the next one when the client has taken the last.

    When reading fails in the midst of it, the connection is cut, so that nobody takes what arrived for the whole: it is
    shorter than the Content-Length, or lacks the last chunk.
    """

    def __init__(
        self,
        read: Callable[[], Generator[bytes, None, None]],
        *,
        status_code: int,
        headers: dict[str, str],
        media_type: str,
    ) -> None:
        super().__init__(status_code=status_code, media_type=media_type)
        self.init_headers(headers)
        self._read = read

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it. Raises ClipInterrupted under another server than ours, which then cuts the connection."""
        interrupted: ClipInterrupted | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(_until_gone, receive, group.cancel_scope)
            try:
                await self._send_all(send)
                group.cancel_scope.cancel()
            except ClipInterrupted as error:
                log.error("%s", error)
                connection = ClientConnection.of(scope)
                if connection is not None:
                    connection.abort()
                    await anyio.sleep_forever()
                interrupted = error
                group.cancel_scope.cancel()
        if interrupted is not None:
            raise interrupted

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        pieces = self._read()
        try:
            while (piece := await anyio.to_thread.run_sync(next, pieces, None)) is not None:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            pieces.close()


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
