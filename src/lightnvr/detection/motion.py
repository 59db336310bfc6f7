"""Built-in motion: what is not as usual in a picture, and was not so a moment ago.

Light is taken out first (`surroundings`), so that neither switches nor clouds are motion. What is usual is learned for
each pixel: a mean, and how far it strays, which branches and noise at night do more than walls.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightnvr.detection.detector import Found, Picture
from lightnvr.detection.sieve import MOTION, contains
from lightnvr.detection.surroundings import Floats, neighbours, relief, spread_out
from lightnvr.detection.zones import Zone
from lightnvr.recording.detection import Box

Flags = NDArray[np.bool_]
Counts = NDArray[np.int32]

_REACH = 7
_CALM = 10.0
_CELL = 8
_LEAST_CHANGE = 0.5
_STRAYS = 4.0
_NEW_SPREAD = 0.2
_LEAST_NEIGHBOURS = 5
_LEAST_IN_CELL = 3
_MOST_OF_PICTURE = 0.4
_LEARN_S = 20.0
_RELEARN_S = 90.0
_EARLIER_US = 900_000
_WARM_UP_US = 3_000_000
_WARM_UP_PICTURES = 3
_HALF_MASS = 8.0
_MOST_GROUPS = 20


@dataclass(slots=True)
class _Memory:
    """What is known of a stream. Arrays have the shape of its pictures; times are microseconds since 1970 UTC."""

    usual: Floats
    strays: Floats
    earlier: Floats
    earlier_us: int
    latest: Floats
    latest_us: int
    began_us: int
    pictures: int = 1


class MotionDetector:
    """Finds what moves, in luma. Implements `Detector`: a memory by stream.

    The score of a group of changed cells says how much of it there is: 0.5 is the least that is worth telling of by
    day, somebody small far away; someone near has more than 0.9.
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

    def close(self) -> None:
        """See Detector."""
        self._memories.clear()
        self._masks.clear()

    def _look(self, picture: Picture) -> Sequence[Found]:
        shape = relief(picture.pixels, _REACH, _CALM)
        memory = self._memories.get(picture.stream_id)
        if memory is None or memory.usual.shape != shape.shape:
            self._memories[picture.stream_id] = _begin(shape, picture.at_us)
            return ()
        changed, excess = _changed(memory, shape)
        cells = _cells(changed)
        too_much = float((cells > 0).mean()) > _MOST_OF_PICTURE
        if too_much:
            # A light, the change to infrared, or a camera that was turned: what is usual is another thing now.
            memory.usual[:] = shape
            memory.earlier[:] = shape
        _learn(memory, shape, changed, picture.at_us)
        memory.pictures += 1
        if too_much or memory.pictures <= _WARM_UP_PICTURES or picture.at_us - memory.began_us < _WARM_UP_US:
            return ()
        mask = self._mask(picture.stream_id, cells.shape)
        active = cells >= max(_LEAST_IN_CELL, _clutter(cells))
        if mask is not None:
            active &= mask
        return _found(active, changed, excess)

    def _mask(self, stream_id: int, shape: tuple[int, int]) -> Flags | None:
        zones = self._zones_of(stream_id)
        known = self._masks.get(stream_id)
        if known is None or known[0] is not zones or known[1] != shape:
            known = self._masks[stream_id] = (zones, shape, _mask_of(zones, shape))
        return known[2]


def _begin(shape: Floats, at_us: int) -> _Memory:
    # What varies in place may sway too, until it is known.
    strays = spread_out(np.abs(shape)) * np.float32(0.15) + np.float32(_NEW_SPREAD)
    return _Memory(shape, strays, shape.copy(), at_us, shape, at_us, at_us)


