"""Players: what do they make of a file?"""

import io
import subprocess
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer

from tests.rig.numbered_pictures import read


@dataclass(frozen=True, slots=True)
class Played:
    """What a player showed: the number on each picture (None where it was damaged), times in seconds."""

    numbers: list[int | None]
    times: list[float]
    samples: int
    """How many samples of audio were heard."""
    audio_start: float | None


def opened(media: Path | bytes) -> InputContainer:
    """Return a file, or the content of one, to be read."""
    return av.open(io.BytesIO(media), "r") if isinstance(media, bytes) else av.open(str(media))


def play(media: Path | bytes) -> Played:
    """Decode everything. Raises av.FFmpegError at the first thing that cannot be decoded."""
    numbers: list[int | None] = []
    times: list[float] = []
    samples = 0
    audio_start: float | None = None
    with opened(media) as container:
        for video in container.streams.video:
            video.codec_context.options = {"err_detect": "explode"}
        for frame in container.decode(*container.streams.video, *container.streams.audio):
            if isinstance(frame, av.VideoFrame):
                numbers.append(read(frame))
                times.append(float(frame.time or 0))
            elif isinstance(frame, av.AudioFrame):
                samples += frame.samples
                audio_start = float(frame.time or 0) if audio_start is None else audio_start
    return Played(numbers, times, samples, audio_start)


def numbers(media: Path | bytes) -> list[int | None]:
    """Return the number on each picture, in the order they are shown."""
    return play(media).numbers


@dataclass(frozen=True, slots=True)
class ReadPacket:
    """One packet as a demuxer gives it; times in microseconds of the presentation."""

    stream: int
    dts_us: int
    pts_us: int
    content: bytes
    keyframe: bool


def packets(media: Path | bytes) -> list[ReadPacket]:
    """Return all packets, ordered by stream."""
    found: list[ReadPacket] = []
    with opened(media) as container:
        for packet in container.demux():
            if packet.size and packet.dts is not None and packet.pts is not None:
                dts_us, pts_us = (round(at * packet.time_base * 1_000_000) for at in (packet.dts, packet.pts))
                found.append(ReadPacket(packet.stream_index, dts_us, pts_us, bytes(packet), packet.is_keyframe))
    return sorted(found, key=lambda packet: packet.stream)


def frame_digests(path: Path) -> list[str]:
    """Return what `ffmpeg -f framemd5` says: stream, dts, pts, duration, size and digest of each packet."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0", "-c", "copy", "-f", "framemd5", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert not done.stderr, done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith("#")]


def ffprobe(path: Path) -> tuple[float, list[str]]:
    """Return duration in seconds and codec names; fails at any complaint."""
    command = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name:format=duration", "-of", "csv=p=0"]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=True, timeout=60)
    assert not done.stderr, done.stderr
    *codecs, duration = done.stdout.split()
    return float(duration), codecs


def gstreamer(path: Path) -> None:
    """Demux every stream of a file with GStreamer; fails at any complaint."""
    command = [
        "gst-launch-1.0",
        "-q",
        "filesrc",
        f"location={path}",
        "!",
        "qtdemux",
        "name=d",
        "d.video_0",
        "!",
        "queue",
    ]
    done = subprocess.run([*command, "!", "fakesink"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr, done.stderr
