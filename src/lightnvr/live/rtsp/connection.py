"""One RTSP connection: reads requests, answers them, owns the sessions they make."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from lightnvr.live.rtsp.authentication import Authenticator
from lightnvr.live.rtsp.datagrams import DatagramPair, open_datagram_pair
from lightnvr.live.rtsp.messages import (
    METHODS,
    Interleaved,
    MalformedMessage,
    Request,
    Response,
    RtspError,
    read_message,
)
from lightnvr.live.rtsp.mount import Caller, Mount, Mounts, MountUnavailable
from lightnvr.live.rtsp.sdp import describe
from lightnvr.live.rtsp.session import Channels, Session
from lightnvr.live.rtsp.transport import OverTcp, OverUdp, choose_transport

_KNOWN_BUT_REFUSED = {"ANNOUNCE", "RECORD", "REDIRECT"}
_PROTECTED = {"DESCRIBE", "SETUP", "PLAY"}
_PUBLIC = ", ".join(METHODS)
_MAX_SESSIONS = 8
_TAKEN_S = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections there may be, and what one may cost.

    That is seconds without a sign of life, and bytes waiting for a slow viewer.
    A viewer for whom more waits loses its packets up to a keyframe that it has room for again; after `max_lag` seconds
    without one its connection is cut, with 0 at once.
    """

    connections: int = 1000
    session_timeout: float = 60.0
    max_backlog: int = 2 * 1024 * 1024
    max_lag: float = 0.0


