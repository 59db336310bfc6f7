"""What a recording of a test camera shows."""

from pathlib import Path

import av
import numpy as np

from lightnvr.demo.numbering import frame_number


def recorded_numbers(path: Path) -> list[int | None]:
    """Return the number on each picture, in the order they are shown. Raises av.FFmpegError for what cannot be read."""
    with av.open(str(path)) as container:
        return [
            frame_number(np.asarray(frame.reformat(format="gray").to_ndarray(), dtype=np.uint8))
            for frame in container.decode(video=0)
        ]


def media_seconds(path: Path) -> float:
    """Return the length of the video in seconds, from the first picture to the end of the last."""
    with av.open(str(path)) as container:
        times = [(packet.dts, packet.duration or 0) for packet in container.demux(video=0) if packet.dts is not None]
        return float((times[-1][0] + times[-1][1] - times[0][0]) * (container.streams.video[0].time_base or 0))
