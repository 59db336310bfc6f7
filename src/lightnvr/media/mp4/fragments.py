"""Making movie fragments (ISO/IEC 14496-12 section 8.8)."""

import struct
import sys
from array import array
from collections.abc import Sequence
from itertools import pairwise

from lightnvr.media.mp4.boxes import box, full_box
from lightnvr.media.mp4.samples import Payload
from lightnvr.media.mp4.track_runs import TrackRun

_SYNC = 0x02000000
_NOT_SYNC = 0x01010000
"""Sample flags: needs no other; needs others and is none to begin with (section 8.8.3.1)."""

_DATA_OFFSET, _FIRST_FLAGS, _DURATION, _SIZE, _COMPOSITION = 0x001, 0x004, 0x100, 0x200, 0x800
_BASE_IS_MOOF, _DEFAULT_FLAGS = 0x020000, 0x20


class PendingRun:
    """The samples of one track that are to be in the next fragment. Times are in the track's time scale."""

    def __init__(self, track_id: int) -> None:
        self.track_id = track_id
        self.begins_with_sync = False
        self.decode_times: list[int] = []
        self._composition_offsets = array("i")
        self._sizes = array("I")
        self._payload: list[Payload] = []

    def __len__(self) -> int:
        return len(self.decode_times)

    def add(self, decode_time: int, composition_offset: int, size: int, pieces: Sequence[Payload]) -> None:
        """Add a sample of `size` bytes that `pieces` make up."""
        self.decode_times.append(decode_time)
        self._composition_offsets.append(composition_offset)
        self._sizes.append(size)
        self._payload += pieces

    def take(self, last_duration: int, data_offset: int, *, video: bool) -> tuple[TrackRun, list[Payload]]:
        """Return the run with its bytes and begin the next. `data_offset` is as in TrackRun."""
        durations = array("I", (later - earlier for earlier, later in pairwise(self.decode_times)))
        durations.append(last_duration)
        sync: Sequence[int] = range(len(self)) if not video else (0,) if self.begins_with_sync else ()
        run = TrackRun(
            track_id=self.track_id,
            decode_time=self.decode_times[0],
            data_offset=data_offset,
            durations=durations,
            sizes=self._sizes,
            composition_offsets=self._composition_offsets,
            sync_samples=sync,
        )
        payload = self._payload
        self.decode_times, self._composition_offsets = [], array("i")
        self._sizes, self._payload = array("I"), []
        return run, payload


def moof_size(runs: Sequence[PendingRun]) -> int:
    """Return the size in bytes of the `moof` that `build_moof` will make of these."""
    return 8 + 16 + sum(8 + 20 + 20 + 24 + 12 * len(run) for run in runs)


def build_moof(sequence_number: int, runs: Sequence[TrackRun]) -> bytes:
    """Return the `moof` of a fragment, which holds one run of each track."""
    header = full_box(b"mfhd", 0, 0, struct.pack(">I", sequence_number))
    return box(b"moof", header, *map(_build_traf, runs))


def _build_traf(run: TrackRun) -> bytes:
    count, all_sync = len(run.sizes), len(run.sync_samples) == len(run.sizes)
    usual = _SYNC if all_sync else _NOT_SYNC
    table = array("I", bytes(12 * count))
    table[0::3] = array("I", run.durations)
    table[1::3] = array("I", run.sizes)
    table[2::3] = array("I", array("i", run.composition_offsets).tobytes())
    if sys.byteorder == "little":
        table.byteswap()
    begins = struct.pack(">IiI", count, run.data_offset, _SYNC if len(run.sync_samples) else _NOT_SYNC)
    flags = _DATA_OFFSET | _FIRST_FLAGS | _DURATION | _SIZE | _COMPOSITION
    return box(
        b"traf",
        full_box(b"tfhd", 0, _BASE_IS_MOOF | _DEFAULT_FLAGS, struct.pack(">II", run.track_id, usual)),
        full_box(b"tfdt", 1, 0, struct.pack(">Q", run.decode_time)),
        full_box(b"trun", 1, flags, begins, table.tobytes()),
    )
