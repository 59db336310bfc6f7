"""Fragments of an ordinary MP4 that are nowhere on the disk: they are made while they are read."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightnvr.media.late import LateModule
from lightnvr.media.mp4.movie_fragment import MovieFragment, Run, Sample, fragment_size
from lightnvr.media.mp4.plain_movie import PlainMovie
from lightnvr.media.mp4.sample_columns import Bools, Int64s, SampleColumns

if TYPE_CHECKING:
    import numpy as np
else:
    np = LateModule("numpy")

_MOST_WASTE = 2
"""What lies between the samples of a fragment is read too, as long as it is no more than the samples."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """Which samples of a track each fragment has: from `bounds[n]` up to `bounds[n + 1]`."""

    columns: SampleColumns
    bounds: Int64s
    durations: Int64s

    @property
    def counts(self) -> Int64s:
        return np.diff(self.bounds)

    @property
    def media_sizes(self) -> Int64s:
        ends = np.concatenate(([0], np.cumsum(self.columns.sizes)))
        return np.diff(ends[self.bounds])


class MadeFragments:
    """One fragment for each keyframe of a movie. Their sizes are known before any of them is made.

    `sizes` are in bytes, `starts_us` and `durations_us` microseconds from the beginning of the media.
    """

    def __init__(self, movie: PlainMovie) -> None:
        video = movie.video
        keys = np.flatnonzero(video.syncs)
        first = keys if len(keys) and not keys[0] else np.concatenate((np.zeros(1, np.int64), keys))
        self.keyframes: Bools = video.syncs[first]
        self._parts = [_Parts(video, np.append(first, len(video)), _durations(video))]
        begins = video.decode_times[first]
        if movie.audio is not None:
            audio, own, of_video = movie.audio, movie.audio.header.timescale, video.header.timescale
            inner = np.searchsorted(audio.decode_times, begins[1:] * own // of_video, side="left")
            self._parts.append(_Parts(audio, np.concatenate(([0], inner, [len(audio)])), _durations(audio)))
        scale = video.header.timescale
        self.starts_us: Int64s = begins * 1_000_000 // scale
        self.durations_us: Int64s = np.diff(np.append(self.starts_us, video.end * 1_000_000 // scale))
        samples = sum((part.counts for part in self._parts), np.zeros(len(first), np.int64))
        runs = sum(((part.counts > 0).astype(np.int64) for part in self._parts), np.zeros(len(first), np.int64))
        media = sum((part.media_sizes for part in self._parts), np.zeros(len(first), np.int64))
        self.sizes: Int64s = fragment_size(runs, samples) + media

    def __len__(self) -> int:
        return len(self.sizes)

    def make(self, descriptor: int, number: int) -> bytes:
        """Return a fragment, of which `sizes` says how long it is. Blocks. Raises OSError."""
        runs = [_run(descriptor, part, number) for part in self._parts if part.counts[number]]
        return MovieFragment(number + 1, runs).content([run.decode_time for run in runs])


def _durations(columns: SampleColumns) -> Int64s:
    return np.maximum(np.diff(np.append(columns.decode_times, columns.end)), 0)


def _run(descriptor: int, part: _Parts, number: int) -> Run:
    here = slice(int(part.bounds[number]), int(part.bounds[number + 1]))
    columns = part.columns
    contents = _contents(descriptor, columns.offsets[here], columns.sizes[here])
    rows = zip(
        contents,
        part.durations[here].tolist(),
        columns.composition_offsets[here].tolist(),
        columns.syncs[here].tolist(),
        strict=True,
    )
    return Run(columns.header.track_id, int(columns.decode_times[here.start]), [Sample(*row) for row in rows])


def _contents(descriptor: int, offsets: Int64s, sizes: Int64s) -> list[bytes]:
    begin, end = int(offsets.min()), int((offsets + sizes).max())
    places = zip(offsets.tolist(), sizes.tolist(), strict=True)
    if end - begin <= _MOST_WASTE * int(sizes.sum()) + 4096:
        whole = _exactly(descriptor, begin, end - begin)
        return [whole[at - begin : at - begin + size] for at, size in places]
    return [_exactly(descriptor, at, size) for at, size in places]


def _exactly(descriptor: int, at: int, size: int) -> bytes:
    content = os.pread(descriptor, size, at)
    if len(content) < size:
        raise OSError(f"the file ends at byte {at + len(content)}, where its index promises media")
    return content
