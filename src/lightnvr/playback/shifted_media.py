"""The file of a recording, with its fragments moved to a playlist's time line as they are read."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lightnvr.media.late import LateModule
from lightnvr.media.mp4.init_segment import InitSegment
from lightnvr.media.mp4.shifting import shift_fragment
from lightnvr.media.mp4.silencing import silence_fragment, video_ids
from lightnvr.recording.service import MediaIndex

if TYPE_CHECKING:
    import numpy as np
else:
    np = LateModule("numpy")

_PLAIN_BYTES = 256 * 1024


class ShiftedMedia:
    """Reads byte ranges of a recording's file so that its media begins `shift_us` microseconds later.

    Sizes and offsets are those of the file. What is no fragment is read as it is. When it is `silent`, there is no
    sound in the fragments, and what is none is zeros.
    """

    def __init__(self, index: MediaIndex, shift_us: int, *, silent: bool = False) -> None:
        self._table = index.table
        init = InitSegment.parse(index.init_segment)
        self._ticks = {track.track_id: round(shift_us * track.timescale / 1_000_000) for track in init.tracks}
        self._kept = video_ids(init) if silent else None

    def read(self, descriptor: int, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from `start` up to but without `stop`, a fragment at a time. Blocks. Raises OSError."""
        offsets = self._table.offsets
        position = start
        while position < stop:
            place = int(np.searchsorted(offsets, position, side="right")) - 1
            begin = int(offsets[place]) if place >= 0 else 0
            end = begin + int(self._table.sizes[place]) if place >= 0 else 0
            if place < 0 or position >= end:
                following = int(offsets[place + 1]) if place + 1 < len(offsets) else stop
                upto = min(stop, following, position + _PLAIN_BYTES)
                piece = _exactly(descriptor, position, upto) if self._kept is None else bytes(upto - position)
            else:
                upto = min(stop, end)
                fragment = bytearray(_exactly(descriptor, begin, end))
                if self._kept is not None:
                    silence_fragment(fragment, self._kept)
                shift_fragment(fragment, self._ticks)
                piece = bytes(memoryview(fragment)[position - begin : upto - begin])
            yield piece
            position = upto


def _exactly(descriptor: int, start: int, stop: int) -> bytes:
    content = os.pread(descriptor, stop - start, start)
    if len(content) < stop - start:
        raise OSError(f"the file ends at byte {start + len(content)}, before byte {stop} that was promised")
    return content
