"""Making the `moov` of an ordinary MP4 from the init segment and the samples of a fragmented one."""

import struct

from lightnvr.media.mp4.boxes import Box, box, children, first, full_box
from lightnvr.media.mp4.init_segment import InitSegment
from lightnvr.media.mp4.sample_table import SampleTable, TrackSamples

_MOVIE_TIMESCALE = 90_000


def build_moov(init: InitSegment, table: SampleTable) -> bytes:
    """Return a complete `moov` with absolute chunk offsets.

    Everything that describes the codecs is taken over from the init segment; durations and sample tables are filled in,
    and tracks without a sample are left out, because players refuse them.
    """
    content = init.content
    moov = next(found for found in children(content, 0, len(content)) if found.type == b"moov")
    parts: list[bytes] = []
    longest = max((_end(track) for track in table.tracks.values() if len(track)), default=0)
    for child in children(content, moov.payload, moov.end):
        if child.type == b"mvhd":
            parts.append(with_duration(content, child, longest, wide_at=24, narrow_at=16, timescale=_MOVIE_TIMESCALE))
        elif child.type == b"trak":
            track = table.tracks[_track_id(content, child)]
            if len(track):
                parts.append(_build_trak(content, child, track))
        elif child.type != b"mvex":
            parts.append(content[child.start : child.end])
    return box(b"moov", *parts)


def _end(track: TrackSamples) -> int:
    return (track.first_decode_time + track.duration) * _MOVIE_TIMESCALE // track.timescale


def _track_id(content: bytes, trak: Box) -> int:
    tkhd = first(content, trak, b"tkhd")
    return int(struct.unpack_from(">I", content, tkhd.payload + (20 if content[tkhd.payload] == 1 else 12))[0])


def _build_trak(content: bytes, trak: Box, track: TrackSamples) -> bytes:
    parts: list[bytes] = []
    for child in children(content, trak.payload, trak.end):
        if child.type == b"tkhd":
            parts.append(with_duration(content, child, _end(track), wide_at=28, narrow_at=20, timescale=None))
            parts.append(_edit_list(track))
        elif child.type == b"mdia":
            parts.append(_build_mdia(content, child, track))
        elif child.type != b"edts":
            parts.append(content[child.start : child.end])
    return box(b"trak", *parts)


def _edit_list(track: TrackSamples) -> bytes:
    # A track that begins later than the file (audio of some cameras) is held back by an empty edit (section 8.6.6).
    delay = track.first_decode_time * _MOVIE_TIMESCALE // track.timescale
    if not delay:
        return b""
    length = track.duration * _MOVIE_TIMESCALE // track.timescale
    entries = struct.pack(">QqIQqI", delay, -1, 0x10000, length, 0, 0x10000)
    return box(b"edts", full_box(b"elst", 1, 0, struct.pack(">I", 2), entries))


def _build_mdia(content: bytes, mdia: Box, track: TrackSamples) -> bytes:
    parts: list[bytes] = []
    for child in children(content, mdia.payload, mdia.end):
        if child.type == b"mdhd":
            parts.append(with_duration(content, child, track.duration, wide_at=24, narrow_at=16, timescale=None))
        elif child.type == b"minf":
            parts.append(_build_minf(content, child, track))
        else:
            parts.append(content[child.start : child.end])
    return box(b"mdia", *parts)


def _build_minf(content: bytes, minf: Box, track: TrackSamples) -> bytes:
    parts: list[bytes] = []
    for child in children(content, minf.payload, minf.end):
        if child.type == b"stbl":
            stsd = first(content, child, b"stsd")
            parts.append(box(b"stbl", content[stsd.start : stsd.end], track.boxes()))
        else:
            parts.append(content[child.start : child.end])
    return box(b"minf", *parts)


def with_duration(
    content: bytes, header: Box, duration: int, *, wide_at: int, narrow_at: int, timescale: int | None
) -> bytes:
    """Return a header box of an init segment with another duration and, unless it is None, another time scale.

    `wide_at` and `narrow_at` are where the duration stands behind the box's own header, in version 1 and 0.
    """
    copy = bytearray(content[header.start : header.end])
    body = header.payload - header.start
    wide = copy[body] == 1
    if timescale is not None:
        struct.pack_into(">I", copy, body + (20 if wide else 12), timescale)
    if wide:
        struct.pack_into(">Q", copy, body + wide_at, duration)
    else:
        struct.pack_into(">I", copy, body + narrow_at, min(duration, 0xFFFFFFFF))
    return bytes(copy)
