"""/api/ws: the WebSocket of MSE players."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from lightnvr.accounts.admission import Admission
from lightnvr.api.access import Watcher, add_socket
from lightnvr.api.services import ApiServices, Services
from lightnvr.api.serving import ClientConnection
from lightnvr.live.audience import Viewer, Way
from lightnvr.live.channel import Channel
from lightnvr.live.connections import Ending, PatientSending, serve_viewer
from lightnvr.live.errors import CameraUnavailable, CannotWatch, TooManyViewers
from lightnvr.live.mp4_output import MP4
from lightnvr.live.mp4_pieces import Mp4Piece
from lightnvr.live.mse import MseRequest, MseStream, message
from lightnvr.live.viewer_queue import ViewerQueue
from lightnvr.streams.model import StreamNotFound

_POLICY_VIOLATION = 1008  # RFC 6455 section 7.4.1
_MOST_MESSAGES, _WITHIN_S = 30, 10.0
_GOODBYE_S = 1.0
_LONGEST_REASON_BYTES = 120  # RFC 6455 section 5.5


async def mse_socket(websocket: WebSocket, services: Services, watcher: Watcher, src: str = "") -> None:
    """Feed a player; see lightnvr.live.mse for what is said."""
    try:
        with services.viewer_limits.seats.take():
            await websocket.accept()
            connection = ClientConnection.of(websocket.scope)
            if connection is not None:
                connection.keep_little_waiting()
            await _MseConversation(websocket, connection, services, watcher, src).run()
    except TooManyViewers as error:
        await websocket.send_denial_response(JSONResponse({"error": str(error)}, 503))


def add_mse_sockets(app: FastAPI) -> None:
    """Add the sockets to the application."""
    for prefix in ("/api", "/go2rtc/api"):
        add_socket(app, f"{prefix}/ws", mse_socket)


class _MseConversation:
    """One socket, on which the player may ask again at any time."""

    def __init__(
        self,
        websocket: WebSocket,
        connection: ClientConnection | None,
        services: ApiServices,
        admission: Admission,
        reference: str,
    ) -> None:
        self._websocket = websocket
        self._connection = connection
        self._services = services
        self._admission = admission
        self._reference = reference
        self._request: MseRequest | None = None
        self._is_over = False
        self._goodbye = ""
        self._heard = asyncio.Event()

    async def run(self) -> None:
        """Answer until the player leaves or may not watch any more."""
        listening = asyncio.create_task(self._listen())
        try:
            while not self._is_over:
                await self._hear()
                request, self._request = self._request, None
                if request is not None and not self._is_over:
                    await self._answer(request)
            if self._goodbye:
                await self._close(self._goodbye)
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    async def _hear(self) -> None:
        """Wait until the player says something; it may not hold its seat for longer without seeing anything."""
        try:
            async with asyncio.timeout(self._services.viewer_limits.patience_s):
                await self._heard.wait()
        except TimeoutError:
            self._goodbye = "Nothing was asked for."
            self._is_over = True
        self._heard.clear()

    async def _listen(self) -> None:
        latest: deque[float] = deque(maxlen=_MOST_MESSAGES)
        loop = asyncio.get_running_loop()
        while (received := await self._websocket.receive())["type"] == "websocket.receive":
            now = loop.time()
            if len(latest) == _MOST_MESSAGES and now - latest[0] < _WITHIN_S:
                self._goodbye = "Too many messages."
                break
            latest.append(now)
            request = MseRequest.read(received.get("text") or "")
            if request is not None:
                self._request = request
                self._heard.set()
        self._is_over = True
        self._heard.set()

    async def _answer(self, request: MseRequest) -> None:
        interrupted = asyncio.ensure_future(self._heard.wait())
        try:
            ending, reason = await self._show(request, interrupted)
        except (CannotWatch, StreamNotFound) as error:
            text = "Stream not found" if isinstance(error, StreamNotFound) else str(error)
            await self._say("error", f"mse: {text}")
            return
        except WebSocketDisconnect:
            self._is_over = True
            return
        finally:
            interrupted.cancel()
        if ending is Ending.STUCK:
            self._is_over = True
            if self._connection is not None:
                self._connection.abort()
        elif ending is Ending.ENDED:
            self._is_over = True
            self._goodbye = reason

    async def _show(self, request: MseRequest, interrupted: "asyncio.Future[Any]") -> tuple[Ending, str]:
        live, limits = self._services.live, self._services.viewer_limits
        if not await live.audience.admits(self._admission):
            return Ending.ENDED, "Logged out."
        channel = await live.open(self._reference, self._admission)
        with (
            live.audience.watching(Way.MSE, channel.source, self._admission) as viewer,
            channel.use(MP4) as output,
        ):
            queue: ViewerQueue[Mp4Piece] = ViewerQueue(limits.backlog_bytes, viewer.lost)
            sending = PatientSending(self._send)
            with output.viewed_through(queue):
                serve = self._feed(channel, request, queue, sending, viewer)
                ending = await serve_viewer(viewer, serve, interrupted, sending, limits.patience_s)
            if ending is Ending.DONE:
                await self._say("error", "mse: The stream was interrupted. Ask again.")
            return ending, viewer.reason

    async def _feed(
        self,
        channel: Channel,
        request: MseRequest,
        queue: ViewerQueue[Mp4Piece],
        sending: PatientSending[str | bytes],
        viewer: Viewer,
    ) -> None:
        try:
            await channel.wait_for_tracks(self._services.viewer_limits.start_s)
        except CameraUnavailable as error:
            await sending(message("error", f"mse: {error}"))
        stream = MseStream(request, queue, send=sending, sent=viewer.sent)
        await stream.run()

    async def _send(self, content: str | bytes) -> None:
        if isinstance(content, str):
            await self._websocket.send_text(content)
        else:
            await self._websocket.send_bytes(content)

    async def _say(self, kind: str, text: str) -> None:
        try:
            patience_s = self._services.viewer_limits.patience_s
            await asyncio.wait_for(self._websocket.send_text(message(kind, text)), patience_s)
        except WebSocketDisconnect:
            self._is_over = True
        except TimeoutError:
            self._is_over = True
            if self._connection is not None:
                self._connection.abort()

    async def _close(self, reason: str) -> None:
        text = reason.encode()[:_LONGEST_REASON_BYTES].decode(errors="ignore")
        with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            await asyncio.wait_for(self._websocket.close(_POLICY_VIOLATION, text), _GOODBYE_S)
        if self._connection is not None:
            # In case the client does not read what was sent last.
            asyncio.get_running_loop().call_later(_GOODBYE_S, self._connection.abort)
