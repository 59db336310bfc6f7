"""A whole fragment index at once, as arrays: a day of one camera has some 170,000 fragments."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from lightnvr.media.late import LateModule
from lightnvr.recording.fragment_index import (
    INDEX_VERSION,
    MADE_INDEX_VERSION,
    IndexedFragment,
    UnknownIndexVersion,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = LateModule("numpy")

Int64s: TypeAlias = "npt.NDArray[np.int64]"
Bools: TypeAlias = "npt.NDArray[np.bool_]"


@dataclass(frozen=True, slots=True)
class FragmentTable:
    """The fragments of one file in order, one array element each.

    `offsets` and `sizes` are bytes of the file, `starts_us` and `durations_us` microseconds from the beginning of the
    media. All arrays have the same length. With `is_made` the fragments are not in the file: they are made of it, one
    after the other, and `offsets` are bytes of what would come out.
    """

    offsets: Int64s
    sizes: Int64s
    starts_us: Int64s
    durations_us: Int64s
    keyframes: Bools
    is_made: bool = False

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def end_us(self) -> int:
        """Where the media ends; 0 without fragments."""
        return int(self.starts_us[-1] + self.durations_us[-1]) if len(self) else 0

    @classmethod
    def of(cls, fragments: Iterable[IndexedFragment]) -> "FragmentTable":
        """Make a table of single fragments."""
        rows = np.array([tuple(fragment) for fragment in fragments], dtype=np.int64).reshape(-1, 5)
        return cls(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3], rows[:, 4].astype(np.bool_))

    @classmethod
    def unpack(cls, packed: bytes) -> "FragmentTable":
        """Read what FragmentIndex.pack wrote. Raises UnknownIndexVersion, and ValueError when it is cut off."""
        if packed and packed[0] not in (INDEX_VERSION, MADE_INDEX_VERSION):
            raise UnknownIndexVersion(f"fragment index version {packed[0]}")
        values = _variable_length_integers(np.frombuffer(packed, np.uint8)[1:])
        if len(values) % 4:
            raise ValueError("the fragment index is cut off")
        gaps, sizes, zigzag, flagged = values.reshape(-1, 4).T
        offsets = np.cumsum(gaps + sizes) - sizes
        durations = flagged >> 1
        between = np.where(zigzag & 1, -(zigzag + 1 >> 1), zigzag >> 1)
        starts = np.cumsum(between + durations) - durations
        is_made = packed[:1] == bytes((MADE_INDEX_VERSION,))
        return cls(offsets, np.ascontiguousarray(sizes), starts, durations, (flagged & 1).astype(np.bool_), is_made)


def _variable_length_integers(content: "npt.NDArray[np.uint8]") -> Int64s:
    if not len(content):
        return np.zeros(0, np.int64)
    ends = np.flatnonzero(content < 0x80)
    if not len(ends) or ends[-1] != len(content) - 1:
        raise ValueError("the fragment index is cut off")
    begins = np.concatenate(([0], ends[:-1] + 1))
    septets = content & 0x7F
    values = septets[begins].astype(np.int64)
    # A value has a few bytes at most, so one step for each place is less work than one for each byte.
    longer = np.flatnonzero(ends > begins)
    place = 1
    while len(longer):
        values[longer] |= septets[begins[longer] + place].astype(np.int64) << (7 * place)
        place += 1
        longer = longer[ends[longer] - begins[longer] >= place]
    return values
