"""Built-in motion: what is not as usual in a picture, and was not so a moment ago.

Light is taken out first (`surroundings`), so that neither switches nor clouds are motion. What is usual is learned for
each pixel (`usual`). Pixels that differ are grouped (`groups`), and each group is told from rain (`clutter`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lightnvr.detection.clutter import Clutter
from lightnvr.detection.detector import Found, Picture
from lightnvr.detection.groups import Group, cells_of, groups_of
from lightnvr.detection.sieve import MOTION, contains, labels_listed
from lightnvr.detection.usual import Flags, Usual
from lightnvr.detection.zones import Zone

_MOST_OF_PICTURE = 0.4
"""When more of the cells differ, it is a light, the change to infrared, or a camera that was turned."""

_WARM_UP_US = 3_000_000
"""Microseconds from the first picture on in which nothing is told of."""

_WARM_UP_PICTURES = 3
"""How many pictures are learned, at least, before anything is told of."""

_HALF_MASS = 12.0
"""The mass that scores 0.5 where there is no clutter: about that of somebody a twentieth of the picture high."""

_CLOSE_US = 500_000
"""Pictures that follow each other within this, in microseconds, show the same things: what is in one only is none."""

_STEP = 0.03
"""How far a thing gets from one such picture to the next, at most, in fractions of the picture."""

_MOST_GROUPS = 20
"""How many groups of a picture are told of, the greatest."""


@dataclass(slots=True)
class _Memory:
    """What is known of a stream; times are microseconds since 1970 UTC."""

    usual: Usual
    began_us: int
    latest_us: int
    pictures: int = 1
    groups: Sequence[Group] = ()
    clutter: Clutter = field(default_factory=Clutter)

    def is_warm(self, at_us: int) -> bool:
        """Whether enough was learned to tell of anything."""
        return self.pictures > _WARM_UP_PICTURES and at_us - self.began_us >= _WARM_UP_US


class MotionDetector:
    """Finds what moves, in luma. Implements `Detector`: a memory by stream.

    The score of a group of changed cells says how much of it there is: 0.5 is the least that is worth telling of,
    somebody small far away, or what rain does not do; someone near has more than 0.9.
    """

    def __init__(self, zones_of: Callable[[int], Sequence[Zone]] = lambda _stream_id: ()) -> None:
        """`zones_of` gives the zones of a stream by its id; called by the thread that looks."""
        self._zones_of = zones_of
        self._memories: dict[int, _Memory] = {}
        self._masks: dict[int, tuple[Sequence[Zone], tuple[int, int], Flags | None]] = {}

    @property
    def wants_colour(self) -> bool:
        """See Detector."""
        return False

    @property
    def input_size(self) -> tuple[int, int] | None:
        """See Detector."""
        return None

    def look(self, pictures: Sequence[Picture]) -> Sequence[Sequence[Found]]:
        """See Detector."""
        return [self._look(picture) for picture in pictures]

    def forget(self, stream_id: int) -> None:
        """See Detector. The next pictures are taken to be as usual."""
        self._memories.pop(stream_id, None)
        self._masks.pop(stream_id, None)

    def interrupt(self) -> None:
        """See Detector. A picture takes a moment only."""

    def close(self) -> None:
        """See Detector."""
        self._memories.clear()
        self._masks.clear()

    def _look(self, picture: Picture) -> Sequence[Found]:
        memory = self._memories.get(picture.stream_id)
        # A clock that was set back by days would have the lessons of years come first.
        if memory is None or memory.usual.shape != picture.pixels.shape or picture.at_us < memory.latest_us:
            usual = Usual(picture.pixels, picture.at_us)
            self._memories[picture.stream_id] = _Memory(usual, picture.at_us, picture.at_us)
            return ()
        difference = memory.usual.compare(picture.pixels, picture.at_us)
        cells = cells_of(difference.flags)
        elapsed_us, memory.latest_us = max(0, picture.at_us - memory.latest_us), picture.at_us
        before, memory.groups = memory.groups, ()
        memory.pictures += 1
        if float(cells.mean()) > _MOST_OF_PICTURE:
            memory.usual.take_over(difference, picture.at_us)
            return ()
        memory.usual.learn(difference, picture.at_us)
        groups = memory.groups = groups_of(cells, difference)
        if follows := elapsed_us <= _CLOSE_US:
            memory.clutter.learn([group for group in groups if not _near(group, before)], elapsed_us / 1e6)
        else:
            memory.clutter.learn(groups, elapsed_us / 1e6)
        if not memory.is_warm(picture.at_us):
            return ()
        mask = self._mask(picture.stream_id, cells.shape)
        if mask is not None:
            groups = groups_of(cells & mask, difference)
        groups = groups[:_MOST_GROUPS]
        return [_found(group, memory.clutter) for group in (_seen_twice(groups, before) if follows else groups)]

    def _mask(self, stream_id: int, shape: tuple[int, ...]) -> Flags | None:
        zones = self._zones_of(stream_id)
        rows, columns = shape
        known = self._masks.get(stream_id)
        if known is None or known[0] is not zones or known[1] != (rows, columns):
            known = self._masks[stream_id] = (zones, (rows, columns), _mask_of(zones, rows, columns))
        return known[2]


def _found(group: Group, clutter: Clutter) -> Found:
    half = max(_HALF_MASS, clutter.reach)
    return Found(MOTION, group.mass / (group.mass + half), group.box)


def _seen_twice(groups: Sequence[Group], before: Sequence[Group]) -> list[Group]:
    """Return what was there in the picture before, too, with the lower mass of both."""
    return [
        replace(group, mass=min(group.mass, max(other.mass for other in others)))
        for group in groups
        if (others := _near(group, before))
    ]


def _near(group: Group, before: Sequence[Group]) -> list[Group]:
    box = group.box
    left, right, top, bottom = box.x - _STEP, box.x + box.width + _STEP, box.y - _STEP, box.y + box.height + _STEP
    return [
        other
        for other in before
        if left < other.box.x + other.box.width
        and other.box.x < right
        and top < other.box.y + other.box.height
        and other.box.y < bottom
    ]


def _mask_of(zones: Sequence[Zone], rows: int, columns: int) -> Flags | None:
    """Return the cells whose centre is in a zone that counts motion; None when there is no zone."""
    enabled = [zone for zone in zones if zone.enabled]
    if not enabled:
        return None
    counting = [zone for zone in enabled if not zone.filter_classes or MOTION in labels_listed(zone.filter_classes)]
    return np.array(
        [
            [
                any(contains(zone.polygon, (column + 0.5) / columns, (row + 0.5) / rows) for zone in counting)
                for column in range(columns)
            ]
            for row in range(rows)
        ],
        bool,
    )
