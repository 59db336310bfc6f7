"""What a browser reports back, and our good-bye (RTCP: RFC 3550, section 6; RFC 4585; RFC 5104)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_RECEIVER_REPORT, _SENDER_REPORT, _BYE, _TRANSPORT_FEEDBACK, _PAYLOAD_FEEDBACK = 201, 200, 203, 205, 206
_NACK = 1
_PLI, _FIR = 1, 4


@dataclass(frozen=True, slots=True)
class Reception:
    """How a stream of ours arrives: the fraction (0 to 1) that was lost since the last report."""

    ssrc: int
    fraction_lost: float


@dataclass(frozen=True, slots=True)
class MissingPackets:
    """Sequence numbers, 16 bits each, that are wanted again."""

    ssrc: int
    sequences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PictureLost:
    """The decoder needs a keyframe."""

    ssrc: int


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The other side leaves."""


Feedback = Reception | MissingPackets | PictureLost | Goodbye


def parse_feedback(compound: bytes) -> Iterator[Feedback]:
    """Give what a packet says that matters to us; what is damaged or unknown is left out."""
    at = 0
    while at + 4 <= len(compound):
        first, kind, words = struct.unpack_from(">BBH", compound, at)
        end = at + 4 * (words + 1)
        if first >> 6 != 2 or end > len(compound):
            return
        yield from _packet(first & 0x1F, kind, compound[at + 4 : end])
        at = end


def goodbye(*ssrcs: int) -> bytes:
    """Return the packet that says that these streams are over."""
    return struct.pack(f">BBH{len(ssrcs)}I", 0x80 | len(ssrcs), _BYE, len(ssrcs), *ssrcs)


def empty_report(ssrc: int) -> bytes:
    """Return a receiver report about nothing, which has to stand first in a packet (RFC 3550, section 6.1)."""
    return struct.pack(">BBHI", 0x80, _RECEIVER_REPORT, 1, ssrc)


def _packet(count: int, kind: int, content: bytes) -> Iterator[Feedback]:
    if kind in (_RECEIVER_REPORT, _SENDER_REPORT):
        begin = 4 if kind == _RECEIVER_REPORT else 24
        for at in range(begin, min(begin + 24 * count, len(content) - 23), 24):
            ssrc, fraction = struct.unpack_from(">IB", content, at)
            yield Reception(ssrc, fraction / 256)
    elif kind == _BYE:
        yield Goodbye()
    elif len(content) < 8:
        return
    elif kind == _TRANSPORT_FEEDBACK and count == _NACK:
        yield MissingPackets(struct.unpack_from(">I", content, 4)[0], tuple(_nacked(content)))
    elif kind == _PAYLOAD_FEEDBACK and count == _PLI:
        yield PictureLost(struct.unpack_from(">I", content, 4)[0])
    elif kind == _PAYLOAD_FEEDBACK and count == _FIR:
        # RFC 5104, section 4.3.1: the streams are named in entries of eight bytes, not in the header.
        for at in range(8, len(content) - 7, 8):
            yield PictureLost(struct.unpack_from(">I", content, at)[0])


def _nacked(content: bytes) -> Iterator[int]:
    for at in range(8, len(content) - 3, 4):
        first, following = struct.unpack_from(">HH", content, at)
        yield first
        for bit in range(16):
            if following >> bit & 1:
                yield (first + bit + 1) & 0xFFFF
