"""An RTSP test camera."""

import asyncio
import contextlib
import datetime as dt
import math
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lightnvr.demo.clip import Clip
from lightnvr.demo.playing import Loop
from lightnvr.live.rtsp import (
    Authenticator,
    BasicAuthenticator,
    DigestAuthenticator,
    FixedMounts,
    Limits,
    RtspServer,
)
from lightnvr.live.rtsp.messages import Request
from tests.cameras.films import film
from tests.cameras.projector import Projector
from tests.cameras.quirks import CueQuirk

PATH = "stream"


class RtspCamera:
    """A camera on a loopback port that stays the same from `start` to `start`."""

    def __init__(
        self,
        projector: Projector,
        *,
        port: int,
        credentials: tuple[str, str] | None,
        authenticator: Authenticator | None,
        udp: bool,
        tls: ssl.SSLContext | None,
        limits: Limits | None,
    ) -> None:
        self.port = port
        self._projector = projector
        self._credentials = credentials
        self._authenticator = authenticator
        self._udp = udp
        self._tls = tls
        self._limits = limits
        self._server: RtspServer | None = None
        self._connections_before = 0

    @property
    def url(self) -> str:
        """Where to watch it, with the right credentials if it wants any."""
        if self._credentials is None:
            return self.url_as()
        return self.url_as(*self._credentials)

    def url_as(self, user: str | None = None, password: str = "") -> str:
        """Its URL with other credentials, or with none."""
        who = "" if user is None else f"{quote(user, safe='')}:{quote(password, safe='')}@"
        return f"{'rtsps' if self._tls else 'rtsp'}://{who}127.0.0.1:{self.port}/{PATH}"

    @property
    def frames_sent(self) -> list[int]:
        """Numbers of the video frames sent to at least one viewer, in order."""
        return list(self._projector.frames_sent)

    @property
    def sent_at(self) -> list[float]:
        """When each of `frames_sent` was sent, in seconds since 1970 UTC."""
        return list(self._projector.sent_at)

    @property
    def connections_total(self) -> int:
        return self._connections_before + (self._server.connections_total if self._server else 0)

    @property
    def connections_open(self) -> int:
        return self._server.connections_open if self._server else 0

    @property
    def viewers_dropped(self) -> int:
        return self._server.viewers_dropped if self._server else 0

    async def start(self) -> None:
        """Answers connections; on its old port if it had one."""
        if self._server is not None:
            return
        server = RtspServer(
            FixedMounts({PATH: self._projector}),
            port=self.port,
            authenticator=self._authenticator,
            udp=self._udp,
            tls=self._tls,
            limits=self._limits,
        )
        await server.start()
        self._server, self.port = server, server.port

    async def stop(self) -> None:
        """Cuts everything and refuses connections."""
        if self._server is not None:
            server, self._server = self._server, None
            self._connections_before += server.connections_total
            await server.close()

    def drop_connections(self) -> None:
        """Cuts every connection now; new ones are welcome."""
        if self._server is not None:
            self._server.drop_connections()

    def pause(self, *, reports: bool = False) -> None:
        """Stalls without closing; with `reports` goes on sending RTCP."""
        self._projector.pause(reports=reports)

    def resume(self) -> None:
        self._projector.resume()

    def jump(self, seconds: float, *, track: int | None = None) -> None:
        """Timestamps jump forward, or backward with negative seconds."""
        self._projector.jump(seconds, track=track)

    def reboot(self, *, cut: bool = True) -> None:
        """Starts over with another SSRC, sequence numbers and timestamps; without `cut` connections stay open."""
        self._projector.renumber()
        if cut:
            self.drop_connections()

    def cut_mid_frame(self) -> None:
        """Ends all connections in the middle of the next video frame."""
        self._projector.cut_mid_frame()


@asynccontextmanager
async def camera(
    *films: Clip,
    repeat_from: int = 0,
    quirks: Sequence[CueQuirk] = (),
    events: Mapping[int, Callable[[RtspCamera], None]] | None = None,
    speed: float = 1.0,
    flood: bool = False,
    wraps_after: float | None = None,
    credentials: tuple[str, str] | None = None,
    authentication: Literal["digest", "basic"] = "digest",
    hang_on: Literal["DESCRIBE", "SETUP", "PLAY"] | None = None,
    started: bool = True,
    port: int = 0,
    udp: bool = True,
    tls: bool = False,
    wait_for_keyframe: bool = True,
    limits: Limits | None = None,
) -> AsyncIterator[RtspCamera]:
    """Runs an RTSP camera in the current event loop.

    Without films it shows numbered H.264 frames. Several films follow each other without a break (parameter sets
    change in mid-stream), then again from `repeat_from`. `events` maps a count of video frames sent to what the
    camera then does, once. `wraps_after`: RTP timestamps pass 2^32 so many seconds after the start. `hang_on`: that
    request is never answered. `started` False: refuses connections until `start`.
    """
    loops = [Loop(clip) for clip in (films or (await asyncio.to_thread(film),))]
    actions = {count: _bind(action, lambda: cam) for count, action in (events or {}).items()}
    projector = Projector(
        loops,
        repeat_from=repeat_from,
        quirks=quirks,
        speed=math.inf if flood else speed,
        first_timestamps=_first_timestamps(loops[0], wraps_after),
        wait_for_keyframe=wait_for_keyframe,
        events=actions,
    )
    cam = RtspCamera(
        projector,
        port=port or (0 if started else _free_port()),
        credentials=credentials,
        authenticator=_authenticator(credentials, authentication, hang_on),
        udp=udp,
        tls=_self_signed() if tls else None,
        limits=limits,
    )
    playing = asyncio.create_task(projector.play())
    try:
        if started:
            await cam.start()
        yield cam
    finally:
        await cam.stop()
        playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing


class _Hanging:
    """Never decides about one kind of request."""

    def __init__(self, method: str, inner: Authenticator | None) -> None:
        self._method = method
        self._inner = inner

    async def allows(self, request: Request) -> bool:
        if request.method == self._method:
            await asyncio.Event().wait()
        return self._inner is None or await self._inner.allows(request)

    def challenges(self) -> tuple[str, ...]:
        return self._inner.challenges() if self._inner else ()


def _authenticator(
    credentials: tuple[str, str] | None, kind: Literal["digest", "basic"], hang_on: str | None
) -> Authenticator | None:
    authenticator: Authenticator | None = None
    if credentials is not None:
        user, password = credentials

        async def check(given_user: str, given_password: str) -> bool:
            return (given_user, given_password) == (user, password)

        authenticator = DigestAuthenticator({user: password}) if kind == "digest" else BasicAuthenticator(check)
    return authenticator if hang_on is None else _Hanging(hang_on, authenticator)


def _bind(action: Callable[[RtspCamera], None], who: Callable[[], RtspCamera]) -> Callable[[], None]:
    return lambda: action(who())


def _first_timestamps(loop: Loop, wraps_after: float | None) -> list[int]:
    if wraps_after is None:
        return [1_000_000 * (index + 1) for index in range(len(loop.tracks))]
    return [(1 << 32) - int(wraps_after * track.clock_rate) for track in loop.tracks]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _self_signed() -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "camera")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        chain = Path(folder) / "chain.pem"
        chain.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context.load_cert_chain(chain)
    return context
