"""The fragments of a recording that another program made, as a run of bytes that is on no disk."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lightnvr.media.late import LateModule
from lightnvr.media.mp4.boxes import MalformedBox
from lightnvr.media.mp4.made_fragments import MadeFragments
from lightnvr.media.mp4.plain_movie import read_plain_movie
from lightnvr.media.mp4.shifting import shift_fragment
from lightnvr.media.mp4.silencing import silence_fragment, video_ids
from lightnvr.recording.fragment_table import FragmentTable

if TYPE_CHECKING:
    import numpy as np
else:
    np = LateModule("numpy")


class MadeMedia:
    """Reads byte ranges of what `table` describes, its media beginning `shift_us` microseconds later.

    When it is `silent` the fragments are as long, but there is no sound in them.
    """

    def __init__(self, table: FragmentTable, shift_us: int, *, silent: bool = False) -> None:
        self._table = table
        self._shift_us = shift_us
        self._silent = silent

    @property
    def length(self) -> int:
        """How many bytes there are in all."""
        return int(self._table.offsets[-1] + self._table.sizes[-1]) if len(self._table) else 0

    def read(self, descriptor: int, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from `start` up to but without `stop`, a fragment at a time. Blocks.

        Raises OSError, also when the file is not the one that the index was made of any more.
        """
        try:
            movie = read_plain_movie(descriptor)
        except MalformedBox as error:
            raise OSError(f"the file is not what it was: {error}") from error
        made, offsets = MadeFragments(movie), self._table.offsets
        if len(made) != len(self._table) or not np.array_equal(made.sizes, self._table.sizes):
            raise OSError("the file is not what it was when it was taken over")
        ticks = {
            each.header.track_id: round(self._shift_us * each.header.timescale / 1_000_000) for each in movie.tracks
        }
        kept = video_ids(movie.init)
        number = max(0, int(np.searchsorted(offsets, start, side="right")) - 1)
        while start < stop and number < len(made):
            begin = int(offsets[number])
            fragment = bytearray(made.make(descriptor, number))
            if self._silent:
                silence_fragment(fragment, kept)
            if self._shift_us:
                shift_fragment(fragment, ticks)
            piece = bytes(memoryview(fragment)[start - begin : stop - begin])
            yield piece
            start, number = start + len(piece), number + 1
