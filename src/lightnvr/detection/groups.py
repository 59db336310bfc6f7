"""Pixels that differ become groups: one for each thing that moves, as far as they can be told apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightnvr.detection.usual import Difference, Flags
from lightnvr.recording.detection import Box

CELL = 8
"""Height and width of the cells, in pixels, by which pixels are grouped: cells that touch by an edge are one group."""

LEAST_IN_CELL = 3
"""How many pixels of a cell must differ; fewer are the edge of something else, or nothing."""

MOST_EXCESS = 3.0
"""More than this a pixel does not count, however clearly it differs."""

_Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Group:
    """Where it is, in fractions of the picture, and its mass: how many pixels differ, each by how clearly it does."""

    box: Box
    mass: float


def cells_of(flags: Flags) -> Flags:
    """Return which cells have a pixel that is set; those at the right and lower edge may be cut off."""
    height, width = flags.shape
    rows, columns = -(-height // CELL), -(-width // CELL)
    whole = np.zeros((rows * CELL, columns * CELL), np.uint8)
    whole[:height, :width] = flags
    cells: Flags = np.add.reduce(whole.reshape(rows, CELL, columns, CELL), axis=(1, 3)) >= LEAST_IN_CELL
    return cells


def groups_of(cells: Flags, difference: Difference) -> list[Group]:
    """Return the groups of the cells that are set, the greatest first."""
    groups = [_measured(members, difference) for members in _touching(cells)]
    return sorted(groups, key=lambda group: -group.mass)


def _measured(cells: Sequence[_Cell], difference: Difference) -> Group:
    height, width = difference.flags.shape
    mass, top, left, bottom, right = 0.0, height, width, 0, 0
    for row, column in cells:
        down, across = row * CELL, column * CELL
        flags = difference.flags[down : down + CELL, across : across + CELL]
        ys, xs = np.nonzero(flags)
        mass += float(
            np.minimum(difference.excess[down : down + CELL, across : across + CELL][flags], MOST_EXCESS).sum()
        )
        top, bottom = min(top, down + int(ys[0])), max(bottom, down + int(ys[-1]) + 1)
        left, right = min(left, across + int(xs.min())), max(right, across + int(xs.max()) + 1)
    return Group(Box(left / width, top / height, (right - left) / width, (bottom - top) / height), mass)


def _touching(cells: NDArray[np.bool_]) -> Iterator[list[_Cell]]:
    """Yield the cells of each group, row and column."""
    left = {(int(row), int(column)) for row, column in np.argwhere(cells)}
    while left:
        waiting = [left.pop()]
        group: list[_Cell] = []
        while waiting:
            row, column = waiting.pop()
            group.append((row, column))
            for other in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if other in left:
                    left.remove(other)
                    waiting.append(other)
        yield group
