"""An ordinary MP4 without its sound, as it is read: as long as the file, with pictures where they were."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightnvr.media.late import LateModule
from lightnvr.media.mp4.boxes import MalformedBox
from lightnvr.media.mp4.init_segment import InitSegment
from lightnvr.media.mp4.plain_movie import NoMovie, TopBox, top_boxes
from lightnvr.media.mp4.sample_columns import Int64s, columns_of_moov
from lightnvr.media.mp4.silencing import keep_only, silence_moov, video_ids

if TYPE_CHECKING:
    import numpy as np
else:
    np = LateModule("numpy")

_PIECE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class SilentMovie:
    """What of a file is read as it is, from `begins` up to before `ends`; `replaced` has other bytes for some places.

    Everything else is zeros: nothing is let through because it was not thought of.
    """

    begins: Int64s
    ends: Int64s
    replaced: tuple[tuple[int, bytes], ...]

    @classmethod
    def of(cls, descriptor: int) -> "SilentMovie":
        """Look where the pictures of a file lie. Blocks. Raises NoMovie, OSError."""
        try:
            return cls._of(descriptor, top_boxes(descriptor))
        except NoMovie:
            raise
        except MalformedBox as error:
            raise NoMovie(f"its index is damaged: {error}") from error

    @classmethod
    def _of(cls, descriptor: int, boxes: tuple[TopBox, ...]) -> "SilentMovie":
        kept: list[tuple[int, int]] = []
        replaced: list[tuple[int, bytes]] = []
        samples: list[tuple[Int64s, Int64s]] = []
        for found in boxes:
            if found.kind == b"ftyp":
                kept.append((found.start, found.end))
            elif found.kind == b"mdat":
                kept.append((found.start, found.payload))
            elif found.kind == b"moov":
                moov = os.pread(descriptor, found.end - found.start, found.start)
                init = InitSegment.parse(moov)
                pictures = video_ids(init)
                silent = bytearray(moov)
                silence_moov(silent, pictures)
                replaced.append((found.start, bytes(silent)))
                shown = (each for each in columns_of_moov(init, moov) if each.header.track_id in pictures)
                samples += [(columns.offsets, columns.offsets + columns.sizes) for columns in shown]
            else:
                kept.append((found.start, found.payload))
                replaced.append((found.start + 4, b"free"))
        if not any(len(offsets) for offsets, _ in samples):
            raise NoMovie("it holds no picture")
        begins = np.concatenate([np.array([begin for begin, _ in kept], np.int64), *(each for each, _ in samples)])
        ends = np.concatenate([np.array([end for _, end in kept], np.int64), *(each for _, each in samples)])
        return cls(*_joined(begins, ends), tuple(replaced))

    def read(self, descriptor: int, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from `start` up to but without `stop`. Blocks. Raises OSError."""
        while start < stop:
            upto = min(stop, start + _PIECE_BYTES)
            content = bytearray(os.pread(descriptor, upto - start, start))
            if len(content) < upto - start:
                raise OSError(f"the file ends at byte {start + len(content)}, before byte {stop} that was promised")
            first = int(np.searchsorted(self.ends, start, side="right"))
            last = int(np.searchsorted(self.begins, upto, side="left"))
            begins = np.maximum(self.begins[first:last], start)
            sizes = np.minimum(self.ends[first:last], upto) - begins
            keep_only(content, 0, zip((begins - start).tolist(), sizes.tolist(), strict=True))
            for at, other in self.replaced:
                _replace(content, start, at, other)
            yield bytes(content)
            start = upto


def _joined(begins: Int64s, ends: Int64s) -> tuple[Int64s, Int64s]:
    """Put ranges in order, those that touch each other joined."""
    order = np.argsort(begins, kind="stable")
    begins, ends = begins[order], np.maximum.accumulate(ends[order])
    apart = np.flatnonzero(begins[1:] > ends[:-1]) + 1
    return begins[np.concatenate(([0], apart))], ends[np.append(apart - 1, len(ends) - 1)]


def _replace(content: bytearray, start: int, at: int, other: bytes) -> None:
    first, last = max(at, start), min(at + len(other), start + len(content))
    if first < last:
        content[first - start : last - start] = other[first - at : last - at]
