"""Watches cameras with PyAV in a thread."""

import asyncio
from dataclasses import dataclass, field
from typing import Literal

import av
import numpy as np

from tests.cameras import frame_number


@dataclass(slots=True)
class Seen:
    """What came out of a camera's decoders."""

    numbers: list[int | None] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    video_times: list[float | None] = field(default_factory=list)
    audio_frames: int = 0
    audio_times: list[float | None] = field(default_factory=list)
    codecs: list[str] = field(default_factory=list)
    ended: bool = False


async def watch(
    url: str,
    frames: int,
    *,
    transport: Literal["tcp", "udp"] = "tcp",
    audio_frames: int = 0,
    stop_at_error: bool = False,
) -> Seen:
    """Decodes until so many video frames and so many audio frames have come.

    With `stop_at_error` what was seen before the connection broke is given back instead of raising FFmpegError.
    """
    return await asyncio.to_thread(_watch, url, frames, transport, audio_frames, stop_at_error)


def _watch(url: str, frames: int, transport: str, audio_frames: int, stop_at_error: bool) -> Seen:
    seen = Seen()
    options = {"rtsp_transport": transport, "probesize": "200000", "analyzeduration": "1000000"}
    if not url.startswith("rtsp"):
        del options["rtsp_transport"]
    try:
        with av.open(url, options=options, timeout=15) as container:
            seen.codecs = [stream.codec_context.name for stream in container.streams]
            for frame in (frame for packet in container.demux() for frame in packet.decode()):
                if isinstance(frame, av.VideoFrame):
                    seen.numbers.append(frame_number(np.asarray(frame.to_ndarray(format="gray"), np.uint8)))
                    seen.sizes.append((frame.width, frame.height))
                    seen.video_times.append(frame.time)
                elif isinstance(frame, av.AudioFrame):
                    seen.audio_frames += 1
                    seen.audio_times.append(frame.time)
                if len(seen.numbers) >= frames and seen.audio_frames >= audio_frames:
                    return seen
    except av.FFmpegError:
        if not stop_at_error:
            raise
    seen.ended = True
    return seen
