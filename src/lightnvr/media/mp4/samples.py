"""Coded frames in the form that MP4 keeps them in."""

import struct
from collections.abc import Callable

from lightnvr.media.packets import CodedPacket, Track

_START_CODE = b"\x00\x00\x01"
_LENGTH = struct.Struct(">I")
_TEMPORAL_DELIMITER = 2  # OBU type (AV1 specification, section 6.2.2)

SampleForm = Callable[[CodedPacket], bytes]


def sample_form(track: Track) -> SampleForm:
    """Return what turns the packets of this track into samples."""
    if track.codec in {"h264", "hevc"} and track.extradata.startswith((_START_CODE, b"\x00" + _START_CODE)):
        return length_prefixed
    if track.codec == "av1":
        return without_temporal_delimiter
    return bytes


def length_prefixed(packet: CodedPacket) -> bytes:
    """Put the length before each NAL unit in place of a start code (ISO/IEC 14496-15 section 5.3.2)."""
    parts: list[bytes] = []
    for part in bytes(packet).split(_START_CODE):
        # A start code of four bytes, and zeros that some encoders pad with (H.264 annex B): no NAL unit ends with one.
        unit = part.rstrip(b"\x00")
        if unit:
            parts += (_LENGTH.pack(len(unit)), unit)
    return b"".join(parts)


def without_temporal_delimiter(packet: CodedPacket) -> bytes:
    """Leave out the delimiter at the head of a temporal unit (AV1 in ISO BMFF, section 2.4)."""
    content = bytes(packet)
    while len(content) >= 2 and content[0] >> 3 & 0x0F == _TEMPORAL_DELIMITER:
        # Its size is always zero: a header, of two bytes with the extension, and a size field where there is one.
        content = content[1 + (content[0] >> 2 & 1) + (content[0] >> 1 & 1) :]
    return content
