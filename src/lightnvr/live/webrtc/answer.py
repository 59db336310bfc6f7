"""The answer to a browser's offer (RFC 9429, section 5.3)."""

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lightnvr.live.errors import UnsupportedTracks
from lightnvr.live.rtp.payload import Track
from lightnvr.live.webrtc.codecs import choose_audio, choose_video
from lightnvr.live.webrtc.offer import Offer, OfferedCodec, OfferedSection

PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
CNAME = "lightnvr"
_FEEDBACK = ("nack", "nack pli", "ccm fir")


@dataclass(frozen=True, slots=True)
class AgreedMedia:
    """What is sent in one section. `playout_delay` is the number of that header extension, 0 without it."""

    mid: str
    codec: OfferedCodec
    ssrc: int
    playout_delay: int = 0


@dataclass(frozen=True, slots=True)
class Agreement:
    """What is sent; one of both at least. `silent` is an audio section that a camera without sound leaves unused."""

    video: AgreedMedia | None
    audio: AgreedMedia | None
    silent: AgreedMedia | None = None


@dataclass(frozen=True, slots=True)
class LocalCandidate:
    """An address at which we can be reached. `base` is the address behind it when it is one of a router."""

    host: str
    port: int
    preference: int
    base: str = ""

    def __str__(self) -> str:
        """The value of a=candidate (RFC 8839, section 5.1). The foundation is the preference: one for each address."""
        kind, type_preference = ("srflx", 100) if self.base else ("host", 126)
        priority = (type_preference << 24) + (self.preference << 8) + 255
        related = f" raddr {self.base} rport {self.port}" if self.base else ""
        return f"{self.preference} 1 udp {priority} {self.host} {self.port} typ {kind}{related}"


@dataclass(frozen=True, slots=True)
class LocalTransport:
    """Our side of ICE and DTLS. `fingerprint` is the value of a=fingerprint."""

    ufrag: str
    password: str
    fingerprint: str
    setup: str
    candidates: Sequence[LocalCandidate]


def agree(offer: Offer, tracks: Sequence[Track], ssrcs: tuple[int, int]) -> Agreement:
    """Choose what to send of the camera's tracks. Raises UnsupportedTracks."""
    camera_video = next((track for track in tracks if track.is_video), None)
    camera_sounds = any(not track.is_video for track in tracks)
    video = audio = None
    if camera_video and (section := _receiving(offer, "video")):
        codec = choose_video(camera_video, section.codecs)
        video = AgreedMedia(section.mid, codec, ssrcs[0], section.extensions.get(PLAYOUT_DELAY, 0))
    section = _receiving(offer, "audio")
    if section and (chosen := choose_audio(section.codecs)):
        audio = AgreedMedia(section.mid, chosen, ssrcs[1])
    silent = None
    if not camera_sounds:
        audio, silent = None, audio
    if not video and not audio:
        raise UnsupportedTracks("The offer asks for nothing that the camera sends: offer to receive video.")
    return Agreement(video, audio, silent)


def write_answer(offer: Offer, agreement: Agreement, transport: LocalTransport, session_id: int) -> str:
    """Return the SDP of the answer, with all candidates."""
    media = {agreed.mid: agreed for agreed in (agreement.video, agreement.audio, agreement.silent) if agreed}
    answered = [mid for mid in offer.bundled if mid in media]
    lines = [
        "v=0",
        f"o=- {session_id} 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(answered)}",
        "a=msid-semantic: WMS *",
        "a=ice-options:trickle",
    ]
    for section in offer.sections:
        agreed = media.get(section.mid)
        if agreed is None:
            lines += _refusal(section)
        else:
            lines += _section(section, agreed, transport, sends=agreed is not agreement.silent)
    return "\r\n".join(lines) + "\r\n"


def _receiving(offer: Offer, kind: str) -> OfferedSection | None:
    """The first section of this kind that wants media and is on the one transport there is."""
    return next((s for s in offer.sections if s.kind == kind and s.receives and s.mid in offer.bundled), None)


def _section(section: OfferedSection, agreed: AgreedMedia, transport: LocalTransport, *, sends: bool) -> Iterator[str]:
    codec, number = agreed.codec, agreed.codec.payload_type
    port, host = _default(transport.candidates)
    yield f"m={section.kind} {port} {section.protocol} {number}"
    yield f"c=IN IP{ipaddress.ip_address(host).version} {host}"
    yield f"a=rtcp:9 IN IP{ipaddress.ip_address(host).version} {host}"
    yield f"a=mid:{section.mid}"
    yield "a=sendonly" if sends else "a=inactive"
    if sends:
        yield f"a=msid:{CNAME} {section.kind}"
        yield f"a=ssrc:{agreed.ssrc} cname:{CNAME}"
    yield "a=rtcp-mux"
    yield "a=rtcp-rsize"
    channels = f"/{codec.channels}" if section.kind == "audio" else ""
    # RFC 7587, section 7: Opus is always said to have two channels.
    name = f"opus/48000{channels}" if codec.name == "OPUS" else f"{codec.name}/{codec.clock_rate}"
    yield f"a=rtpmap:{number} {name}"
    if codec.fmtp:
        yield f"a=fmtp:{number} {codec.fmtp}"
    if section.kind == "video":
        yield from (f"a=rtcp-fb:{number} {kind}" for kind in _FEEDBACK if kind in codec.feedback)
        if agreed.playout_delay:
            yield f"a=extmap:{agreed.playout_delay} {PLAYOUT_DELAY}"
    yield f"a=ice-ufrag:{transport.ufrag}"
    yield f"a=ice-pwd:{transport.password}"
    yield f"a=fingerprint:{transport.fingerprint}"
    yield f"a=setup:{transport.setup}"
    yield from (f"a=candidate:{candidate}" for candidate in transport.candidates)
    yield "a=end-of-candidates"


def _refusal(section: OfferedSection) -> Iterator[str]:
    yield f"m={section.kind} 0 {section.protocol} {section.formats}"
    yield "c=IN IP4 0.0.0.0"
    yield f"a=mid:{section.mid}"
    yield "a=inactive"


def _default(candidates: Sequence[LocalCandidate]) -> tuple[int, str]:
    return (candidates[0].port, candidates[0].host) if candidates else (9, "0.0.0.0")  # noqa: S104 - means none
