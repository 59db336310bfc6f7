"""Coded packets in, fragments out."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import av
from av.container import OutputContainer
from av.stream import Stream

from lightnvr.media.mp4.boxes import read_header
from lightnvr.media.mp4.init_segment import InitSegment
from lightnvr.media.mp4.track_runs import TrackRun, parse_moof
from lightnvr.media.packets import MediaPacket, Track, coded_packet

# `default_base_moof` makes a fragment independent of its place in the file; `frag_discont` without edit lists makes
# `tfdt` the dts we give, so that a track that begins late stays late (movenc.c, FFmpeg 8).
_MOVFLAGS = "frag_keyframe+empty_moov+default_base_moof+frag_discont+skip_trailer"
_IO_BUFFER_BYTES = 256 * 1024


class MuxFailed(Exception):
    """FFmpeg refused the tracks or a packet."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """One `moof` with its `mdat`: `content` are its bytes, `runs` its samples."""

    content: bytes
    runs: tuple[TrackRun, ...]


def add_track(container: OutputContainer, track: Track) -> Stream:
    """Add a track with the coding that is in force. Raises av.FFmpegError, ValueError."""
    stream = container.add_stream_from_template(track.template, opaque=True)
    context = stream.codec_context
    if track.extradata:
        context.extradata = track.extradata
    if isinstance(context, av.VideoCodecContext):
        context.width, context.height = track.width, track.height
    return stream


def init_segment(tracks: Sequence[Track]) -> InitSegment:
    """Return the init segment of a live file with these tracks. Raises MuxFailed when they do not fit into MP4.

    H.265 is called `hvc1`, which every browser that can play it knows.
    """
    writer = _FragmentWriter()
    try:
        with av.open(writer, "w", format="mp4", options={"movflags": _MOVFLAGS, "use_editlist": "0"}) as container:
            for track in tracks:
                stream = add_track(container, track)
                if track.codec == "hevc":
                    stream.codec_context.codec_tag = "hvc1"
            container.start_encoding()
            return InitSegment.parse(writer.init())
    except (av.FFmpegError, ValueError) as error:
        raise MuxFailed(str(error)) from error


class FragmentedMuxer:
    """Muxes the packets of one segment into an init segment and fragments, in memory.

    Timestamps are counted from `origin`, the segment's first video packet, so every segment begins at zero. A fragment
    ends after `fragment_duration_us` microseconds and before each keyframe. Not thread-safe.
    """

    def __init__(self, tracks: Sequence[Track], origin: MediaPacket, fragment_duration_us: int) -> None:
        """Begin a segment. Raises MuxFailed when the tracks do not fit into MP4."""
        self._writer = _FragmentWriter()
        self._container: OutputContainer = av.open(
            self._writer,
            "w",
            format="mp4",
            buffer_size=_IO_BUFFER_BYTES,
            options={
                "movflags": _MOVFLAGS,
                "use_editlist": "0",
                "avoid_negative_ts": "disabled",
                "frag_duration": str(fragment_duration_us),
                "flush_packets": "1",
                # One microsecond: a track that falls silent must not hold back the others.
                "max_interleave_delta": "1",
            },
        )
        self._outputs: dict[int, _Output] = {}
        try:
            for track in tracks:
                self._outputs[track.index] = self._add(track, origin)
            self._container.start_encoding()
            for output in self._outputs.values():
                output.rescale = output.stream.time_base != output.track.time_base
            self.init = InitSegment.parse(self._writer.init())
        except (av.FFmpegError, ValueError) as error:
            raise MuxFailed(str(error)) from error

    def _add(self, track: Track, origin: MediaPacket) -> "_Output":
        return _Output(track, add_track(self._container, track), round(origin.time / track.time_base))

    def mux(self, packet: MediaPacket) -> None:
        """Add a packet; one from before the origin is left out. Raises MuxFailed."""
        output = self._outputs.get(packet.track.index)
        if output is None:
            return
        dts = packet.dts - output.origin
        if dts < 0:
            return
        copy = coded_packet(packet.payload)
        copy.stream = output.stream
        copy.dts = dts
        copy.pts = packet.pts - output.origin
        copy.duration = packet.duration
        copy.is_keyframe = packet.is_keyframe
        if output.rescale:
            copy.time_base = packet.track.time_base
        try:
            self._container.mux_one(copy)
        except av.FFmpegError as error:
            raise MuxFailed(str(error)) from error

    def take_fragments(self) -> list[Fragment]:
        """Return the fragments that are finished since the last call."""
        return self._writer.take()

    def finish(self) -> list[Fragment]:
        """End the segment and return its last fragments. Raises MuxFailed."""
        try:
            self._container.close()
        except av.FFmpegError as error:
            raise MuxFailed(str(error)) from error
        return self._writer.take()


@dataclass(slots=True)
class _Output:
    track: Track
    stream: Stream
    origin: int
    rescale: bool = False


class _FragmentWriter:
    """The file object FFmpeg writes to: cuts what arrives at the ends of boxes."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._init = b""
        self._fragments: list[Fragment] = []

    def write(self, written: bytes) -> int:
        """Take bytes from FFmpeg."""
        if not self._pending and self._is_whole_fragment(written):
            self._emit(written)
            return len(written)
        self._pending += written
        self._cut()
        return len(written)

    def init(self) -> bytes:
        """Return `ftyp` and `moov`."""
        return self._init

    def take(self) -> list[Fragment]:
        """Return and forget the finished fragments."""
        fragments, self._fragments = self._fragments, []
        return fragments

    def _is_whole_fragment(self, written: bytes) -> bool:
        if written[4:8] != b"moof":
            return False
        mdat = read_header(written, struct.unpack_from(">I", written)[0])
        return mdat is not None and struct.unpack_from(">I", written)[0] + mdat[2] == len(written)

    def _cut(self) -> None:
        while (found := read_header(self._pending, 0)) is not None:
            kind, _, size = found
            if kind == b"moof":
                mdat = read_header(self._pending, size)
                if mdat is None:
                    return
                size += mdat[2]
            if len(self._pending) < size:
                return
            content = bytes(self._pending[:size])
            del self._pending[:size]
            if kind == b"moof":
                self._emit(content)
            else:
                self._init += content

    def _emit(self, content: bytes) -> None:
        moof_size = struct.unpack_from(">I", content)[0]
        self._fragments.append(Fragment(content, tuple(parse_moof(memoryview(content)[:moof_size]))))
