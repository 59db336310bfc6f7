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
    height, width = picture.shape
    window = 2 * reach + 1
    total = _sums(_sums(_padded(picture, reach), window, height).T, window, width).T
    total /= np.float32(window * window)
    return total


def _padded(picture: Floats, reach: int) -> Floats:
    height, width = picture.shape
    padded = np.empty((height + 2 * reach, width + 2 * reach), np.float32)
    padded[reach:-reach, reach:-reach] = picture
    padded[:reach], padded[-reach:] = padded[reach], padded[-reach - 1]
    padded[:, :reach], padded[:, -reach:] = padded[:, reach : reach + 1], padded[:, -reach - 1 : -reach]
    return padded


def _sums(picture: Floats, window: int, height: int) -> Floats:
    """Return the sums of so many rows from each of the first `height` rows on. The picture is destroyed.

    Those of 1, 2, 4... rows add up to them, several times as fast as differences of a running sum.
    """
    sums = np.zeros_like(picture[:height])
    rows, added, left = 1, 0, len(picture)
    while rows <= window:
        if window & rows:
            sums += picture[added : added + height]
            added += rows
        left -= rows
        np.add(picture[:left], picture[rows : rows + left], out=picture[:left])
        rows *= 2
    return sums


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
