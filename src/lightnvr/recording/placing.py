"""Where recordings that are being written come in a sorted list of the finished ones."""

from collections.abc import Sequence
from heapq import merge
from itertools import islice

Key = tuple[bytes, int, int]
"""What decides the place of a recording: its stream in a list by stream, its value in the others, its id."""


def finished_of(offset: int, limit: int, *, opened: int, finished: int) -> tuple[int, int]:
    """Return from which place on, and how many finished recordings are needed for a page of all.

    Between none and all of the open ones come before the page, so that many finished ones more may belong to it.
    """
    first = max(0, offset - opened)
    # No more than there are: a walk over an index would look for the missing ones to its end.
    return first, min(limit + opened, finished - first)


def with_open(
    walked: Sequence[Key], opened: Sequence[Key], first: int, offset: int, limit: int, *, descending: bool
) -> list[Key]:
    """Return a page: of the finished ones from the place `first` on, and all open ones, both sorted already."""
    before = [key for key in opened if first and (key > walked[0]) == descending] if walked else []
    skipped = offset - first - len(before)
    return list(islice(merge(walked, opened[len(before) :], reverse=descending), skipped, skipped + limit))
