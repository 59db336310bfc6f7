"""Init segment and fragments for live pictures, cut exactly where they are wanted.

FFmpeg's muxer decides by itself where a fragment ends; the parts of low-latency HLS must not be left to it.
"""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import av

from lightnvr.media.mp4.boxes import box, full_box, read_header
from lightnvr.media.mp4.init_segment import InitSegment
from lightnvr.media.mp4.muxer import MuxFailed
from lightnvr.media.packets import Track

_IS_SYNC = 0x02000000  # sample_depends_on 2: on no other (ISO/IEC 14496-12 section 8.8.3.1)
_IS_NOT_SYNC = 0x01010000
_DEFAULT_BASE_IS_MOOF = 0x020000
_TRUN_FLAGS = 0x000F01
"""The place of the content, and duration, size, flags and composition offset of each sample."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One coded frame; times are in the track's time scale, `decode_time` counts from zero of the presentation."""

    decode_time: int
    duration: int
    composition_offset: int
    is_sync: bool
    content: bytes


def live_init(tracks: Sequence[Track]) -> InitSegment:
    """Return the init segment of these tracks, in their order. Raises MuxFailed when they do not fit into MP4."""
    written = io.BytesIO()
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof+skip_trailer", "use_editlist": "0"}
    try:
        with av.open(written, "w", format="mp4", options=options) as container:
            for track in tracks:
                context = container.add_stream_from_template(track.template, opaque=True).codec_context
                if track.extradata:
                    context.extradata = track.extradata
                if isinstance(context, av.VideoCodecContext):
                    context.width, context.height = track.width, track.height
                if track.codec == "hevc":
                    # Apple's players know no other name.
                    context.codec_tag = "hvc1"
            container.start_encoding()
        return InitSegment.parse(_head(written.getvalue()))
    except (av.FFmpegError, ValueError) as error:
        raise MuxFailed(str(error)) from error


def live_fragment(number: int, runs: Sequence[tuple[int, Sequence[Sample]]]) -> bytes:
    """Return `moof` and `mdat` of the samples of each track, given with its id. `number` grows from 1."""
    filled = [(track_id, samples) for track_id, samples in runs if samples]
    size = len(_moof(number, filled, 0))
    contents = [sample.content for _, samples in filled for sample in samples]
    mdat = struct.pack(">I4s", 8 + sum(map(len, contents)), b"mdat")
    return b"".join((_moof(number, filled, size + len(mdat)), mdat, *contents))


def _moof(number: int, runs: Sequence[tuple[int, Sequence[Sample]]], offset: int) -> bytes:
    trafs: list[bytes] = []
    for track_id, samples in runs:
        table: list[int] = []
        for sample in samples:
            table += (
                sample.duration,
                len(sample.content),
                _IS_SYNC if sample.is_sync else _IS_NOT_SYNC,
                sample.composition_offset & 0xFFFFFFFF,
            )
        trafs.append(
            box(
                b"traf",
                full_box(b"tfhd", 0, _DEFAULT_BASE_IS_MOOF, struct.pack(">I", track_id)),
                full_box(b"tfdt", 1, 0, struct.pack(">Q", samples[0].decode_time)),
                full_box(b"trun", 1, _TRUN_FLAGS, struct.pack(f">Ii{len(table)}I", len(samples), offset, *table)),
            )
        )
        offset += sum(len(sample.content) for sample in samples)
    return box(b"moof", full_box(b"mfhd", 0, 0, struct.pack(">I", number)), *trafs)


def _head(content: bytes) -> bytes:
    at = 0
    while (found := read_header(content, at)) is not None and found[0] in (b"ftyp", b"moov"):
        at += found[2]
    return content[:at]
