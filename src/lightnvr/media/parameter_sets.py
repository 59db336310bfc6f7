"""Finding out that a camera changed its parameter sets in mid-stream."""

import av

from lightnvr.media.av1 import frame_size, sequence_header
from lightnvr.media.packets import CodedPacket, coded_packet

_H264_SETS = frozenset((7, 8))  # SPS, PPS (H.264 table 7-1)
_H265_SETS = frozenset((32, 33, 34))  # VPS, SPS, PPS (H.265 table 7-1)
_START_CODE = b"\x00\x00\x01"
_MOST_SETS_BYTES = 8192
"""Parameter sets come first in an access unit; nothing beyond this is looked at."""


def in_band_parameter_sets(codec: str, packet: CodedPacket) -> bytes:
    """Return the parameter sets at the head of an Annex B keyframe, each behind a start code; empty without any.

    In AV1 they are the sequence header, a unit of its own.
    `codec` is FFmpeg's name. Frames with length prefixes (FLV, MP4) announce changes as side data instead.
    """
    if codec == "av1":
        return sequence_header(bytes(memoryview(packet)[:_MOST_SETS_BYTES]))
    wanted = _H264_SETS if codec == "h264" else _H265_SETS if codec == "hevc" else None
    if wanted is None:
        return b""
    head = bytes(memoryview(packet)[:_MOST_SETS_BYTES])
    if not head.startswith((b"\x00\x00\x01", b"\x00\x00\x00\x01")):
        return b""
    found: list[bytes] = []
    at = head.find(_START_CODE)
    while at != -1:
        start = at + 3
        at = head.find(_START_CODE, start)
        if start >= len(head):
            break
        kind = head[start] & 0x1F if codec == "h264" else head[start] >> 1 & 0x3F
        if kind in wanted:
            unit = head[start : at if at != -1 else len(head)].rstrip(b"\x00")
            found.append(b"\x00" + _START_CODE + unit)
        elif (codec == "h264" and 1 <= kind <= 5) or (codec == "hevc" and kind < 32):
            break
    return b"".join(found)


def other_codec(codec: str, keyframe: CodedPacket) -> str:
    """Return `h264` or `hevc` when a keyframe of the other one is coded so, else an empty text.

    An encoder that is switched within MPEG-TS keeps its place there, and FFmpeg goes on calling it what it was.
    """
    if codec not in ("h264", "hevc"):
        return ""
    units = _units(bytes(memoryview(keyframe)[:_MOST_SETS_BYTES]))
    # An H.265 unit has a header of two bytes, of which cameras leave all but the type at the least value; that reads as
    # a type which H.264 leaves unspecified, and the other way round.
    if codec == "h264" and {unit[:2] for unit in units} >= {b"\x40\x01", b"\x42\x01"}:
        return "hevc"
    if codec == "hevc" and {unit[0] & 0x9F for unit in units if unit[0] & 0x60} >= {7, 8}:
        return "h264" if not {unit[:2] for unit in units} & {b"\x40\x01", b"\x42\x01"} else ""
    return ""


def is_complete(codec: str, parameter_sets: bytes) -> bool:
    """Whether there is all that a decoder needs: SPS and PPS, and a VPS in H.265; the sequence header in AV1."""
    if codec == "av1":
        return bool(parameter_sets)
    units = _units(parameter_sets)
    if codec == "h264":
        return {unit[0] & 0x1F for unit in units} >= _H264_SETS
    return {unit[0] >> 1 & 0x3F for unit in units} >= _H265_SETS


def picture_size(codec: str, extradata: bytes, keyframe: CodedPacket) -> tuple[int, int]:
    """Return width and height in pixels by decoding one keyframe; (0, 0) when it cannot be decoded.

    AV1 tells them in its sequence header.

    Done only when a camera changed its parameter sets or never told its size.
    """
    if codec == "av1":
        return frame_size(sequence_header(extradata))
    try:
        decoder = av.CodecContext.create(codec, "r")
        if not isinstance(decoder, av.VideoCodecContext):
            return 0, 0
        if extradata:
            decoder.extradata = extradata
        decoder.thread_count = 1
        frames = [*decoder.decode(coded_packet(keyframe)), *decoder.decode(None)]
    except av.FFmpegError:
        return 0, 0
    for frame in frames:
        return frame.width, frame.height
    return 0, 0


def sequence_sets(codec: str, parameter_sets: bytes) -> bytes:
    """Return only the SPS of Annex B parameter sets (size, profile), or the sequence header of AV1.

    Anything else is returned whole.
    """
    if codec == "av1":
        return sequence_header(parameter_sets) or parameter_sets
    units = _units(parameter_sets)
    if codec == "h264":
        chosen = [unit for unit in units if unit[0] & 0x1F == 7]
    elif codec == "hevc":
        chosen = [unit for unit in units if unit[0] >> 1 & 0x3F == 33]
    else:
        chosen = []
    return b"".join(chosen) or parameter_sets


def _units(parameter_sets: bytes) -> list[bytes]:
    """Return the units behind the start codes, of three or four bytes (H.264 annex B); none of any other form."""
    if not parameter_sets.startswith((_START_CODE, b"\x00" + _START_CODE)):
        return []
    return [unit for part in parameter_sets.split(_START_CODE) if (unit := part.rstrip(b"\x00"))]
