"""Coded packets in, fragments out."""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import av

from lightnvr.media.mp4.fragments import PendingRun, build_moof, moof_size
from lightnvr.media.mp4.init_segment import InitSegment, TrackHeader
from lightnvr.media.mp4.samples import Payload, sample_packing
from lightnvr.media.mp4.track_runs import TrackRun
from lightnvr.media.packets import MediaPacket, Track
from lightnvr.media.templates import add_track

_MOVFLAGS = "empty_moov+default_base_moof+frag_discont+skip_trailer"
_LONGEST_SAMPLE = (1 << 31) - 1
_LONGEST_GUESS_S = 8
"""A picture whose end is not known is not said to last longer: what follows may come sooner, and repairing a file takes
what lies more than 10 s back for damaged."""


class MuxFailed(Exception):
    """The tracks or a packet cannot be put into MP4."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """One `moof` with its `mdat`: `content` are its bytes, `runs` its samples."""

    content: bytes
    runs: tuple[TrackRun, ...]


def init_segment(tracks: Sequence[Track]) -> InitSegment:
    """Return `ftyp` and `moov` of a file with these tracks, as FFmpeg writes them.

    H.265 is called `hvc1`, which every browser that can play it knows. Raises MuxFailed when the tracks do not fit into
    MP4.
    """
    written = io.BytesIO()
    # Without edit lists `tfdt` is the dts we give, so that a track that begins late stays late.
    options = {"movflags": _MOVFLAGS, "use_editlist": "0", "avoid_negative_ts": "disabled"}
    try:
        with av.open(written, "w", format="mp4", options=options) as container:
            for track in tracks:
                stream = add_track(container, track)
                if track.codec == "hevc":
                    stream.codec_context.codec_tag = "hvc1"
            container.start_encoding()
            return InitSegment.parse(written.getvalue())
    except (av.FFmpegError, ValueError) as error:
        raise MuxFailed(str(error)) from error


class FragmentedMuxer:
    """Muxes the packets of one segment into an init segment and fragments, in memory.

    Timestamps are counted from `origin`, the segment's first video packet, so every segment begins at zero. A fragment
    ends with the picture that comes `fragment_duration_us` microseconds after its first one, and before each keyframe.
    Not thread-safe.

    FFmpeg makes the init segment; the fragments are made here, because handing each packet to FFmpeg lets go of the
    interpreter's lock, and with many cameras getting it back costs more than everything else.
    """

    def __init__(self, tracks: Sequence[Track], origin: MediaPacket, fragment_duration_us: int) -> None:
        """Begin a segment. Raises MuxFailed when the tracks do not fit into MP4."""
        self.init = init_segment(tracks)
        try:
            self._outputs = {
                track.index: _Output(track, header, origin)
                for track, header in zip(tracks, self.init.tracks, strict=True)
            }
        except ValueError as error:
            raise MuxFailed(str(error)) from error
        self._longest = int(fragment_duration_us / 1_000_000 / origin.track.time_base)
        self._longest_us = fragment_duration_us
        self._sequence_number = 0
        self._finished: list[Fragment] = []
        self.next_cut_dts = origin.dts + self._longest
        """The dts, in the video track's time base, from which on a picture completes the fragment."""

    def mux(self, packet: MediaPacket) -> None:
        """Add a packet; one from before the origin is left out. Raises MuxFailed."""
        output = self._outputs.get(packet.track.index)
        if output is None or packet.dts < output.origin:
            return
        decode_time = output.scaled(packet.dts - output.origin)
        if not 0 < decode_time - output.last_decode_time <= _LONGEST_SAMPLE:
            raise MuxFailed(f"a packet at {packet.dts} does not follow the one before")
        if output.video:
            if output.run and (packet.is_keyframe or packet.dts >= self.next_cut_dts):
                self._cut(output, decode_time)
            if not output.run:
                output.run.begins_with_sync = packet.is_keyframe
                self.next_cut_dts = packet.dts + self._longest
        elif output.run and decode_time - output.run.decode_times[0] > output.longest_silent(self._longest_us):
            # Sound must not wait for pictures that have stopped.
            self._cut()
        output.add(packet, decode_time)

    def take_fragments(self) -> list[Fragment]:
        """Return the fragments that are finished since the last call."""
        fragments, self._finished = self._finished, []
        return fragments

    def flush(self) -> None:
        """End the fragment although the picture that completes it has not come. The next one begins with that picture.

        How long the last picture lasts is a guess then; the next fragment tells.
        """
        self._cut()

    def finish(self) -> list[Fragment]:
        """End the segment and return its last fragments."""
        self._cut()
        return self.take_fragments()

    def _cut(self, ended: "_Output | None" = None, ended_at: int = 0) -> None:
        """End the fragment. `ended` is a track whose last sample is known to last until `ended_at`."""
        outputs = [output for output in self._outputs.values() if output.run]
        if not outputs:
            return
        head = moof_size([output.run for output in outputs]) + 8
        runs: list[TrackRun] = []
        payload: list[Payload] = []
        at = head
        for output in outputs:
            last_duration = ended_at - output.last_decode_time if output is ended else output.guessed_duration
            run, pieces = output.run.take(last_duration, at, video=output.video)
            runs.append(run)
            payload += pieces
            at += sum(run.sizes)
        self._sequence_number += 1
        moof = build_moof(self._sequence_number, runs)
        content = b"".join((moof, struct.pack(">I4s", at - head + 8, b"mdat"), *payload))
        self._finished.append(Fragment(content, tuple(runs)))


class _Output:
    """One track of the file."""

    def __init__(self, track: Track, header: TrackHeader, origin: MediaPacket) -> None:
        self.video = track.kind == "video"
        self.origin = round(origin.time / track.time_base)
        self.run = PendingRun(header.track_id)
        self.last_decode_time = -1
        self.last_duration = 1
        self._timescale = header.timescale
        self._packing = sample_packing(track)
        scale = header.timescale * track.time_base
        self._numerator, self._denominator = scale.numerator, scale.denominator

    def scaled(self, ticks: int) -> int:
        """Return a time in the file's time scale."""
        return (ticks * self._numerator + self._denominator // 2) // self._denominator

    @property
    def guessed_duration(self) -> int:
        """How long the last sample may last, in the file's time scale."""
        return min(self.last_duration, _LONGEST_GUESS_S * self._timescale)

    def longest_silent(self, longest_us: int) -> int:
        """Return twice this many microseconds, in the file's time scale."""
        return 2 * longest_us * self._timescale // 1_000_000

    def add(self, packet: MediaPacket, decode_time: int) -> None:
        size, pieces = self._packing(packet.payload)
        offset = self.scaled(packet.pts - packet.dts)
        self.run.add(decode_time, offset, size, pieces)
        duration = self.scaled(packet.duration)
        if 0 < duration <= _LONGEST_SAMPLE:
            self.last_duration = duration
        elif self.last_decode_time >= 0:
            self.last_duration = decode_time - self.last_decode_time
        self.last_decode_time = decode_time
