"""From coded packets to the samples of MP4."""

import struct
from collections.abc import Callable, Iterator
from typing import TypeAlias

from lightnvr.media.packets import CodedPacket, Track

Payload: TypeAlias = "bytes | CodedPacket"
"""Bytes of one sample; a packet gives its own without a copy."""

SamplePacking = Callable[[CodedPacket], tuple[int, list[Payload]]]
"""Turns a packet into the size of its sample in bytes and the pieces that make it up."""

_START_CODE = b"\x00\x00\x01"
_LENGTH = struct.Struct(">I")
_LEFT_OUT = frozenset((2, 7, 8, 15))
"""Temporal delimiters, redundant frame headers, tile lists and padding (AV1 in ISO base media, section 2.4)."""


def sample_packing(track: Track) -> SamplePacking:
    """Return how the packets of a track become samples."""
    if track.codec in ("h264", "hevc") and track.extradata.startswith((_START_CODE, b"\x00" + _START_CODE)):
        return length_prefixed
    if track.codec == "av1":
        return open_bitstream_units
    return unchanged


def sample_form(track: Track) -> Callable[[CodedPacket], bytes]:
    """Return what turns the packets of a track into the bytes of samples."""
    packing = sample_packing(track)
    if packing is unchanged:
        return bytes
    return lambda packet: b"".join(packing(packet)[1])


def unchanged(packet: CodedPacket) -> tuple[int, list[Payload]]:
    """Take a packet as it is."""
    return packet.size, [packet]


def length_prefixed(packet: CodedPacket) -> tuple[int, list[Payload]]:
    """Put a length before each NAL unit in place of a start code (H.264 and H.265 annex B, ISO/IEC 14496-15).

    No unit has a start code within, nor ends with a zero; zeros before a start code of three bytes belong to none.
    """
    size = 0
    pieces: list[Payload] = []
    # From the end, because Python then searches several times faster.
    for part in bytes(packet).rsplit(_START_CODE):
        if unit := part.rstrip(b"\x00"):
            pieces += (_LENGTH.pack(len(unit)), unit)
            size += 4 + len(unit)
    return size, pieces


def open_bitstream_units(packet: CodedPacket) -> tuple[int, list[Payload]]:
    """Leave out the OBUs that belong to the stream but not to a file."""
    kept = [unit for kind, unit in _units(bytes(packet)) if kind not in _LEFT_OUT]
    return sum(map(len, kept)), [*kept]


def _units(temporal_unit: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and bytes of each OBU (AV1, section 5.3); one that claims too much ends what can be told apart."""
    at = 0
    while at < len(temporal_unit):
        start, header = at, temporal_unit[at]
        at += 2 if header & 4 else 1
        length = len(temporal_unit) - at
        if header & 2:
            length = shift = 0
            while at < len(temporal_unit):
                byte = temporal_unit[at]
                at += 1
                length |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
        at += length
        yield header >> 3 & 15, temporal_unit[start:at]
