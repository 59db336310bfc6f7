"""What a stream's picture usually looks like, pixel by pixel, and what of a picture differs from it."""

import math

import numpy as np
from numpy.typing import NDArray

from lightnvr.detection.pixels import Pixels
from lightnvr.detection.surroundings import Floats, blurred, neighbours, relief, spread_out

Flags = NDArray[np.bool_]

REACH = 12
"""How far the surroundings of a pixel reach in each direction, in pixels: further than somebody not near is wide."""

CALM = 10.0
"""Steps of luma that surroundings are taken to vary at least, so that noise in even areas stays small."""

SMOOTHED = 1
"""Pixels in each direction that are averaged: noise and drops get small by it, somebody far away hardly does."""

LEAST_CHANGE = 0.5
"""The least difference of relief that can be motion, however calm a pixel is."""

STRAYS = 4.0
"""By how many times of what it strays usually a pixel must differ."""

FIRST_STRAYS = 0.2
"""What pixels are taken to stray at first."""

MAY_SWAY = 0.15
"""What of its relief a pixel may stray at first besides: what varies in place, such as leaves, may sway too."""

EARLIER_FACTOR = 1.4
"""How much less the difference from a moment ago may be than that from what is usual."""

LEAST_NEIGHBOURS = 5
"""How many of the 3 x 3 pixels around one, itself included, must differ too."""

LEARN_S = 20.0
"""Seconds in which what is usual comes two thirds nearer to what is seen."""

RELEARN_S = 90.0
"""The same where something moves: who passes by now and then, or all the time, does not become usual soon."""

LONGEST_LESSON_S = 10.0
"""What was not seen for longer counts as if it was seen for so long."""

EARLIER_US = 500_000
"""How long ago a moment ago is, in microseconds, at least; at most it is twice as long, or the picture before."""


class Usual:
    """Learns what is usual of one stream: for each pixel a relief, and how far it strays from that.

    Branches, and noise at night, stray more than walls. Times are microseconds since 1970 UTC.
    """

    def __init__(self, luma: Pixels, at_us: int) -> None:
        """Take the first picture to be as usual."""
        self._relief = _smooth_relief(luma)
        self._strays = spread_out(np.abs(self._relief)) * np.float32(MAY_SWAY) + np.float32(FIRST_STRAYS)
        self._earliest = self._earlier = self._relief
        self._earlier_us = at_us
        self._latest_us = at_us

    @property
    def shape(self) -> tuple[int, ...]:
        """Height and width of the pictures."""
        return self._relief.shape

    def compare(self, luma: Pixels, at_us: int) -> "Difference":
        """Return what is not as usual in a picture of then, and was not so a moment before."""
        seen = _smooth_relief(luma)
        limit = spread_out(self._strays)
        limit *= np.float32(STRAYS)
        np.maximum(limit, np.float32(LEAST_CHANGE), out=limit)
        excess = np.abs(seen - self._relief)
        moved = np.abs(seen - (self._earlier if self._is_long_ago(at_us) else self._earliest))
        moved *= np.float32(EARLIER_FACTOR)
        np.minimum(excess, moved, out=excess)
        excess /= limit
        flags: Flags = excess > 1
        flags &= neighbours(flags) >= LEAST_NEIGHBOURS
        return Difference(seen, flags, excess)

    def learn(self, difference: "Difference", at_us: int) -> None:
        """Take in what was seen then."""
        elapsed_s = min(LONGEST_LESSON_S, max(0.0, (at_us - self._latest_us) / 1e6))
        usual_rate, changed_rate = (np.float32(1 - math.exp(-elapsed_s / time_s)) for time_s in (LEARN_S, RELEARN_S))
        rates = np.where(difference.flags, changed_rate, usual_rate)
        strayed = difference.seen - self._relief
        self._relief = self._relief + strayed * rates
        np.abs(strayed, out=strayed)
        strayed -= self._strays
        strayed *= rates
        self._strays += strayed
        self._latest_us = at_us
        if self._is_long_ago(at_us):
            self._earliest, self._earlier, self._earlier_us = self._earlier, difference.seen, at_us

    def take_over(self, difference: "Difference", at_us: int) -> None:
        """Take what was seen then to be as usual from now on; what strays is kept."""
        self._relief = self._earliest = self._earlier = difference.seen
        self._latest_us = self._earlier_us = at_us

    def _is_long_ago(self, at_us: int) -> bool:
        return at_us - self._earlier_us >= EARLIER_US


class Difference:
    """What of a picture is not as usual: arrays of its shape.

    `seen` is its relief, `flags` says which pixels differ, `excess` by how many times of what would be allowed.
    """

    __slots__ = ("excess", "flags", "seen")

    def __init__(self, seen: Floats, flags: Flags, excess: Floats) -> None:
        self.seen = seen
        self.flags = flags
        self.excess = excess


def _smooth_relief(luma: Pixels) -> Floats:
    return blurred(relief(luma, REACH, CALM), SMOOTHED)
