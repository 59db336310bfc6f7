"""One WebRTC viewer from the offer to the end."""

import asyncio
import logging
import random
import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from lightnvr.accounts.admission import Admission
from lightnvr.live.audience import Viewer, Way
from lightnvr.live.channel import Channel
from lightnvr.live.channels import Channels
from lightnvr.live.errors import CameraUnavailable, NoNetwork
from lightnvr.live.opus_output import OPUS
from lightnvr.live.rtp_output import RTP, RtpOutput
from lightnvr.live.webrtc.addresses import Addresses
from lightnvr.live.webrtc.answer import Agreement, LocalTransport, agree, write_answer
from lightnvr.live.webrtc.answered import Answered
from lightnvr.live.webrtc.certificate import Certificate
from lightnvr.live.webrtc.datagrams import UdpPort
from lightnvr.live.webrtc.media import ViewerMedia
from lightnvr.live.webrtc.offer import Offer, RemoteCandidate
from lightnvr.live.webrtc.rtcp import Feedback, empty_report, goodbye
from lightnvr.live.webrtc.transport import Transport

_CAMERA_S = 8.0
"""How long an offer waits for the camera's first keyframe: browsers give up after 10 s."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all viewers share. `connect_s` is how many seconds one may take from the answer to the first packet."""

    port: UdpPort
    addresses: Addresses
    certificate: Certificate
    audience_channels: Channels
    connect_s: float
    rng: random.Random


@dataclass(frozen=True, slots=True)
class Reach:
    """Where an offer came in: the address of ours, empty when it is not known, and whether from another network."""

    address: str
    is_remote: bool


class ViewerSession:
    """Answers an offer and sends until there is a reason to stop. `run` is its task. Belongs to the event loop."""

    def __init__(
        self, surroundings: Surroundings, channel: Channel, admission: Admission, offer: Offer, reach: Reach
    ) -> None:
        self._surroundings = surroundings
        self._channel = channel
        self.admission = admission
        self._offer = offer
        self._reach = reach
        self._transport: Transport | None = None
        self._media: ViewerMedia | None = None
        self._closing = asyncio.Event()
        self.answered: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self.id = secrets.token_urlsafe(24)
        self.etag = secrets.token_hex(8)

    @property
    def remote_ufrag(self) -> str:
        """The browser's ICE user fragment."""
        return self._offer.ufrag

    def add_candidates(self, candidates: Sequence[RemoteCandidate]) -> None:
        """Learn of more addresses of the browser's."""
        if self._transport is not None:
            self._transport.add_candidates(candidates)

    def close(self) -> None:
        """Let `run` end."""
        self._closing.set()

    async def run(self) -> None:
        """Serve the viewer. What keeps the offer from being answered is raised by `answered`."""
        source = self._channel.source
        audience = self._surroundings.audience_channels.audience
        try:
            with (
                audience.watching(Way.WEBRTC, source, self.admission) as viewer,
                self._channel.use(RTP) as output,
            ):
                reason = await self._serve(viewer, output)
            log.debug("%s: a WebRTC viewer ended: %s", source.name, reason)
        except Exception as error:
            if self.answered.done():
                raise
            self.answered.set_exception(error)
        finally:
            if not self.answered.done():
                self.answered.cancel()

    async def _serve(self, viewer: Viewer, output: RtpOutput) -> str:
        try:
            tracks = await output.wait_for_tracks(_CAMERA_S)
        except CameraUnavailable as error:
            raise CameraUnavailable(self._channel.source.last_error() or str(error)) from None
        rng = self._surroundings.rng
        agreement = agree(self._offer, tracks, (rng.getrandbits(31) | 1, rng.getrandbits(31) & ~1 or 2))
        local = await self._surroundings.addresses.local(self._reach.address)
        transport = self._open_transport(local)
        try:
            self.answered.set_result(await self._answer(agreement, transport, local))
            reason = await self._first(
                self._surroundings.connect_s, viewer, transport.over, transport.connected, transport.lost
            )
            if not transport.connected.is_set() or reason:
                return reason or transport.reason or "The browser did not connect."
            codec = next((track.codec for track in tracks if track.is_video), "")
            media = ViewerMedia(
                agreement,
                transport.keys.outbound,
                transport.send,
                viewer,
                lambda: output.gop,
                codec=codec,
                rng=rng,
            )
            return await self._send(viewer, output, transport, media, hears=agreement.audio is not None)
        finally:
            transport.close()

    def _open_transport(self, local: list[str]) -> Transport:
        shared = self._surroundings
        try:
            transport = Transport(shared.port, local, shared.certificate, self._offer, on_feedback=self._feedback)
        except OSError as error:
            raise NoNetwork(f"No UDP port can be opened for WebRTC: {error.strerror}.") from error
        self._transport = transport
        return transport

    async def _answer(self, agreement: Agreement, transport: Transport, local: list[str]) -> Answered:
        shared = self._surroundings
        ours = LocalTransport(
            transport.ufrag,
            transport.password,
            shared.certificate.fingerprint,
            transport.setup,
            await shared.addresses.candidates(local, waits=self._reach.is_remote),
        )
        sdp = write_answer(self._offer, agreement, ours, shared.rng.getrandbits(62))
        return Answered(self.id, sdp, self.etag)

    async def _send(
        self, viewer: Viewer, output: RtpOutput, transport: Transport, media: ViewerMedia, *, hears: bool
    ) -> str:
        self._media = media
        with ExitStack() as stack:
            stack.callback(media.close)
            output.attach(media, from_keyframe=False)
            stack.callback(output.detach, media)
            media.begin()
            if hears:
                opus = stack.enter_context(self._channel.use(OPUS))
                opus.attach(media.sound)
                stack.callback(opus.detach, media.sound)
            reason = await self._first(None, viewer, transport.over, transport.lost, media.over)
        if media.ssrcs:
            farewell = empty_report(media.ssrcs[0]) + goodbye(*media.ssrcs)
            transport.send(transport.keys.outbound.protect_rtcp(farewell))
        return reason or transport.reason or media.reason or "The browser does not answer any more."

    async def _first(self, timeout_s: float | None, viewer: Viewer, *events: asyncio.Event) -> str:
        """Wait for the first of these, or for the end; return why it is the end when that is known."""
        waiting = [asyncio.create_task(event.wait()) for event in (viewer.ended, self._closing, *events)]
        try:
            await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        if viewer.ended.is_set():
            return viewer.reason
        return "The viewer said so." if self._closing.is_set() else ""

    def _feedback(self, feedback: Feedback) -> None:
        if self._media is not None:
            self._media.feedback(feedback)
