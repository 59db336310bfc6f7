"""Making one `moof` with its `mdat` (ISO/IEC 14496-12 section 8.8)."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lightnvr.media.mp4.sample_columns import Int64s

_BOX = struct.Struct(">I4s")
_MFHD = struct.Struct(">I4sI4sII")
_TRAF = struct.Struct(">I4sI4sIII4sIQI4sIII")
_TFDT_AT = 8 + 16 + 12
"""Where a `traf` keeps its decode time, in bytes from its start."""

_SAMPLE = struct.Struct(">IIIi")
_DEFAULT_BASE_IS_MOOF = 0x020000
_TRUN_FLAGS = 0x01000F01
"""Version 1 (offsets are signed): data offset; duration, size, flags and composition offset of each sample."""

_SYNC = 0x02000000
_NOT_SYNC = 0x01010000

_DECODE_TIME = struct.Struct(">Q")
_DURATION = struct.Struct(">I")
_OFFSET = struct.Struct(">i")


class Sample(NamedTuple):
    """One sample; times in the time scale of its track."""

    content: bytes
    duration: int
    composition_offset: int
    is_sync: bool


@dataclass(frozen=True, slots=True)
class Run:
    """Samples of one track that follow each other, from `decode_time` on, in the track's time scale."""

    track_id: int
    decode_time: int
    samples: Sequence[Sample]

    @property
    def end(self) -> int:
        """When the last sample ends."""
        return self.decode_time + sum(sample.duration for sample in self.samples)


def fragment_size(runs: "Int64s", samples: "Int64s") -> "Int64s":
    """Return how many bytes fragments take besides their media, of their numbers of runs and of samples."""
    return _MFHD.size + _TRAF.size * runs + _SAMPLE.size * samples + _BOX.size


class MovieFragment:
    """A `moof` with its `mdat`, of which each viewer gets a copy with decode times of its own."""

    __slots__ = ("_head", "_media", "runs")

    def __init__(self, sequence_number: int, runs: Sequence[Run]) -> None:
        self.runs = tuple(runs)
        moof_bytes = _MFHD.size + sum(_TRAF.size + _SAMPLE.size * len(run.samples) for run in runs)
        parts = [_MFHD.pack(moof_bytes, b"moof", 16, b"mfhd", 0, sequence_number & 0xFFFFFFFF)]
        self._media = [sample.content for run in runs for sample in run.samples]
        media_at = moof_bytes + 8
        for run in runs:
            parts.append(_traf(run, media_at))
            media_at += sum(len(sample.content) for sample in run.samples)
        parts.append(_BOX.pack(media_at - moof_bytes, b"mdat"))
        self._head = b"".join(parts)

    def content(self, decode_times: Sequence[int], stretches: Sequence[int] = ()) -> bytes:
        """Return the bytes, with these decode times of the runs instead of their own.

        `stretches` makes the first sample of each run so much longer; it is shown when it would have been shown anyway.
        """
        head = bytearray(self._head)
        at = _MFHD.size
        for index, run in enumerate(self.runs):
            _DECODE_TIME.pack_into(head, at + _TFDT_AT, decode_times[index])
            if stretches and stretches[index]:
                first, sample = at + _TRAF.size, run.samples[0]
                _DURATION.pack_into(head, first, sample.duration + stretches[index])
                _OFFSET.pack_into(head, first + 12, sample.composition_offset + stretches[index])
            at += _TRAF.size + _SAMPLE.size * len(run.samples)
        return b"".join((head, *self._media))


def _traf(run: Run, media_at: int) -> bytes:
    samples_bytes = _SAMPLE.size * len(run.samples)
    head = _TRAF.pack(
        _TRAF.size + samples_bytes, b"traf",
        16, b"tfhd", _DEFAULT_BASE_IS_MOOF, run.track_id,
        20, b"tfdt", 1 << 24, 0,
        20 + samples_bytes, b"trun", _TRUN_FLAGS, len(run.samples), media_at,
    )  # fmt: skip
    return head + b"".join(
        _SAMPLE.pack(
            sample.duration, len(sample.content), _SYNC if sample.is_sync else _NOT_SYNC, sample.composition_offset
        )
        for sample in run.samples
    )
