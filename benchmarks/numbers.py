"""The numbers that a camera drew into its pictures, read back from a file."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from lightnvr.demo.numbering import Luma, frame_number


@dataclass(frozen=True, slots=True)
class LastPicture:
    """The number on the last picture of a file, and how many pictures there are in all."""

    number: int
    pictures: int


def every_number(path: Path) -> list[int | None]:
    """Decode a file and return the number on each picture, None where it cannot be read. Raises av.FFmpegError."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        video.thread_type = "AUTO"
        return [_number(frame) for frame in container.decode(video)]


def last_picture(path: Path) -> LastPicture | None:
    """Return what a file ends with; None when it cannot be played at all."""
    try:
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            number: int | None = None
            packets = [packet for packet in container.demux(video) if packet.size]
            first = max((i for i, packet in enumerate(packets) if packet.is_keyframe), default=0)
            for packet in packets[first:]:
                for frame in packet.decode():
                    number = _number(frame)
            for frame in video.codec_context.decode(None):
                number = _number(frame)
    except (av.FFmpegError, IndexError):
        return None
    return None if number is None else LastPicture(number, len(packets))


def _number(frame: av.VideoFrame) -> int | None:
    plane = frame.planes[0]
    luma: Luma = np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(-1, plane.line_size)
    return frame_number(luma[: frame.height, : frame.width])
