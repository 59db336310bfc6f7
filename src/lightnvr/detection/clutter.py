"""Rain, snow and insects: small groups that come and go all over a picture, so that one of them says nothing."""

import math
from collections.abc import Sequence

from lightnvr.detection.groups import Group

LEARN_S = 20.0
"""Seconds in which what is known of clutter comes two thirds nearer to what is seen."""

LARGEST = 30.0
"""Groups with more mass are not clutter: two people are not rain."""

FULL_COUNT = 1.5
"""How many small groups a picture has in clutter, at least; with fewer it counts in part."""

RARELY = 7.0
"""How many times the mean of small groups one of them does not reach; with more of them, it is more."""

MORE_OFTEN = 2.0
"""How much more it is, times the logarithm of how many there are: the greatest of many is greater."""


class Clutter:
    """How many small groups the pictures of a stream have lately, and how great they are."""

    def __init__(self) -> None:
        self._pictures = 0
        self._count = 0.0
        self._mass = 0.0

    @property
    def reach(self) -> float:
        """The mass that clutter hardly ever has."""
        if not self._count:
            return 0.0
        mean = self._mass / self._count
        return min(1.0, self._count / FULL_COUNT) * mean * (RARELY + MORE_OFTEN * math.log1p(self._count))

    def learn(self, groups: Sequence[Group], elapsed_s: float) -> None:
        """Take in the groups of a picture, so many seconds after the one before."""
        self._pictures += 1
        rate = max(1 - math.exp(-elapsed_s / LEARN_S), 1 / self._pictures)
        small = [group.mass for group in groups if group.mass < LARGEST]
        self._count += (len(small) - self._count) * rate
        self._mass += (sum(small) - self._mass) * rate
