"""Where each fragment of a recording lies, and which moment it shows."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from lightnvr.media.mp4.init_segment import InitSegment
from lightnvr.media.mp4.track_runs import TrackRun

INDEX_VERSION = 1
MADE_INDEX_VERSION = 2
"""Of a file of another program: its fragments are not in it, but are made while they are read."""


class IndexedFragment(NamedTuple):
    """One fragment: place and size in bytes of the file, start from the beginning of the media in microseconds."""

    offset: int
    size: int
    start_us: int
    duration_us: int
    keyframe: bool


class UnknownIndexVersion(ValueError):
    """The packed index was written by a later version."""


class FragmentIndex:
    """The fragments of one file, in order. Takes 25 bytes of memory a fragment, about 8 when packed."""

    def __init__(self) -> None:
        self._offsets = array("Q")
        self._sizes = array("I")
        self._starts = array("Q")
        self._durations = array("I")
        self._keyframes = array("B")

    def __len__(self) -> int:
        return len(self._keyframes)

    def __iter__(self) -> Iterator[IndexedFragment]:
        # Not strict: another thread may be in the middle of `append`, which fills the keyframes last.
        for offset, size, start, duration, key in zip(
            self._offsets, self._sizes, self._starts, self._durations, self._keyframes, strict=False
        ):
            yield IndexedFragment(offset, size, start, duration, bool(key))

    @property
    def last(self) -> IndexedFragment | None:
        """The fragment that was appended last, None when there is none."""
        if not self._keyframes:
            return None
        return IndexedFragment(
            self._offsets[-1], self._sizes[-1], self._starts[-1], self._durations[-1], bool(self._keyframes[-1])
        )

    def append(self, fragment: IndexedFragment) -> None:
        """Add a fragment that follows the others."""
        self._offsets.append(fragment.offset)
        self._sizes.append(fragment.size)
        self._starts.append(fragment.start_us)
        self._durations.append(fragment.duration_us)
        self._keyframes.append(fragment.keyframe)

    def pack(self) -> bytes:
        """Return one value for the database: a version, then four variable-length integers a fragment.

        They are the bytes between the last fragment's end and this one's start, its size, the microseconds between the
        last one's end and this one's start (zigzag), and its duration times two plus its keyframe flag.
        """
        packed = bytearray((INDEX_VERSION,))
        end = end_us = 0
        for fragment in list(self):
            _put(packed, fragment.offset - end)
            _put(packed, fragment.size)
            gap = fragment.start_us - end_us
            _put(packed, gap << 1 if gap >= 0 else (-gap << 1) - 1)
            _put(packed, fragment.duration_us << 1 | fragment.keyframe)
            end = fragment.offset + fragment.size
            end_us = fragment.start_us + fragment.duration_us
        return bytes(packed)

    @classmethod
    def unpack(cls, packed: bytes) -> "FragmentIndex":
        """Read a packed index. Raises UnknownIndexVersion, and IndexError when it is cut off."""
        index = cls()
        if not packed:
            return index
        if packed[0] != INDEX_VERSION:
            raise UnknownIndexVersion(f"fragment index version {packed[0]}")
        at, end, end_us = 1, 0, 0
        while at < len(packed):
            gap, at = _get(packed, at)
            size, at = _get(packed, at)
            zigzag, at = _get(packed, at)
            flagged, at = _get(packed, at)
            start_us = end_us + (zigzag >> 1 if not zigzag & 1 else -(zigzag + 1 >> 1))
            fragment = IndexedFragment(end + gap, size, start_us, flagged >> 1, bool(flagged & 1))
            index.append(fragment)
            end, end_us = fragment.offset + size, start_us + fragment.duration_us
        return index


@dataclass(frozen=True, slots=True)
class FragmentTimes:
    """When a fragment is shown: microseconds from the beginning of the media."""

    start_us: int
    duration_us: int
    end_us: int
    """The latest end of any of its tracks."""
    keyframe: bool


def fragment_times(init: InitSegment, runs: tuple[TrackRun, ...]) -> FragmentTimes:
    """Return when a fragment is shown. The video decides where there is any."""
    timescales = {track.track_id: track.timescale for track in init.tracks}
    video = {track.track_id for track in init.tracks if track.handler == b"vide"}
    shown = next((run for run in runs if run.track_id in video), runs[0])

    def us(ticks: int, run: TrackRun) -> int:
        return ticks * 1_000_000 // timescales[run.track_id]

    start_us = us(shown.decode_time, shown)
    return FragmentTimes(
        start_us=start_us,
        duration_us=us(shown.decode_time + shown.duration, shown) - start_us,
        end_us=max(us(run.decode_time + run.duration, run) for run in runs),
        keyframe=shown.track_id in video and 0 in shown.sync_samples,
    )


def _put(packed: bytearray, value: int) -> None:
    while value > 0x7F:
        packed.append(value & 0x7F | 0x80)
        value >>= 7
    packed.append(value)


def _get(packed: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = packed[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
