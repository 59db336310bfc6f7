"""Puts the samples of a clip into MPEG-TS or FLV as they are sent."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import av

from lightnvr.demo.clip import Clip, Sample
from lightnvr.live.rtsp import Track


@dataclass(frozen=True, slots=True)
class Moment:
    """One sample of an endless clip: when it is due (seconds), its track, and its times shifted by `shift` seconds."""

    due: float
    track: int
    sample: Sample
    shift: Fraction


def endless(clip: Clip) -> Iterator[Moment]:
    """The samples of a clip in decoding order across tracks, again and again, with times that go on."""
    order = sorted(
        (sample.dts / part.track.clock_rate, index, place)
        for index, part in enumerate(clip.tracks)
        for place, sample in enumerate(part.samples)
    )
    shift = Fraction(0)
    while True:
        for due, index, place in order:
            yield Moment(due + float(shift), index, clip.tracks[index].samples[place], shift)
        shift += clip.duration


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
