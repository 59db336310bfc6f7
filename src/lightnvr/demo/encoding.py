"""Encodes clips with the encoders inside PyAV."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, cast

import av
import numpy as np
import numpy.typing as npt
from av.audio.codeccontext import AudioCodecContext
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext

from lightnvr.demo.clip import Clip, ClipTrack, Sample
from lightnvr.demo.scene import NOON, Palette, Scene
from lightnvr.live.rtsp import Codec, Track

VIDEO_CLOCK = 90_000

_ENCODERS: dict[str, str] = {
    "h264": "libx264",
    "hevc": "libx265",
    "av1": "libsvtav1",
    "mjpeg": "mjpeg",
    "opus": "libopus",
    "mp3": "libmp3lame",
    "adpcm_g722": "g722",
}
_FRAMED = frozenset({"aac", "opus", "mp3"})
_PCM_FRAME_SECONDS = Fraction(1, 50)


@dataclass(frozen=True, slots=True)
class VideoRecipe:
    """How to film: size in pixels, frames per second, frames between keyframes, bits per second, B-frames in a row."""

    codec: Literal["h264", "hevc", "av1", "mjpeg"] = "h264"
    width: int = 1280
    height: int = 720
    fps: int = 15
    keyframe_interval: int = 30
    bit_rate: int = 2_000_000
    b_frames: int = 0
    palette: Palette = NOON
    first_number: int = 0


@dataclass(frozen=True, slots=True)
class AudioRecipe:
    """How to sound: samples per second (what the encoder gets), channels, bits per second where there is a choice."""

    codec: Codec = "aac"
    sample_rate: int = 48_000
    channels: int = 1
    bit_rate: int = 64_000


@dataclass(frozen=True, slots=True)
class ClipRecipe:
    """A whole clip. `seconds` must be a whole number of frames of every track, or it could not be looped."""

    seconds: int = 16
    video: VideoRecipe | None = field(default_factory=VideoRecipe)
    audio: AudioRecipe | None = field(default_factory=AudioRecipe)


def encode_clip(recipe: ClipRecipe) -> Clip:
    """Draws and encodes a clip; takes seconds of CPU. Raises ValueError when it could not be looped."""
    tracks: list[ClipTrack] = []
    if recipe.video is not None:
        tracks.append(_encode_video(recipe.video, recipe.seconds))
    if recipe.audio is not None:
        tracks.append(_encode_audio(recipe.audio, recipe.seconds))
    return Clip(Fraction(recipe.seconds), tuple(tracks))


def _encode_video(recipe: VideoRecipe, seconds: int) -> ClipTrack:
    encoder = cast("VideoCodecContext", av.CodecContext.create(_ENCODERS[recipe.codec], "w"))
    encoder.width, encoder.height = recipe.width, recipe.height
    encoder.pix_fmt = "yuvj420p" if recipe.codec == "mjpeg" else "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, recipe.fps), Fraction(recipe.fps)
    encoder.gop_size = recipe.keyframe_interval
    encoder.options = _video_options(recipe)
    if recipe.codec not in {"mjpeg", "av1"}:
        encoder.bit_rate = recipe.bit_rate
    encoder.flags |= Flags.global_header
    count = recipe.fps * seconds
    scene = Scene(recipe.width, recipe.height, recipe.fps, count, recipe.palette)
    ticks = VIDEO_CLOCK // recipe.fps
    samples: list[Sample] = []
    for packet in _encoded_pictures(encoder, scene, count, recipe.first_number):
        if packet.pts is None or packet.dts is None:
            raise ValueError(f"the {recipe.codec} encoder gave a frame without time")
        number = recipe.first_number + packet.pts
        samples.append(Sample(packet.pts * ticks, packet.dts * ticks, packet.is_keyframe, bytes(packet), number))
    track = Track(
        recipe.codec, VIDEO_CLOCK, parameters=encoder.extradata or b"", width=recipe.width, height=recipe.height
    )
    return ClipTrack(track, tuple(samples))


def _encoded_pictures(
    encoder: VideoCodecContext, scene: Scene, count: int, first: int
) -> "Iterator[av.Packet[av.VideoStream]]":
    for position in range(count):
        picture = av.VideoFrame.from_ndarray(scene.frame(position, number=first + position), format="yuv420p")
        picture.pts, picture.time_base = position, encoder.time_base
        if encoder.pix_fmt != "yuv420p":
            picture = picture.reformat(format=encoder.pix_fmt)
            picture.pts, picture.time_base = position, encoder.time_base
        yield from encoder.encode(picture)
    yield from encoder.encode(None)


def _video_options(recipe: VideoRecipe) -> dict[str, str]:
    interval = recipe.keyframe_interval
    kilobits = recipe.bit_rate // 1000
    # Parameter sets stand before every keyframe, as cameras send them, and no GOP refers to another one.
    common = f"repeat-headers=1:scenecut=0:open-gop=0:keyint={interval}:min-keyint={interval}:bframes={recipe.b_frames}"
    common += f":vbv-maxrate={kilobits}:vbv-bufsize={kilobits}"
    match recipe.codec:
        case "h264":
            return {"preset": "ultrafast", "x264-params": common}
        case "hevc":
            return {"preset": "ultrafast", "x265-params": common + ":log-level=none"}
        case "av1":
            return {"preset": "8", "svtav1-params": f"keyint={interval}:scd=0:pred-struct=1:rc=0:lp=1", "crf": "18"}
        case "mjpeg":
            # RTP carries no Huffman tables, so they are the standard's (RFC 2435, section 3.1.8).
            return {"qmin": "3", "qmax": "8", "huffman": "default", "threads": "1"}


def _encode_audio(recipe: AudioRecipe, seconds: int) -> ClipTrack:
    encoder = cast("AudioCodecContext", av.CodecContext.create(_ENCODERS.get(recipe.codec, recipe.codec), "w"))
    encoder.sample_rate = recipe.sample_rate
    encoder.layout = "stereo" if recipe.channels == 2 else "mono"
    encoder.format = next(iter(encoder.codec.audio_formats or ()))
    encoder.time_base = Fraction(1, recipe.sample_rate)
    encoder.bit_rate = recipe.bit_rate
    encoder.flags |= Flags.global_header
    encoder.open()
    step, payloads = _encoded_sound(encoder, recipe, _melody(recipe.sample_rate, seconds))
    # G.722 has a clock of 8000 in RTP (RFC 3551, section 4.5.2), half of its sampling rate.
    clock_rate = 8000 if recipe.codec == "adpcm_g722" else recipe.sample_rate
    ticks = step * clock_rate // recipe.sample_rate
    samples = tuple(Sample(i * ticks, i * ticks, keyframe=True, data=data) for i, data in enumerate(payloads))
    track = Track(recipe.codec, clock_rate, recipe.channels, encoder.extradata or b"", recipe.bit_rate)
    return ClipTrack(track, samples)


def _encoded_sound(
    encoder: AudioCodecContext, recipe: AudioRecipe, melody: npt.NDArray[np.float32]
) -> tuple[int, list[bytes]]:
    """Samples per payload, and payloads for one round of the melody.

    They are cut out of the middle of several rounds, so that a decoder hears no seam when they are repeated.
    """
    size = encoder.frame_size or len(melody) // 100
    resampler = av.AudioResampler(encoder.format, encoder.layout, encoder.sample_rate)
    packets: list[bytes] = []
    endless = np.concatenate((melody, melody, melody[: 4 * size]))
    for position in range(0, len(endless) - size, size):
        frame = av.AudioFrame.from_ndarray(
            endless[position : position + size].reshape(1, -1), format="flt", layout="mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = encoder.sample_rate, position, encoder.time_base
        for converted in resampler.resample(frame):
            packets += [bytes(packet) for packet in encoder.encode(converted)]
    if recipe.codec in _FRAMED:
        count = _whole(len(melody), size, recipe)
        return size, packets[count : 2 * count]
    # The others are a plain row of codes, cut here into the 20 ms that RFC 3551, section 4.2, recommends.
    step = int(recipe.sample_rate * _PCM_FRAME_SECONDS)
    count = _whole(len(melody), step, recipe)
    codes = b"".join(packets)
    width = len(codes) * step // (size * len(packets))
    return step, [codes[(count + i) * width :][:width] for i in range(count)]


def _whole(samples: int, size: int, recipe: AudioRecipe) -> int:
    count, rest = divmod(samples, size)
    if rest:
        raise ValueError(f"{samples} samples are not a whole number of {recipe.codec} frames")
    return count


def _melody(sample_rate: int, seconds: int) -> npt.NDArray[np.float32]:
    """Soft notes that start over after `seconds`, shape (samples,), between -1 and 1."""
    time = np.arange(sample_rate * seconds) / sample_rate
    notes = np.array([262, 330, 392, 523, 392, 330])
    pitch = notes[(time * 2).astype(int) % len(notes)]
    swell = np.sin(np.pi * (time * 2 % 1)) ** 2
    melody: npt.NDArray[np.float32] = (0.3 * swell * np.sin(np.pi * pitch * (time * 2 % 1))).astype(np.float32)
    return melody
