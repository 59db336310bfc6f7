"""What a browser offers (SDP, RFC 8866; its WebRTC form, RFC 9429)."""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lightnvr.live.errors import MalformedOffer

MAX_OFFER_CHARACTERS = 64 * 1024
_MAX_SECTIONS = 16
_ICE_CHARACTERS = re.compile(r"[A-Za-z0-9+/=_-]{4,256}")
_STATIC: Mapping[int, tuple[str, int]] = {0: ("PCMU", 8000), 8: ("PCMA", 8000), 9: ("G722", 8000)}
"""Payload types that need no rtpmap (RFC 3551, section 6)."""


@dataclass(frozen=True, slots=True)
class OfferedCodec:
    """One payload type. `name` is in capitals, `parameters` are those of `fmtp` with names in small letters."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int
    parameters: Mapping[str, str]
    feedback: frozenset[str]

    @property
    def fmtp(self) -> str:
        """The parameters as they were offered."""
        return ";".join(f"{name}={value}" if value else name for name, value in self.parameters.items())


@dataclass(frozen=True, slots=True)
class OfferedSection:
    """One m= section. `extensions` gives the number of each RTP header extension by its URI."""

    kind: str
    protocol: str
    formats: str
    mid: str
    receives: bool
    codecs: tuple[OfferedCodec, ...]
    extensions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RemoteCandidate:
    """An address at which the browser may be reached."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Offer:
    """All that is needed of an offer. `fingerprints` are pairs of hash and hexadecimal digits without colons.

    `setup` is the browser's wish for its part in DTLS: actpass, active or passive. `bundled` are the mids that share
    one transport, in the order of the offer.
    """

    sections: tuple[OfferedSection, ...]
    bundled: tuple[str, ...]
    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]
    setup: str
    candidates: tuple[RemoteCandidate, ...]


def parse_offer(sdp: str) -> Offer:
    """Return what is offered. Raises MalformedOffer."""
    if len(sdp) > MAX_OFFER_CHARACTERS:
        raise MalformedOffer("The SDP offer is too long.")
    session, media = _blocks(sdp)
    if not sdp.startswith("v=0") or not media:
        raise MalformedOffer("The body is not an SDP offer: it has to begin with v=0 and to have m= sections.")
    if len(media) > _MAX_SECTIONS:
        raise MalformedOffer("The SDP offer has too many sections.")
    try:
        sections = tuple(_section(lines, number) for number, lines in enumerate(media))
    except (ValueError, IndexError):
        raise MalformedOffer("The SDP offer has a line that cannot be read.") from None
    groups = [value.split()[1:] for value in _values(session, "group") if value.startswith("BUNDLE")]
    mids = {section.mid for section in sections}
    bundled = tuple(mid for mid in (groups[0] if groups else ()) if mid in mids)
    # With BUNDLE the first section of the group says it for all; without it only one section can be served.
    alone = next((section.mid for section in sections if section.kind == "video"), sections[0].mid)
    bundled = bundled or (alone,)
    first = next(i for i, section in enumerate(sections) if section.mid == bundled[0])
    transport = [*media[first], *session]
    ufrag, password = _first(transport, "ice-ufrag"), _first(transport, "ice-pwd")
    if not _ICE_CHARACTERS.fullmatch(ufrag) or not _ICE_CHARACTERS.fullmatch(password):
        raise MalformedOffer("The SDP offer has no ICE user fragment and password.")
    fingerprints = tuple(_fingerprint(value) for value in _values(transport, "fingerprint"))
    if not fingerprints:
        raise MalformedOffer("The SDP offer has no DTLS fingerprint: LightNVR sends pictures encrypted only.")
    return Offer(
        sections=sections,
        bundled=bundled,
        ufrag=ufrag,
        password=password,
        fingerprints=fingerprints,
        setup=_first(transport, "setup") or "actpass",
        candidates=tuple(_candidates(line for block in media for line in block)),
    )


@dataclass(frozen=True, slots=True)
class Trickle:
    """Candidates that came after the offer (RFC 8840, section 9). `ufrag` is empty when it was not named."""

    ufrag: str
    candidates: tuple[RemoteCandidate, ...]


