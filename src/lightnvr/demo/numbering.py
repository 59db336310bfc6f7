"""A frame's number as black and white blocks in the picture, readable after compression.

The strip is one row of square blocks in the upper left corner, one block away from the edges:
white, black, 24 bits of the number (highest first, white is one), even parity, black, white.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Luma = npt.NDArray[np.uint8]

_BITS = 24
_HEAD = (1, 0)
_TAIL = (0, 1)
_BLOCKS = len(_HEAD) + _BITS + 1 + len(_TAIL)
_BLACK, _WHITE = 16, 235
_SURE_BLACK, _SURE_WHITE = 96, 160

MAX_NUMBER = (1 << _BITS) - 1
MIN_WIDTH = (_BLOCKS + 2) * 8


def block_size(width: int) -> int:
    """Edge of a block in pixels for a picture of this width: 16 at 1280, never below 8."""
    return max(8, width // 80 & ~1)


def strip_area(width: int) -> tuple[slice, slice]:
    """Rows and columns that the strip and the quiet border around it take in a picture of this width."""
    size = block_size(width)
    return slice(0, 3 * size), slice(0, (_BLOCKS + 2) * size)


def draw_number(luma: Luma, number: int) -> None:
    """Draws a number (0 to MAX_NUMBER) into a luma plane of shape (height, width), at least MIN_WIDTH wide."""
    size = block_size(luma.shape[1])
    rows, columns = strip_area(luma.shape[1])
    luma[rows, columns] = (_BLACK + _WHITE) // 2
    row = np.repeat(np.array(_blocks(number), dtype=np.uint8) * (_WHITE - _BLACK) + _BLACK, size)
    luma[size : 2 * size, size : size + row.size] = row


def frame_number(luma: Luma) -> int | None:
    """The number in a decoded picture, given as luma of shape (height, width) at the size it was drawn in.

    None when the picture has no strip, or one that is too damaged to be trusted.
    """
    height, width = luma.shape
    size = block_size(width)
    if height < 3 * size or width < (_BLOCKS + 2) * size:
        return None
    margin = size // 4
    strip = luma[size + margin : 2 * size - margin, size : size + _BLOCKS * size]
    means = strip.reshape(strip.shape[0], _BLOCKS, size)[:, :, margin : size - margin].mean(axis=(0, 2))
    if bool(np.any((means > _SURE_BLACK) & (means < _SURE_WHITE))):
        return None
    bits = [int(mean > _SURE_WHITE - 1) for mean in means]
    number = int("".join(map(str, bits[len(_HEAD) : len(_HEAD) + _BITS])), 2)
    return number if bits == list(_blocks(number)) else None


def _blocks(number: int) -> Sequence[int]:
    if not 0 <= number <= MAX_NUMBER:
        raise ValueError(f"frame numbers go from 0 to {MAX_NUMBER}, not {number}")
    bits = [number >> shift & 1 for shift in reversed(range(_BITS))]
    return (*_HEAD, *bits, sum(bits) & 1, *_TAIL)