def _changed(memory: _Memory, shape: Floats) -> tuple[Flags, Floats]:
    """Return which pixels are not as usual and were not so a moment ago, and by how many times of what is usual."""
    limit = spread_out(memory.strays)
    limit *= _STRAYS
    np.maximum(limit, _LEAST_CHANGE, out=limit)
    excess = np.abs(shape - memory.usual)
    excess /= limit
    moved = np.abs(shape - memory.earlier)
    moved /= limit
    np.minimum(excess, moved * np.float32(1.4), out=excess)
    flags = excess > 1
    flags &= neighbours(flags) >= _LEAST_NEIGHBOURS
    return flags, excess


def _cells(flags: Flags) -> Counts:
    """Return how many pixels of each cell are set; cells at the right and lower edge may be cut off."""
    height, width = flags.shape
    rows, columns = -(-height // _CELL), -(-width // _CELL)
    whole = np.zeros((rows * _CELL, columns * _CELL), np.uint8)
    whole[:height, :width] = flags
    counts: Counts = whole.reshape(rows, _CELL, columns, _CELL).sum(axis=(1, 3), dtype=np.int32)
    return counts


def _clutter(cells: Counts) -> float:
    """Return how many pixels a cell must have so that it is not the rain, which is everywhere."""
    usual = float(np.sort(cells, axis=None)[: int(cells.size * 0.8)].mean())
    return usual + 4 * math.sqrt(usual)


def _learn(memory: _Memory, shape: Floats, changed: Flags, at_us: int) -> None:
    elapsed_s = min(10.0, max(0.0, (at_us - memory.latest_us) / 1e6))
    rate = np.float32(1 - math.exp(-elapsed_s / _LEARN_S))
    slow = np.float32(1 - math.exp(-elapsed_s / _RELEARN_S))
    rates = np.where(changed, slow, rate)
    difference = shape - memory.usual
    memory.usual = memory.usual + difference * rates
    memory.strays = memory.strays + (np.abs(difference) - memory.strays) * rates
    memory.latest, memory.latest_us = shape, at_us
    if at_us - memory.earlier_us >= _EARLIER_US:
        memory.earlier, memory.earlier_us = shape, at_us


def _found(active: Flags, changed: Flags, excess: Floats) -> list[Found]:
    height, width = changed.shape
    found: list[Found] = []
    for group in _groups(active):
        tops, lefts = [row * _CELL for row, _ in group], [column * _CELL for _, column in group]
        mass, top, left, bottom, right = 0.0, height, width, 0, 0
        for row, column in zip(tops, lefts, strict=True):
            part = changed[row : row + _CELL, column : column + _CELL]
            ys, xs = np.nonzero(part)
            mass += float(np.minimum(excess[row : row + _CELL, column : column + _CELL][part], 3).sum())
            top, bottom = min(top, row + int(ys.min())), max(bottom, row + int(ys.max()) + 1)
            left, right = min(left, column + int(xs.min())), max(right, column + int(xs.max()) + 1)
        box = Box(left / width, top / height, (right - left) / width, (bottom - top) / height)
        found.append(Found(MOTION, mass / (mass + _HALF_MASS), box))
    return sorted(found, key=lambda item: -item.score)[:_MOST_GROUPS]


def _groups(active: Flags) -> Iterator[list[tuple[int, int]]]:
    """Yield the cells of each group, row and column: those that touch by an edge belong together."""
    left = {(int(row), int(column)) for row, column in np.argwhere(active)}
    while left:
        waiting = [left.pop()]
        group: list[tuple[int, int]] = []
        while waiting:
            row, column = waiting.pop()
            group.append((row, column))
            for other in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if other in left:
                    left.remove(other)
                    waiting.append(other)
        yield group


def _mask_of(zones: Sequence[Zone], shape: tuple[int, int]) -> Flags | None:
    """Return the cells whose centre is in a zone that counts motion; None when there is no zone."""
    enabled = [zone for zone in zones if zone.enabled]
    if not enabled:
        return None
    counting = [zone for zone in enabled if not zone.filter_classes or MOTION in _labels(zone.filter_classes)]
    rows, columns = shape
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


def _labels(listed: str) -> set[str]:
    return {part.strip() for part in listed.split(",")}