def parse_trickle(fragment: str) -> Trickle:
    """Return what an application/trickle-ice-sdpfrag says. Raises MalformedOffer."""
    if len(fragment) > MAX_OFFER_CHARACTERS:
        raise MalformedOffer("The fragment is too long.")
    lines = _lines(fragment)
    if not any(line.startswith("a=") for line in lines):
        raise MalformedOffer("The body is not an SDP fragment with candidates.")
    return Trickle(_first(lines, "ice-ufrag"), tuple(_candidates(lines)))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _blocks(sdp: str) -> tuple[list[str], list[list[str]]]:
    session: list[str] = []
    media: list[list[str]] = []
    for line in _lines(sdp):
        if line.startswith("m="):
            media.append([])
        (media[-1] if media else session).append(line)
    return session, media


def _values(lines: Iterable[str], name: str) -> Iterator[str]:
    prefix = f"a={name}:"
    return (line[len(prefix) :] for line in lines if line.startswith(prefix))


def _first(lines: Iterable[str], name: str) -> str:
    return next(_values(lines, name), "").strip()


def _fingerprint(value: str) -> tuple[str, str]:
    algorithm, _, digits = value.partition(" ")
    return algorithm.lower(), digits.replace(":", "").strip().lower()


def _section(lines: list[str], number: int) -> OfferedSection:
    kind, port, protocol, formats = lines[0][2:].split(maxsplit=3)
    direction = next((line[2:] for line in lines if line in _DIRECTIONS), "sendrecv")
    is_rtp = kind in ("audio", "video")
    return OfferedSection(
        kind=kind,
        protocol=protocol,
        formats=formats,
        mid=_first(lines, "mid") or str(number),
        # Port 0 without being bundled only means that the section was given up (RFC 9429, section 5.8.2).
        receives=direction in ("sendrecv", "recvonly") and (port != "0" or "a=bundle-only" in lines),
        codecs=tuple(_codecs(lines, formats)) if is_rtp else (),
        extensions={uri: int(key.split("/")[0]) for key, uri in _extensions(lines)},
    )


_DIRECTIONS = frozenset(("a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"))


def _extensions(lines: list[str]) -> Iterator[tuple[str, str]]:
    for value in _values(lines, "extmap"):
        key, uri = value.split()[:2]
        yield key, uri


def _codecs(lines: list[str], formats: str) -> Iterator[OfferedCodec]:
    maps = _by_payload_type(lines, "rtpmap")
    parameters = _by_payload_type(lines, "fmtp")
    feedback = _by_payload_type(lines, "rtcp-fb")
    for payload_type in map(int, formats.split()):
        for described in maps.get(payload_type, [""])[:1]:
            name, rate, channels = _rtpmap(described, payload_type)
            yield OfferedCodec(
                payload_type=payload_type,
                name=name,
                clock_rate=rate,
                channels=channels,
                parameters=_parameters(next(iter(parameters.get(payload_type, [])), "")),
                feedback=frozenset((*feedback.get(payload_type, []), *feedback.get(_EVERY, []))),
            )


_EVERY = -1


def _by_payload_type(lines: list[str], name: str) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for value in _values(lines, name):
        key, _, rest = value.partition(" ")
        found.setdefault(_EVERY if key == "*" else int(key), []).append(rest.strip())
    return found


def _rtpmap(described: str, payload_type: int) -> tuple[str, int, int]:
    if not described:
        name, rate = _STATIC.get(payload_type, ("", 0))
        return name, rate, 1
    name, *rest = described.split("/")
    return name.upper(), int(rest[0]) if rest else 0, int(rest[1]) if len(rest) > 1 else 1


def _parameters(fmtp: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in fmtp.split(";") if part.strip())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _candidates(lines: Iterable[str]) -> Iterator[RemoteCandidate]:
    for value in _values(lines, "candidate"):
        parts = value.split()
        # Of RTP and RTCP on one transport only the first component is used; names (mDNS) are not looked up: the
        # browser, which knows our addresses, comes to us.
        if len(parts) < 8 or parts[1] != "1" or parts[2].lower() != "udp" or not parts[5].isdigit():
            continue
        try:
            ipaddress.ip_address(parts[4])
        except ValueError:
            continue
        if 0 < int(parts[5]) <= 0xFFFF:
            yield RemoteCandidate(parts[4], int(parts[5]))
