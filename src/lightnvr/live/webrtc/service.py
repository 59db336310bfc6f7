"""All who watch by WebRTC."""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from lightnvr.accounts.admission import Admission
from lightnvr.live.channels import Channels
from lightnvr.live.errors import TooManyViewers
from lightnvr.live.webrtc.answered import Answered
from lightnvr.live.webrtc.offer import Trickle, parse_offer, parse_trickle

if TYPE_CHECKING:
    from lightnvr.live.webrtc.session import Surroundings, ViewerSession

_CONNECT_S = 30.0

log = logging.getLogger(__name__)


class NoSuchSession(Exception):
    """There is no viewer with this id, or it is somebody else's."""


class OtherOffer(Exception):
    """Candidates that came late belong to another offer than the one that was answered."""


@dataclass(frozen=True, slots=True)
class WebRtcOptions:
    """Settings. `port` is the UDP port, 0 for any; `external` are addresses that routers forward to us.

    `max_viewers` counts also those who have not connected yet; who does not within `connect_s` seconds is forgotten.
    """

    port: int = 0
    external: tuple[str, ...] = ()
    stun_server: str = ""
    max_viewers: int = 256
    connect_s: float = _CONNECT_S


class WebRtc:
    """Answers offers and owns what comes of them. Belongs to the event loop."""

    def __init__(
        self, channels: Channels, options: WebRtcOptions, now: Callable[[], datetime], rng: random.Random
    ) -> None:
        self._channels = channels
        self._max_viewers = options.max_viewers
        self._options = options
        self._now = now
        self._rng = rng
        self._loading = asyncio.Lock()
        self._surroundings: Surroundings | None = None
        self._sessions: dict[str, tuple[ViewerSession, asyncio.Task[None]]] = {}

    def take_stun_server(self, server: str) -> None:
        """Ask this server, host:port or empty, for our public address from the next viewer on."""
        self._options = replace(self._options, stun_server=server)
        if self._surroundings is not None:
            self._surroundings.addresses.take_stun_server(server)

    @property
    def viewers(self) -> int:
        """How many there are, connected or about to be."""
        return len(self._sessions)

    async def offer(
        self, reference: str, admission: Admission, sdp: str, *, reached_at: str = "", is_remote: bool = False
    ) -> Answered:
        """Answer an offer. `reached_at` is the address of ours that it was sent to, when it is known.

        `is_remote` is whether it comes from another network, so that our public address is worth waiting for.

        Raises MalformedOffer, StreamNotFound, LiveViewOff, NotAdmitted, CameraUnavailable, UnsupportedTracks,
        TooManyViewers.
        """
        channel = await self._channels.open(reference, admission)
        offer = parse_offer(sdp)
        if len(self._sessions) >= self._max_viewers:
            raise TooManyViewers(
                f"{self._max_viewers} viewers use WebRTC already. Choose MSE or HLS, or raise webrtc_max_viewers."
            )
        surroundings = await self._load()
        from lightnvr.live.webrtc.session import Reach, ViewerSession  # noqa: PLC0415 - loaded by now

        session = ViewerSession(surroundings, channel, admission, offer, Reach(reached_at, is_remote))
        task = asyncio.create_task(session.run(), name=f"webrtc {channel.source.name}")
        self._sessions[session.id] = session, task
        task.add_done_callback(lambda task: self._ended(session, task))
        try:
            return await asyncio.shield(session.answered)
        except asyncio.CancelledError:
            session.close()
            raise

    def trickle(self, session_id: str, admission: Admission, fragment: str, if_match: str) -> None:
        """Add the candidates of a fragment. Raises NoSuchSession, OtherOffer, MalformedOffer."""
        session = self._find(session_id, admission)
        if if_match not in ("", "*", f'"{session.etag}"'):
            raise OtherOffer("The entity tag is that of another session.")
        trickle: Trickle = parse_trickle(fragment)
        if trickle.ufrag not in ("", session.remote_ufrag):
            raise OtherOffer("A restart of ICE is not possible here: make a new offer.")
        session.add_candidates(trickle.candidates)

    async def end(self, session_id: str, admission: Admission) -> None:
        """End a viewer, and wait until it is gone. Raises NoSuchSession."""
        session = self._find(session_id, admission)
        session.close()
        await asyncio.wait([self._sessions[session_id][1]])

    async def close(self) -> None:
        """End every viewer and close the port."""
        running = list(self._sessions.values())
        for session, _ in running:
            session.close()
        if running:
            await asyncio.wait([task for _, task in running])
        if self._surroundings is not None:
            self._surroundings.addresses.close()
            self._surroundings.port.close()

    async def _load(self) -> "Surroundings":
        """Return what all viewers share. What it is made of takes 12 MB, so the first viewer brings it."""
        async with self._loading:
            if self._surroundings is None:
                self._surroundings = await asyncio.to_thread(
                    _surroundings, self._channels, self._options, self._now(), self._rng
                )
        return self._surroundings

    def _find(self, session_id: str, admission: Admission) -> "ViewerSession":
        session, _ = self._sessions.get(session_id, (None, None))
        if session is None or session.admission.user.id != admission.user.id:
            raise NoSuchSession
        return session

    def _ended(self, session: "ViewerSession", task: "asyncio.Task[None]") -> None:
        self._sessions.pop(session.id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a WebRTC viewer failed", exc_info=error)


def _surroundings(channels: Channels, options: WebRtcOptions, now: datetime, rng: random.Random) -> "Surroundings":
    from lightnvr.live.webrtc.addresses import Addresses  # noqa: PLC0415 - see WebRtc._load
    from lightnvr.live.webrtc.certificate import make_certificate  # noqa: PLC0415
    from lightnvr.live.webrtc.datagrams import UdpPort  # noqa: PLC0415
    from lightnvr.live.webrtc.session import Surroundings  # noqa: PLC0415

    port = UdpPort(options.port)
    return Surroundings(
        port=port,
        addresses=Addresses(port, external=options.external, stun_server=options.stun_server),
        certificate=make_certificate(now),
        audience_channels=channels,
        connect_s=options.connect_s,
        rng=rng,
    )
