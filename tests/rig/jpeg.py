"""Pictures as JPEG."""

import io

import av
import numpy as np

from lightnvr.demo.numbering import Luma, frame_number


def decoded(jpeg: bytes) -> av.VideoFrame:
    """The picture. Raises av.FFmpegError when it is not a whole JPEG."""
    with av.open(io.BytesIO(jpeg), "r", format="jpeg_pipe") as container:
        container.streams.video[0].codec_context.options = {"err_detect": "explode"}
        return next(container.decode(video=0))


def size(jpeg: bytes) -> tuple[int, int]:
    """Its width and height in pixels."""
    frame = decoded(jpeg)
    return frame.width, frame.height


def number(jpeg: bytes) -> int | None:
    """The number that a camera drew into it, if it has the size it was drawn in."""
    frame = decoded(jpeg)
    plane = frame.planes[0]
    luma: Luma = np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(-1, plane.line_size)
    return frame_number(luma[: frame.height, : frame.width])
