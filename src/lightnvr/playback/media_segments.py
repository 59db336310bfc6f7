"""Cutting a recording into the media segments of a playlist, without touching the file."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightnvr.media.late import LateModule
from lightnvr.recording.fragment_table import FragmentTable, Int64s

if TYPE_CHECKING:
    import numpy as np
else:
    np = LateModule("numpy")

TARGET_US = 6_000_000


@dataclass(frozen=True, slots=True)
class MediaSegments:
    """Byte ranges of one file that each begin with a keyframe. Times are microseconds from the media's beginning."""

    offsets: Int64s
    sizes: Int64s
    starts_us: Int64s
    durations_us: Int64s

    def __len__(self) -> int:
        return len(self.offsets)

    def part(self, first: int, last: int) -> "MediaSegments":
        """Return the segments from index `first` up to but without `last`."""
        here = slice(first, last)
        return MediaSegments(self.offsets[here], self.sizes[here], self.starts_us[here], self.durations_us[here])

    def between(self, from_us: int, to_us: int) -> "MediaSegments":
        """Return those that show anything between two moments, the one with the keyframe before `from_us` first."""
        first = int(np.searchsorted(self.starts_us + self.durations_us, from_us, side="right"))
        last = int(np.searchsorted(self.starts_us, to_us, side="left"))
        return self.part(first, max(first, last))


def media_segments(table: FragmentTable, *, is_whole: bool, target_us: int = TARGET_US) -> MediaSegments:
    """Cut at the first keyframe of every `target_us` microseconds.

    The cuts depend on nothing that comes later, so the playlist of a recording that grows only ever gets longer. Unless
    the recording `is_whole`, its last segment is left out, for it may still grow.
    """
    keys = np.flatnonzero(table.keyframes)
    buckets = table.starts_us[keys] // target_us
    cuts = keys[np.concatenate(([True], buckets[1:] != buckets[:-1]))] if len(keys) else keys
    return _segments(table, cuts, is_whole=is_whole)


def keyframe_segments(table: FragmentTable, *, is_whole: bool) -> MediaSegments:
    """Return one segment for each keyframe: the fragment that begins with it, lasting until the next keyframe."""
    keys = np.flatnonzero(table.keyframes)
    whole = _segments(table, keys, is_whole=is_whole)
    return MediaSegments(whole.offsets, table.sizes[keys[: len(whole)]], whole.starts_us, whole.durations_us)


def _segments(table: FragmentTable, cuts: Int64s, *, is_whole: bool) -> MediaSegments:
    if not len(cuts):
        nothing = np.zeros(0, np.int64)
        return MediaSegments(nothing, nothing, nothing, nothing)
    ends = np.append(cuts[1:], len(table))
    offsets = table.offsets[cuts]
    sizes = table.offsets[ends - 1] + table.sizes[ends - 1] - offsets
    starts = table.starts_us[cuts]
    durations = np.append(starts[1:], table.end_us) - starts
    count = len(cuts) if is_whole else len(cuts) - 1
    return MediaSegments(offsets, sizes, starts, durations).part(0, count)
