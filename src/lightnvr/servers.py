"""What the server listens with: HTTP, the relay's port, RTSP, WebRTC."""

import asyncio
import logging
import random
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import partial

import uvicorn
from starlette.types import ASGIApp

from lightnvr.accounts.authentication import Authentication
from lightnvr.api.connections import ConnectionLimits
from lightnvr.api.relay import RelayPaths
from lightnvr.api.serving import server_config
from lightnvr.certificate import Certificate
from lightnvr.config import Settings
from lightnvr.live.audience import Audience
from lightnvr.live.channels import Channels
from lightnvr.live.darkroom import Darkroom
from lightnvr.live.rtsp import Limits, RtspServer
from lightnvr.live.rtsp.restream import Restream
from lightnvr.live.webrtc import WebRtc
from lightnvr.process import (
    open_files_limit,
)
from lightnvr.streams.service import LiveInputs
from lightnvr.wiring import admit_by, webrtc_options

_GRACE_S = 0.5
"""How long answers that are on their way may take when the server stops."""

_SLOW_VIEWER_S = 30.0

_PICTURE_THREADS = 2

log = logging.getLogger(__name__)


@asynccontextmanager
async def serve_rtsp(settings: Settings, live: Channels, authentication: Authentication) -> AsyncIterator[int | None]:
    """Serve streams by RTSP while the context is open; gives the port, None when it is switched off. Raises OSError."""
    host, port = settings.web.bind_ip, settings.live.rtsp_port
    if not settings.live.rtsp_enabled or not port:
        yield None
        return
    mounts = Restream(live, admit_by(authentication), random.SystemRandom())
    # Files are for the recordings first: whoever connects may not use them up.
    limits = Limits(min(1000, open_files_limit() // 4), max_lag=_SLOW_VIEWER_S)
    server = RtspServer(mounts, host=host, port=port, limits=limits)
    try:
        await server.start()
    except OSError as error:
        raise OSError(
            f"Cannot listen on {host}, port {port}, for RTSP: {error.strerror}. Choose another port with "
            "[live] rtsp_port (LIGHTNVR_RTSP_PORT); 0 is none."
        ) from error
    try:
        log.info("streams can be watched at rtsp://%s:%d/name", host, server.port)
        yield server.port
    finally:
        await server.close()


@asynccontextmanager
async def serve_webrtc(settings: Settings, live: Channels) -> AsyncIterator[WebRtc]:
    """Let browsers watch by WebRTC while the context is open."""
    webrtc = WebRtc(live, webrtc_options(settings), partial(datetime.now, UTC), random.SystemRandom())
    try:
        yield webrtc
    finally:
        await webrtc.close()


class _Server(uvicorn.Server):
    """Signals are handled by the composition root: uvicorn would raise them again and skip the finishing of files."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept requests."""
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what is quick be finished, then cut the rest: a download must not hold up the finishing of files."""
        cut = asyncio.get_running_loop().call_later(_GRACE_S, self._cut)
        try:
            await super().shutdown(sockets)
        finally:
            cut.cancel()

    def _cut(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def tls_of(settings: Settings) -> AsyncIterator[ssl.SSLContext | None]:
    """Keep the certificate of the web server up to date while the context is open; gives None without one.

    Raises UnusableCertificate.
    """
    if settings.web.tls_cert is None or settings.web.tls_key is None:
        yield None
        return
    certificate = await asyncio.to_thread(Certificate, settings.web.tls_cert, settings.web.tls_key)
    task = asyncio.create_task(certificate.run(), name="certificate")
    try:
        yield certificate.context
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def serve_relay(settings: Settings, api: ASGIApp, tls: ssl.SSLContext | None = None) -> AsyncIterator[int | None]:
    """Serve the addresses of the original's relay on a port of their own; gives the port, None without one.

    Raises OSError.
    """
    if not settings.go2rtc.api_port:
        yield None
        return
    async with serve_http(
        settings.web.bind_ip, settings.go2rtc.api_port, RelayPaths(api), "[go2rtc] api_port", tls=tls
    ) as (port, _):
        yield port


@asynccontextmanager
async def serve_http(
    host: str, wanted_port: int, app: ASGIApp, option: str = "--port", *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, asyncio.Task[None]]]:
    """Serve an application, with `tls` by HTTPS.

    Gives the port, which is `wanted_port` unless that is 0, and the task. Raises OSError.
    """
    listener = _listen(host, wanted_port, option)
    server = _Server(server_config(app, ConnectionLimits(connections=min(1000, open_files_limit() // 2)), tls))
    task = asyncio.create_task(server.serve(sockets=[listener]), name=f"http {wanted_port}")
    try:
        ready = asyncio.create_task(server.ready.wait())
        await asyncio.wait([ready, task], return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        yield int(listener.getsockname()[1]), task
    finally:
        server.should_exit = True
        await asyncio.wait([task])
        listener.close()


def _listen(host: str, port: int, option: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise OSError(
            f"Cannot listen on {host}, port {port}: {error.strerror}. Choose another with {option}."
        ) from error


@asynccontextmanager
async def open_live(inputs: LiveInputs, authentication: Authentication) -> AsyncIterator[Channels]:
    """Let streams be watched until the context is left."""
    audience = Audience(authentication.standing.lapsed)
    channels = Channels(inputs, audience)
    task = asyncio.create_task(audience.run(), name="audience")
    try:
        yield channels
    finally:
        await channels.close()
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def open_darkroom() -> AsyncIterator[Darkroom]:
    """Develop pictures until the context is left."""
    darkroom = Darkroom(_PICTURE_THREADS)
    try:
        yield darkroom
    finally:
        await darkroom.close()
