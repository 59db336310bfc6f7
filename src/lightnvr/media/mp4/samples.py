"""Coded frames in the form that MP4 wants (ISO/IEC 14496-15, AV1 in ISOBMFF)."""

import struct

from lightnvr.media.packets import MediaPacket

_START_CODE = b"\x00\x00\x01"
_TEMPORAL_DELIMITER, _PADDING = 2, 15  # AV1, section 6.2.2


def sample_content(packet: MediaPacket) -> bytes:
    """Return the bytes of a sample: lengths before NAL units, no temporal delimiters."""
    track = packet.track
    content = bytes(packet.payload)
    if track.codec in ("h264", "hevc"):
        # Extradata that is avcC or hvcC begins with its version, 1: then the frames have lengths already.
        return content if track.extradata[:1] == b"\x01" else with_lengths(content)
    if track.codec == "av1":
        return without_delimiters(content)
    return content


def with_lengths(frame: bytes) -> bytes:
    """Return an Annex B frame with four bytes of length in place of each start code."""
    parts: list[bytes] = []
    at = frame.find(_START_CODE)
    while at != -1:
        start = at + 3
        at = frame.find(_START_CODE, start)
        # A unit never ends with a zero byte; those before a start code belong to it.
        unit = frame[start : at if at != -1 else len(frame)].rstrip(b"\x00")
        if unit:
            parts += (struct.pack(">I", len(unit)), unit)
    return b"".join(parts)


def without_delimiters(frame: bytes) -> bytes:
    """Return an AV1 temporal unit without its delimiter and padding, as samples have to be."""
    kept: list[bytes] = []
    at = 0
    while at < len(frame):
        header = frame[at]
        size_at = at + (2 if header & 0x04 else 1)
        if not header & 0x02:
            end = len(frame)
        else:
            size, used = _leb128(frame, size_at)
            end = size_at + used + size
        if header >> 3 & 0x0F not in (_TEMPORAL_DELIMITER, _PADDING):
            kept.append(frame[at:end])
        at = end
    return b"".join(kept)


def _leb128(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for used in range(8):
        if at + used >= len(content):
            break
        value |= (content[at + used] & 0x7F) << 7 * used
        if not content[at + used] & 0x80:
            return value, used + 1
    return value, 8
