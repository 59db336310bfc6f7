"""What a movie fragment says of its samples (ISO/IEC 14496-12 section 8.8)."""

import struct
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from lightnvr.media.mp4.boxes import Box, MalformedBox, children, first

_NOT_SYNC = 0x00010000
_MOST_SAMPLES = 1 << 20
"""No fragment has so many samples; a run whose samples are all alike may claim any number at no cost to itself."""

_U32 = struct.Struct(">I")
_U64 = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class TrackRun:
    """The samples of one track in one fragment, in decoding order.

    Times are in the track's time scale. `data_offset` is the place of the first sample, in bytes from the start of the
    `moof`. `durations`, `sizes` and `composition_offsets` have one member a sample.
    """

    track_id: int
    decode_time: int
    data_offset: int
    durations: Sequence[int]
    sizes: Sequence[int]
    composition_offsets: Sequence[int]
    sync_samples: Sequence[int]
    """Indexes of the samples that need no other to be decoded."""

    @property
    def duration(self) -> int:
        """Sum of the durations, in the track's time scale."""
        return sum(self.durations)


@dataclass(frozen=True, slots=True)
class _Defaults:
    track_id: int
    duration: int
    size: int
    flags: int


def parse_moof(moof: bytes | memoryview) -> list[TrackRun]:
    """Read the runs of a `moof` box (its header included). Raises MalformedBox."""
    runs: list[TrackRun] = []
    try:
        for child in children(moof, 8, len(moof)):
            if child.type == b"traf":
                runs.extend(_parse_traf(moof, child))
    except (struct.error, IndexError) as error:
        raise MalformedBox(f"moof: {error}") from error
    return runs


def _parse_traf(moof: bytes | memoryview, traf: Box) -> list[TrackRun]:
    defaults = _parse_tfhd(moof, first(moof, traf, b"tfhd"))
    tfdt = first(moof, traf, b"tfdt")
    decode_time: int = (_U64 if moof[tfdt.payload] == 1 else _U32).unpack_from(moof, tfdt.payload + 4)[0]
    runs: list[TrackRun] = []
    for child in children(moof, traf.payload, traf.end):
        if child.type == b"trun":
            run = _parse_trun(moof, child, defaults, decode_time)
            decode_time += run.duration
            runs.append(run)
    return runs


def _parse_tfhd(moof: bytes | memoryview, tfhd: Box) -> _Defaults:
    flags, track_id = struct.unpack_from(">II", moof, tfhd.payload)
    at = tfhd.payload + 8
    if flags & 0x01:
        raise MalformedBox("the fragment counts from the start of the file, so it cannot be moved")
    at += 4 if flags & 0x02 else 0
    values = [0, 0, 0]
    for index, flag in enumerate((0x08, 0x10, 0x20)):
        if flags & flag:
            values[index] = _U32.unpack_from(moof, at)[0]
            at += 4
    return _Defaults(track_id, *values)


def _parse_trun(moof: bytes | memoryview, trun: Box, defaults: _Defaults, decode_time: int) -> TrackRun:
    version_flags, count = struct.unpack_from(">II", moof, trun.payload)
    flags, at = version_flags & 0xFFFFFF, trun.payload + 8
    data_offset = 0
    if flags & 0x001:
        data_offset = struct.unpack_from(">i", moof, at)[0]
        at += 4
    first_flags: int | None = None
    if flags & 0x004:
        first_flags = _U32.unpack_from(moof, at)[0]
        at += 4
    columns = [flag for flag in (0x100, 0x200, 0x400, 0x800) if flags & flag]
    width = len(columns)
    end = at + 4 * width * count
    if end > trun.end or count > _MOST_SAMPLES:
        raise MalformedBox("a run holds fewer samples than it claims")
    table = array("I", bytes(moof[at:end]))
    if sys.byteorder == "little":
        table.byteswap()

    def column(flag: int, default: int) -> "array[int]":
        return table[columns.index(flag) :: width] if flag in columns else array("I", (default,)) * count

    sample_flags = column(0x400, defaults.flags)
    if first_flags is not None and count:
        sample_flags[0] = first_flags
    composition: Sequence[int] = column(0x800, 0)
    if version_flags >> 24 == 1:
        composition = array("i", array("I", composition).tobytes())
    return TrackRun(
        track_id=defaults.track_id,
        decode_time=decode_time,
        data_offset=data_offset,
        durations=column(0x100, defaults.duration),
        sizes=column(0x200, defaults.size),
        composition_offsets=composition,
        sync_samples=[index for index, value in enumerate(sample_flags) if not value & _NOT_SYNC],
    )
