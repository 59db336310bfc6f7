"""Pictures without their light: how each pixel differs from its surroundings."""

import numpy as np
from numpy.typing import NDArray

from lightnvr.detection.pixels import Pixels

Floats = NDArray[np.float32]


def relief(luma: Pixels, reach: int, calm: float) -> Floats:
    """Return how far each pixel is from the mean of its surroundings, in units of how much those vary.

    Surroundings reach `reach` pixels in each direction. `calm`, in steps of luma, is added to what they vary, so that
    little noise in even areas stays little. Brightness and contrast of an area, and so its light, do not matter.
    """
    picture = luma.astype(np.float32)
    picture -= picture.mean()
    mean = blurred(picture, reach)
    variance = blurred(picture * picture, reach)
    variance -= mean * mean
    np.maximum(variance, 0, out=variance)
    np.sqrt(variance, out=variance)
    variance += calm
    picture -= mean
    picture /= variance
    return picture


def blurred(picture: Floats, reach: int) -> Floats:
    """Return the mean of the square around each pixel, that of the border repeated beyond it."""
    return _blurred_down(_blurred_down(picture, reach).T, reach).T


def _blurred_down(picture: Floats, reach: int) -> Floats:
    above, below = np.repeat(picture[:1], reach + 1, axis=0), np.repeat(picture[-1:], reach, axis=0)
    padded = np.concatenate((above, picture, below))
    sums = np.cumsum(padded, axis=0)
    window = 2 * reach + 1
    return (sums[window:] - sums[:-window]) / np.float32(window)


def neighbours(flags: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return how many of the 3 x 3 pixels around each one, itself included, are set."""
    height, width = flags.shape
    padded = np.zeros((height + 2, width + 2), np.uint8)
    padded[1:-1, 1:-1] = flags
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    total: NDArray[np.uint8] = rows[:-2] + rows[1:-1] + rows[2:]
    return total


def spread_out(picture: Floats) -> Floats:
    """Return the largest value of the 3 x 3 pixels around each one."""
    padded = np.pad(picture, 1, mode="edge")
    rows = np.maximum(np.maximum(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
    largest: Floats = np.maximum(np.maximum(rows[:-2], rows[1:-1]), rows[2:])
    return largest
