"""Watching by RTSP, with every picture decoded the moment it comes: the camera itself, or what is restreamed."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import av
import numpy as np

from lightnvr.demo.numbering import Luma, frame_number

RTSP_OPTIONS = {"rtsp_transport": "tcp", "fflags": "nobuffer", "flags": "low_delay", "max_delay": "0"}


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """A picture that was decoded or shown: seconds of the monotonic clock, and its number."""

    at: float
    number: int


@dataclass(slots=True)
class DirectReader:
    """What was seen so far."""

    seen: list[SeenFrame] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def read(self, url: str) -> None:
        """Read until told to stop."""
        with av.open(url, options=RTSP_OPTIONS, timeout=10.0) as container:
            video = container.streams.video[0]
            video.thread_type = "NONE"
            for frame in container.decode(video):
                plane = frame.planes[0]
                luma: Luma = np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(-1, plane.line_size)
                number = frame_number(luma[: frame.height, : frame.width])
                if number is not None:
                    self.seen.append(SeenFrame(time.monotonic(), number))
                if self.stopping.is_set():
                    return


@contextmanager
def direct_reader(url: str) -> Iterator[DirectReader]:
    """Read in a thread while the context is open."""
    reader = DirectReader()
    thread = threading.Thread(target=reader.read, args=(url,), name="direct reader")
    thread.start()
    try:
        yield reader
    finally:
        reader.stopping.set()
        thread.join()
