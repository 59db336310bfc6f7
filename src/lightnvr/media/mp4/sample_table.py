"""The sample table of a movie, gathered fragment by fragment (ISO/IEC 14496-12 section 8.6 and 8.7)."""

import struct
import sys
from array import array
from collections.abc import Iterable, Sequence

from lightnvr.media.mp4.boxes import full_box
from lightnvr.media.mp4.track_runs import TrackRun


class RunLengths:
    """Pairs of (how many, value), the form that `stts` and `ctts` have on disk."""

    __slots__ = ("counts", "values")

    def __init__(self) -> None:
        self.counts = array("I")
        self.values = array("q")

    def extend(self, values: Sequence[int]) -> None:
        """Add one value for each of some samples."""
        if not values:
            return
        # Fragments mostly hold equal values; comparing them all at once is in C.
        if values[0] == values[-1] and min(values) == max(values):
            self.add(len(values), values[0])
            return
        for value in values:
            self.add(1, value)

    def add(self, count: int, value: int) -> None:
        """Add `count` samples that have this value."""
        if self.counts and self.values[-1] == value:
            self.counts[-1] += count
        else:
            self.counts.append(count)
            self.values.append(value)

    def replace_last(self, value: int) -> None:
        """Give the last sample another value."""
        if self.values[-1] == value:
            return
        self.counts[-1] -= 1
        if not self.counts[-1]:
            self.counts.pop()
            self.values.pop()
        self.add(1, value)

    def pack(self, value_format: str) -> bytes:
        """Return the entries in big-endian, preceded by their number."""
        entry = struct.Struct(f">I{value_format}")
        pairs = zip(self.counts, self.values, strict=True)
        return struct.pack(">I", len(self.counts)) + b"".join(entry.pack(*pair) for pair in pairs)


class TrackSamples:
    """Sizes, times and places of the samples of one track. About 4 bytes of memory a sample."""

    def __init__(self, track_id: int, timescale: int, *, video: bool) -> None:
        self.track_id = track_id
        self.timescale = timescale
        self.first_decode_time = 0
        self._video = video
        self._last_decode_time = 0
        self._last_duration = 0
        self._sizes = array("I")
        self._durations = RunLengths()
        self._composition = RunLengths()
        self._sync = array("I")
        self._chunk_offsets = array("Q")
        self._chunk_lengths = RunLengths()

    def __len__(self) -> int:
        return len(self._sizes)

    @property
    def duration(self) -> int:
        """From the first decoding time to the end of the last sample, in the track's time scale."""
        return self._last_decode_time + self._last_duration - self.first_decode_time if self._sizes else 0

    def append(self, run: TrackRun, moof_offset: int) -> None:
        """Add the samples of a run whose `moof` begins at this offset of the file, in bytes."""
        if not run.sizes:
            return
        if self._sizes:
            # A muxer can only guess the last duration of a fragment; the next fragment tells what it really was.
            self._durations.replace_last(max(0, run.decode_time - self._last_decode_time))
        else:
            self.first_decode_time = run.decode_time
        already = len(self._sizes)
        self._sync.extend(index + already + 1 for index in run.sync_samples)
        self._sizes.extend(run.sizes)
        self._durations.extend(run.durations)
        self._composition.extend(run.composition_offsets)
        self._chunk_offsets.append(moof_offset + run.data_offset)
        self._chunk_lengths.add(1, len(run.sizes))
        self._last_duration = run.durations[-1]
        self._last_decode_time = run.decode_time + run.duration - self._last_duration

    def boxes(self) -> bytes:
        """Return the boxes of the sample table other than `stsd`."""
        tables = [full_box(b"stts", 0, 0, self._durations.pack("I"))]
        if any(self._composition.values):
            tables.append(full_box(b"ctts", 1, 0, self._composition.pack("i")))
        if self._video and len(self._sync) < len(self._sizes):
            tables.append(full_box(b"stss", 0, 0, _count(self._sync), _big_endian(self._sync)))
        tables.append(full_box(b"stsc", 0, 0, self._pack_chunks()))
        tables.append(full_box(b"stsz", 0, 0, struct.pack(">I", 0), _count(self._sizes), _big_endian(self._sizes)))
        tables.append(full_box(b"co64", 0, 0, _count(self._chunk_offsets), _big_endian(self._chunk_offsets)))
        return b"".join(tables)

    def _pack_chunks(self) -> bytes:
        entries, first_chunk = [], 1
        for count, samples in zip(self._chunk_lengths.counts, self._chunk_lengths.values, strict=True):
            entries.append(struct.pack(">III", first_chunk, samples, 1))
            first_chunk += count
        return struct.pack(">I", len(entries)) + b"".join(entries)


class SampleTable:
    """The sample tables of all tracks of one file."""

    def __init__(self, tracks: Iterable[TrackSamples]) -> None:
        self.tracks = {track.track_id: track for track in tracks}

    def append(self, runs: Iterable[TrackRun], moof_offset: int) -> None:
        """Add a fragment whose `moof` begins at this offset of the file, in bytes."""
        for run in runs:
            self.tracks[run.track_id].append(run, moof_offset)


def _count(values: "array[int]") -> bytes:
    return struct.pack(">I", len(values))


def _big_endian(values: "array[int]") -> bytes:
    if sys.byteorder == "big":
        return values.tobytes()
    swapped = values[:]
    swapped.byteswap()
    return swapped.tobytes()
