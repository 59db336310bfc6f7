"""What recorded files show: the numbers on their pictures, their sizes, their sound."""

import asyncio
import io
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream

from lightnvr.demo.numbering import frame_number


@dataclass(frozen=True, slots=True)
class Footage:
    """One file as a player shows it.

    `numbers` are those on the pictures in the order they are shown, None where one is damaged; `times` are in seconds
    from the beginning, `sizes` in pixels. `samples` of audio were heard, from `audio_start` seconds on.
    """

    codecs: tuple[str, ...]
    numbers: list[int | None]
    times: list[float]
    sizes: list[tuple[int, int]]
    samples: int
    sample_rate: int
    audio_start: float | None
    damaged_sound: int
    """How many packets of audio cannot be decoded."""


def footage(media: Path | bytes) -> Footage:
    """Decode everything in a file. Fails at the first picture that cannot be decoded."""
    numbers: list[int | None] = []
    times: list[float] = []
    sizes: list[tuple[int, int]] = []
    samples, rate, audio_start, damaged = 0, 0, None, 0
    with av.open(io.BytesIO(media) if isinstance(media, bytes) else str(media), "r") as container:
        for video in container.streams.video:
            if video.codec_context.name != "mjpeg":  # RTP leaves out what this would miss (RFC 2435)
                video.codec_context.options = {"err_detect": "explode"}
        codecs = tuple(stream.codec_context.codec.canonical_name for stream in container.streams)
        for packet in container.demux():
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                if not isinstance(packet.stream, AudioStream):
                    pytest.fail(f"{media!r} at {packet}: {error}")
                damaged += 1
                continue
            for frame in frames:
                if isinstance(frame, av.VideoFrame):
                    numbers.append(frame_number(np.asarray(frame.to_ndarray(format="gray"), np.uint8)))
                    times.append(float(frame.time or 0))
                    sizes.append((frame.width, frame.height))
                elif isinstance(frame, av.AudioFrame):
                    samples += frame.samples
                    rate = frame.sample_rate
                    audio_start = float(frame.time or 0) if audio_start is None else audio_start
    return Footage(codecs, numbers, times, sizes, samples, rate, audio_start, damaged)


async def all_footage(files: Iterable[Path]) -> list[Footage]:
    """The footage of several files, decoded in a thread."""
    return await asyncio.to_thread(lambda: [footage(path) for path in files])


def assert_sent(numbers: list[int | None], sent: list[int], *, most_missing: int = 15) -> None:
    """Fail unless a recording shows what a camera sent, from its first picture on, none lost, doubled or damaged.

    A few pictures at the end may be missing, because they were on their way when recording stopped.
    """
    for place, (shown, number) in enumerate(zip(numbers, sent, strict=False)):
        assert shown == number, f"picture {place} shows {numbers[place : place + 8]}, not {sent[place : place + 8]}"
    assert len(sent) - most_missing <= len(numbers) <= len(sent)


def assert_runs_true(part: Footage, *, fps: float = 15.0, slack_s: float = 1.5) -> None:
    """Fail unless time goes on from picture to picture, and as fast as it does for the camera, with some slack."""
    assert part.times[0] < 0.5  # pictures that are reordered are shown later than they are decoded
    assert all(earlier < later for earlier, later in pairwise(part.times)), part.times
    longest = max(later - earlier for earlier, later in pairwise(part.times))
    assert longest < 1 / fps + slack_s, f"a picture is shown for {longest} s"
    assert abs(part.times[-1] - (len(part.times) - 1) / fps) < slack_s, f"{len(part.times)} end at {part.times[-1]} s"