class Connection:
    """Serves one client until it leaves, goes silent or sends what is not RTSP."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        mounts: Mounts,
        *,
        authenticator: Authenticator | None,
        limits: Limits,
        udp: bool,
        on_dropped: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._mounts = mounts
        self._authenticator = authenticator
        self._limits = limits
        self._udp = udp
        self._on_dropped = on_dropped
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._heard = clock()
        self._starting: Session | None = None
        self._caller = Caller(writer.get_extra_info("peername")[0])

    async def serve(self) -> None:
        """Runs until the connection is over; leaves nothing behind."""
        try:
            while await self._serve_one():
                pass
        except MalformedMessage as error:
            self._answer(Response(error.status), None)
        except ConnectionError:
            pass
        finally:
            for session in self._sessions.values():
                session.end()
            self._writer.close()

    async def _serve_one(self) -> bool:
        try:
            async with asyncio.timeout(self._patience()):
                message = await read_message(self._reader)
        except TimeoutError:
            return self._alive()
        if message is None:
            return False
        self._heard = self._clock()
        for session in self._sessions.values():
            session.heard()
        if isinstance(message, Interleaved):
            return True
        cseq = message.headers.get("cseq")
        self._answer(await self._respond(message), cseq)
        await self._until_taken()
        if self._starting is not None:
            # Only after the answer: players expect no packet ahead of it.
            self._starting.play()
            self._starting = None
        return not self._writer.is_closing()

    def _answer(self, response: Response, cseq: str | None) -> None:
        if not self._writer.is_closing():
            self._writer.write(response.encode(cseq))

    async def _until_taken(self) -> None:
        """Let one who asks and does not read the answers wait for the next, for they pile up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TAKEN_S):
                await self._writer.drain()

    def _patience(self) -> float | None:
        # A viewer that takes its packets over this connection shows by taking them that it lives.
        if any(session.playing and session.interleaved for session in self._sessions.values()):
            return None
        return max(0.01, self._limits.session_timeout - self._silent_for())

    def _alive(self) -> bool:
        return self._silent_for() < self._limits.session_timeout

    def _silent_for(self) -> float:
        return min([self._clock() - self._heard, *(session.idle_for for session in self._sessions.values())])

    async def _respond(self, request: Request) -> Response:
        try:
            return await self._handle(request)
        except RtspError as error:
            return Response(error.status, error.headers)
        except MountUnavailable:
            return Response(503)
        except OSError as error:
            log.warning("RTSP request %s failed: %s", request.method, error)
            return Response(500)

    async def _handle(self, request: Request) -> Response:
        if "cseq" not in request.headers:
            raise RtspError(400)
        if request.method not in METHODS:
            raise RtspError(405 if request.method in _KNOWN_BUT_REFUSED else 501, {"Allow": _PUBLIC})
        if "require" in request.headers:
            raise RtspError(551, {"Unsupported": request.headers["require"]})
        path = request.path
        if request.method in _PROTECTED:
            await self._authenticate(request)
        match request.method:
            case "OPTIONS":
                return Response(headers={"Public": _PUBLIC})
            case "DESCRIBE":
                return await self._describe(request, path)
            case "SETUP":
                return await self._setup(request, path)
            case "PLAY":
                return self._play(request, path)
            case "PAUSE":
                session = self._session(request)
                session.pause()
                return self._response_of(session)
            case "TEARDOWN":
                session = self._session(request)
                session.end()
                del self._sessions[session.identifier]
                return Response()
            case _:
                return self._keep_alive(request)

    async def _authenticate(self, request: Request) -> None:
        if self._authenticator is not None and not await self._authenticator.allows(request):
            raise RtspError(401, {"WWW-Authenticate": "\nWWW-Authenticate: ".join(self._authenticator.challenges())})

    async def _describe(self, request: Request, path: str) -> Response:
        mount = await self._find(request, path)
        if mount is None:
            raise RtspError(404)
        sdp = describe(await mount.describe(), self._own_address())
        return Response(headers={"Content-Type": "application/sdp", "Content-Base": request.base}, body=sdp.encode())

    async def _find(self, request: Request, path: str) -> Mount | None:
        """The mount at a path, if the caller may watch it.

        A ticket stands in the URL of DESCRIBE only, so one who shows nothing is taken for who called here before.
        """
        authorization, ticket = request.headers.get("authorization", ""), request.ticket
        caller = Caller(self._caller.address, authorization, ticket) if authorization or ticket else self._caller
        mount = await self._mounts.find(path, caller)
        self._caller = caller
        return mount

    async def _setup(self, request: Request, path: str) -> Response:
        mount_path, mount, index = await self._track_at(request, path)
        transport = choose_transport(request.headers.get("transport"), udp=self._udp)
        session = self._session(request) if "session" in request.headers else self._new_session(mount, mount_path)
        if session.playing:
            raise RtspError(455)
        if session.path != mount_path:
            raise RtspError(459)
        header = await self._connect_track(session, index, transport)
        self._sessions[session.identifier] = session
        return self._response_of(session, {"Transport": header})

    async def _track_at(self, request: Request, path: str) -> tuple[str, Mount, int]:
        """Mount path, mount and index of the track for the URL of a SETUP."""
        mount_path, _, number = path.rpartition("/trackID=")
        mount = None if mount_path else await self._find(request, path)
        if mount is not None:
            presentation = await mount.describe()
            if len(presentation.tracks) > 1:
                raise RtspError(459)
            return path, mount, 0
        mount = await self._find(request, mount_path) if mount_path else None
        if mount is None:
            raise RtspError(404)
        presentation = await mount.describe()
        if not (number.isascii() and number.isdigit() and int(number) < len(presentation.tracks)):
            raise RtspError(404)
        return mount_path, mount, int(number)

    def _new_session(self, mount: Mount, path: str) -> Session:
        if len(self._sessions) >= _MAX_SESSIONS:
            raise RtspError(503)
        return Session(
            secrets.token_hex(8),
            mount,
            path,
            connection=self._writer.transport,
            max_backlog=self._limits.max_backlog,
            max_lag=self._limits.max_lag,
            on_dropped=self._on_dropped,
            clock=self._clock,
        )

    async def _connect_track(self, session: Session, index: int, transport: OverTcp | OverUdp) -> str:
        """Connects a track of the session and gives the `Transport` header that tells how."""
        if isinstance(transport, OverTcp):
            rtp, rtcp = transport.channels or (2 * index, 2 * index + 1)
            self._replace(session, index, Channels(rtp, rtcp))
            return f"RTP/AVP/TCP;unicast;interleaved={rtp}-{rtcp}"
        client: str = self._writer.get_extra_info("peername")[0]
        pair = await open_datagram_pair(self._own_address(), client, transport.client_ports, session.heard)
        self._replace(session, index, pair)
        ports, own = transport.client_ports, pair.server_ports
        return f"RTP/AVP/UDP;unicast;client_port={ports[0]}-{ports[1]};server_port={own[0]}-{own[1]}"

    @staticmethod
    def _replace(session: Session, index: int, track: Channels | DatagramPair) -> None:
        previous = session.tracks.get(index)
        if isinstance(previous, DatagramPair):
            previous.close()
        session.tracks[index] = track

    def _play(self, request: Request, path: str) -> Response:
        if "session" not in request.headers:
            raise RtspError(455)
        session = self._session(request)
        if path not in (session.path, "*") and len(session.tracks) > 1:
            raise RtspError(460)
        self._starting = session
        return self._response_of(session, {"Range": "npt=now-"})

    def _keep_alive(self, request: Request) -> Response:
        if "session" in request.headers:
            return self._response_of(self._session(request))
        return Response()

    def _session(self, request: Request) -> Session:
        identifier = request.headers.get("session", "").partition(";")[0].strip()
        session = self._sessions.get(identifier)
        if session is None:
            raise RtspError(454)
        return session

    def _response_of(self, session: Session, headers: dict[str, str] | None = None) -> Response:
        timeout = int(self._limits.session_timeout)
        return Response(headers={"Session": f"{session.identifier};timeout={timeout}", **(headers or {})})

    def _own_address(self) -> str:
        address: str = self._writer.get_extra_info("sockname")[0]
        return address
