"""Puts the samples of a clip into MPEG-TS or FLV as they are sent."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import av

from lightnvr.demo.clip import Clip, Sample
from lightnvr.live.rtsp import Track

FLV_HEADER_BYTES = 13
"""The header and the size of the tag before the first (Adobe Flash Video File Format Specification 10.1, annex E)."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One sample that is shown: when it is due (seconds), its clip and track, its times shifted by `shift` seconds."""

    due: float
    clip: Clip
    track: int
    sample: Sample
    shift: Fraction

    @property
    def is_video(self) -> bool:
        return self.clip.tracks[self.track].track.is_video


@dataclass(frozen=True, slots=True)
class Programme:
    """Clips that follow each other without a break, then again and again from the one at `repeat_from`."""

    clips: tuple[Clip, ...]
    repeat_from: int = 0

    def moments(self) -> Iterator[Moment]:
        """All samples in decoding order across tracks, with times that go on for ever."""
        shift = Fraction(0)
        for clip in itertools.chain(self.clips, itertools.cycle(self.clips[self.repeat_from :])):
            order = sorted(
                (sample.dts / part.track.clock_rate, index, place)
                for index, part in enumerate(clip.tracks)
                for place, sample in enumerate(part.samples)
            )
            for due, index, place in order:
                yield Moment(due + float(shift), clip, index, clip.tracks[index].samples[place], shift)
            shift += clip.duration


class ProgrammeMuxer:
    """Gives the container's bytes for each moment of a programme; what describes the tracks comes anew with a clip."""

    def __init__(self, container: Literal["mpegts", "flv"]) -> None:
        self._format: Literal["mpegts", "flv"] = container
        self._clip: Clip | None = None
        self._muxer: StreamMuxer | None = None

    def mux(self, moment: Moment) -> bytes:
        if self._muxer is not None and moment.clip is self._clip:
            return self._muxer.mux(moment)
        is_first, self._clip = self._clip is None, moment.clip
        self._muxer = StreamMuxer(moment.clip, self._format)
        muxed = self._muxer.mux(moment)
        # A stream of FLV tags has one header, whatever comes.
        return muxed if is_first or self._format == "mpegts" else muxed[FLV_HEADER_BYTES:]

    def finish(self) -> bytes:
        return b"" if self._muxer is None else self._muxer.finish()


class StreamMuxer:
    """Gives the container's bytes for each moment; nothing is kept back but what the container needs."""

    def __init__(self, clip: Clip, container: Literal["mpegts", "flv"]) -> None:
        self._written = bytearray()
        options = {"flush_packets": "1", "max_interleave_delta": "1"}
        if container == "flv":
            options["flvflags"] = "no_duration_filesize"
        self._container = av.open(_Sink(self._written), "w", format=container, options=options)
        self._tracks = [part.track for part in clip.tracks]
        self._streams = [self._add(track) for track in self._tracks]

    def mux(self, moment: Moment) -> bytes:
        track = self._tracks[moment.track]
        packet = av.Packet(moment.sample.data)
        packet.stream = self._streams[moment.track]
        packet.time_base = Fraction(1, track.clock_rate)
        ticks = int(moment.shift * track.clock_rate)
        packet.pts, packet.dts = moment.sample.pts + ticks, moment.sample.dts + ticks
        packet.is_keyframe = moment.sample.keyframe
        self._container.mux_one(packet)
        return self._taken()

    def finish(self) -> bytes:
        self._container.close()
        return self._taken()

    def _add(self, track: Track) -> av.stream.Stream:
        if track.codec == "aac":
            # An encoder that never encodes: it brings the AudioSpecificConfig, which PyAV gives no other way to set.
            sound = self._container.add_stream("aac", rate=track.clock_rate)
            sound.codec_context.layout = "stereo" if track.channels == 2 else "mono"
            return sound
        if track.is_video:
            stream = self._container.add_mux_stream(track.codec, width=track.width, height=track.height)
        else:
            stream = self._container.add_mux_stream(track.codec, rate=track.clock_rate)
        stream.time_base = Fraction(1, track.clock_rate)
        return stream

    def _taken(self) -> bytes:
        data = bytes(self._written)
        self._written.clear()
        return data


class _Sink:
    def __init__(self, written: bytearray) -> None:
        self._written = written

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)
