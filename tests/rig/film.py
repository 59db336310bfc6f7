"""Numbered footage as a camera would send it: encoded once, demuxed and taken in by the product's own ingest."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Literal

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from lightnvr.media.ingest import VideoIngest, audio_ingest
from lightnvr.media.packets import MediaItem, MediaPacket, Track, TracksChanged
from tests.rig.numbered_pictures import draw

START_NS = 1_000_000_000_000
"""The monotonic moment at which every film begins to arrive."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to film. `first` is the number on the first picture; audio is AAC of 16 kHz, mono."""

    encoder: Literal["libx264", "libx265", "libsvtav1"] = "libx264"
    seconds: int = 4
    fps: int = 15
    gop: int = 15
    b_frames: int = 0
    audio: bool = False
    width: int = 160
    height: int = 120
    first: int = 0


@dataclass(frozen=True, slots=True)
class Film:
    """What a hub would have published: the tracks, and the packets in the order of arrival."""

    tracks: tuple[Track, ...]
    packets: tuple[MediaPacket, ...]
    first: int
    frames: int

    @property
    def numbers(self) -> list[int]:
        """The numbers of all pictures, in the order they are shown."""
        return list(range(self.first, self.first + self.frames))

    @property
    def video(self) -> Track:
        """The video track."""
        return next(track for track in self.tracks if track.kind == "video")

    @property
    def video_packets(self) -> list[MediaPacket]:
        """The packets of the video track."""
        return [packet for packet in self.packets if packet.track.kind == "video"]

    @property
    def audio_packets(self) -> list[MediaPacket]:
        """The packets of the audio track."""
        return [packet for packet in self.packets if packet.track.kind == "audio"]

    @property
    def items(self) -> list[MediaItem]:
        """The tracks, then the packets."""
        return [TracksChanged(self.tracks), *self.packets]

    def after(self, seconds: float) -> "Film":
        """The same film, arriving so much later; its timestamps are moved too, as those of one connection would be."""
        return replace(self, packets=tuple(_moved(packet, seconds) for packet in self.packets))


def _moved(packet: MediaPacket, seconds: float) -> MediaPacket:
    ticks = round(Fraction(seconds) / packet.track.time_base)
    return packet._replace(
        dts=packet.dts + ticks, pts=packet.pts + ticks, arrival_ns=packet.arrival_ns + int(seconds * 1e9)
    )


@cache
def film(recipe: Recipe) -> Film:
    """Return the footage of a recipe, made once per process. Packets may be shared by tests: they never change."""
    with av.open(io.BytesIO(transport_stream(recipe)), "r") as source:
        return take_in(source, recipe.first, recipe.seconds * recipe.fps)


def take_in(source: av.container.InputContainer, first: int = 0, frames: int = 0) -> Film:
    """Read a container with the product's ingest; each packet arrives when it is to be decoded."""
    announced: list[Track] = []
    video = VideoIngest(source.streams.video[0], announced.append)
    audio = audio_ingest(source.streams.audio[0]) if source.streams.audio else None
    packets: list[MediaPacket] = []
    begins: float | None = None
    for packet in source.demux():
        if packet.dts is None or not packet.size:
            continue
        seconds = float(packet.dts * packet.time_base)
        begins = seconds if begins is None else begins
        arrival_ns = START_NS + int((seconds - begins) * 1e9)
        if isinstance(packet.stream, VideoStream):
            taken = video.accept(packet, arrival_ns)
            packets += [taken] if taken else []
        elif audio is not None:
            packets += audio.accept(packet, arrival_ns)
    packets.sort(key=lambda packet: packet.arrival_ns)
    tracks = (announced[0],) if audio is None else (announced[0], audio.track)
    return Film(tracks, tuple(packets), first, frames)


@cache
def transport_stream(recipe: Recipe) -> bytes:
    """Return the footage as MPEG-TS: parameter sets in band and ADTS, as cameras send them. AV1 needs Matroska."""
    written = io.BytesIO()
    with av.open(written, "w", format="matroska" if recipe.encoder == "libsvtav1" else "mpegts") as target:
        stream = _video_stream(target, recipe)
        audio = _audio_stream(target) if recipe.audio else None
        pending = _sound(audio, recipe.seconds) if audio is not None else iter(())
        for index in range(recipe.seconds * recipe.fps):
            picture = draw(recipe.first + index, recipe.width, recipe.height)
            picture.pts, picture.time_base = index, Fraction(1, recipe.fps)
            target.mux(stream.encode(picture))
            if index % recipe.fps == recipe.fps - 1:
                for _ in range(16):
                    if (frame := next(pending, None)) is not None and audio is not None:
                        target.mux(audio.encode(frame))
        target.mux(stream.encode(None))
        if audio is not None:
            target.mux(audio.encode(None))
    return written.getvalue()


def _video_stream(target: av.container.OutputContainer, recipe: Recipe) -> VideoStream:
    if recipe.encoder == "libsvtav1":
        params = f"keyint={recipe.gop}:scd=0:pred-struct=1:rc=0:lp=1"
        options = {"preset": "12", "svtav1-params": params, "crf": "30"}
    else:
        options = _x26x_options(recipe)
    stream = target.add_stream(recipe.encoder, rate=recipe.fps, options=options)
    stream.width, stream.height, stream.pix_fmt = recipe.width, recipe.height, "yuv420p"
    stream.codec_context.time_base = Fraction(1, recipe.fps)
    return stream


def _x26x_options(recipe: Recipe) -> dict[str, str]:
    params = f"keyint={recipe.gop}:min-keyint={recipe.gop}:scenecut=0:bframes={recipe.b_frames}:open-gop=0"
    hushed = ":log-level=none:repeat-headers=1" if recipe.encoder == "libx265" else ":repeat-headers=1"
    key = "x265-params" if recipe.encoder == "libx265" else "x264-params"
    return {"preset": "ultrafast", key: params + hushed, "threads": "1"}


def _audio_stream(target: av.container.OutputContainer) -> AudioStream:
    stream = target.add_stream("aac", rate=16_000)
    stream.layout = "mono"
    return stream


def _sound(stream: AudioStream, seconds: int) -> Iterator[av.AudioFrame]:
    time = np.arange(16_000 * seconds) / 16_000
    wave = (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    for at in range(0, len(wave) - 1023, 1024):
        frame = av.AudioFrame.from_ndarray(wave[at : at + 1024].reshape(1, -1), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16_000, at, Fraction(1, 16_000)
        yield frame
