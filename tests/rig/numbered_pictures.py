"""Small pictures that carry their number, readable after any compression.

The whole picture is a grid of 8 by 4 blocks: 16 bits of the number (highest first, white is one) in the upper two rows,
the same bits inverted in the lower two.
"""

import av
import numpy as np
import numpy.typing as npt

_COLUMNS, _ROWS = 8, 4
_BLACK, _WHITE = 32, 220


def draw(number: int, width: int, height: int) -> av.VideoFrame:
    """Return a picture that shows a number from 0 to 65535."""
    bits = np.array([number >> shift & 1 for shift in reversed(range(16))], dtype=np.uint8)
    grid = np.concatenate((bits, 1 - bits)).reshape(_ROWS, _COLUMNS) * (_WHITE - _BLACK) + _BLACK
    luma = np.kron(grid, np.ones((height // _ROWS, width // _COLUMNS), dtype=np.uint8))
    chroma = np.full((height // 2, width), 128, dtype=np.uint8)
    return av.VideoFrame.from_ndarray(np.concatenate((luma, chroma)).astype(np.uint8), format="yuv420p")


def read(frame: av.VideoFrame) -> int | None:
    """Return the number a picture shows; None when it shows none, or a damaged one."""
    plane = frame.planes[0]
    luma: npt.NDArray[np.uint8] = np.frombuffer(bytes(plane), dtype=np.uint8).reshape(-1, plane.line_size)
    luma = luma[: frame.height, : frame.width]
    high, wide = frame.height // _ROWS, frame.width // _COLUMNS
    blocks = luma[: high * _ROWS, : wide * _COLUMNS].reshape(_ROWS, high, _COLUMNS, wide)
    inner = blocks[:, high // 4 : high - high // 4, :, wide // 4 : wide - wide // 4]
    bits = (inner.mean(axis=(1, 3)) > (_BLACK + _WHITE) / 2).astype(int).reshape(2, 16)
    if not np.array_equal(bits[0], 1 - bits[1]):
        return None
    return int("".join(map(str, bits[0])), 2)
