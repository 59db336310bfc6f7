"""A clip: one MP4 that is put together out of several files while it is read."""

import hashlib
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from lightnvr.media.late import LateModule
from lightnvr.media.mp4.sample_columns import Int64s
from lightnvr.playback.clip_source import ClipSource
from lightnvr.recording.model import Recording

if TYPE_CHECKING:
    import numpy as np
else:
    np = LateModule("numpy")

JOIN_US = 250_000
"""Recordings that are this close follow each other: less is the jitter of arrival (as in the recorder), not a gap."""

_PIECE_BYTES = 1024 * 1024


class ClipInterrupted(OSError):
    """A recording was deleted, or its file changed, while a clip of it was being read. The text says which."""


@dataclass(frozen=True, slots=True)
class ClipPart:
    """What a clip shows of one recording.

    `first_us` is the time of the first picture, `end_us` when the last one ends, microseconds since 1970 UTC;
    `clip_from_s` and `clip_to_s` are the same in seconds from the beginning of the clip.
    """

    recording: Recording
    first_us: int
    end_us: int
    pictures: int
    clip_from_s: float
    clip_to_s: float


@dataclass(frozen=True, slots=True)
class Extents:
    """The media of a clip in order, one array element each: bytes of the file of a source."""

    sources: Int64s
    offsets: Int64s
    sizes: Int64s


def gaps(parts: Sequence[ClipPart]) -> list[tuple[int, int]]:
    """Return from when to when nothing was recorded between the parts, in microseconds since 1970 UTC."""
    between = [(before.end_us, after.first_us) for before, after in pairwise(parts)]
    return [(begin, end) for begin, end in between if end - begin > JOIN_US]


class Clip:
    """One MP4 file that exists nowhere: `head`, then byte ranges of recordings. `timescale` is that of its video."""

    def __init__(
        self, head: bytes, sources: Sequence[ClipSource], extents: Extents, parts: Sequence[ClipPart], timescale: int
    ) -> None:
        self.head = head
        self.parts = tuple(parts)
        self.timescale = timescale
        self._sources = tuple(sources)
        self._extents = extents
        self._ends = len(head) + np.cumsum(extents.sizes)
        self.length = int(self._ends[-1])
        """Size in bytes."""

        # The head holds the place of every sample: two clips with the same one have the same bytes.
        known = hashlib.sha256(head)
        known.update(repr([part.recording.id for part in self.parts]).encode())
        self.tag = known.hexdigest()[:32]
        """The same for the same bytes, another for others."""

    def source_sha256(self, recording_id: int) -> str | None:
        """Return the SHA-256 of the whole file of a recording as it is now; None while it is being written.

        Blocks. Raises ClipInterrupted.
        """
        number = next(n for n, source in enumerate(self._sources) if source.recording.id == recording_id)
        if not self._sources[number].recording.complete:
            return None
        reader, found, at = _Reader(self._sources), hashlib.sha256(), 0
        try:
            while piece := reader.upto(number, at, _PIECE_BYTES):
                found.update(piece)
                at += len(piece)
        finally:
            reader.close()
        return found.hexdigest()

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.parts[-1].clip_to_s

    def read(self, start: int, stop: int) -> Generator[bytes, None, None]:
        """Yield the bytes from `start` up to but without `stop`, about a MiB at a time. Blocks.

        One file is open at a time, so that a client that takes hours keeps no deleted file on the disk. Raises
        ClipInterrupted.
        """
        position = start
        while position < min(stop, len(self.head)):
            piece = self.head[position : min(stop, position + _PIECE_BYTES)]
            yield piece
            position += len(piece)
        reader = _Reader(self._sources)
        try:
            place = int(np.searchsorted(self._ends, position, side="right"))
            while position < stop:
                pieces: list[bytes] = []
                gathered = 0
                while position < stop and gathered < _PIECE_BYTES:
                    end = int(self._ends[place])
                    skipped = int(self._extents.sizes[place]) - (end - position)
                    wanted = min(end, stop) - position
                    offset = int(self._extents.offsets[place]) + skipped
                    pieces.append(reader.read(int(self._extents.sources[place]), offset, wanted))
                    position += wanted
                    gathered += wanted
                    place += position == end
                yield b"".join(pieces)
        finally:
            reader.close()


class _Reader:
    """Reads the files of sources, one open at a time."""

    def __init__(self, sources: Sequence[ClipSource]) -> None:
        self._sources = sources
        self._opened = -1
        self._descriptor = -1

    def read(self, number: int, offset: int, size: int) -> bytes:
        """Return exactly so many bytes. Raises ClipInterrupted."""
        content = self.upto(number, offset, size)
        if len(content) < size:
            raise self._interrupted(self._sources[number], "its file has become shorter")
        return content

    def upto(self, number: int, offset: int, size: int) -> bytes:
        """Return so many bytes, or as many as there are. Raises ClipInterrupted."""
        try:
            if number != self._opened:
                self._open(number)
            return os.pread(self._descriptor, size, offset)
        except OSError as error:
            raise self._interrupted(self._sources[number], error.strerror or str(error)) from error

    def close(self) -> None:
        """Close what is open."""
        descriptor, self._descriptor, self._opened = self._descriptor, -1, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _open(self, number: int) -> None:
        self.close()
        source = self._sources[number]
        self._descriptor = os.open(source.path, os.O_RDONLY | os.O_CLOEXEC)
        self._opened = number
        status = os.fstat(self._descriptor)
        if (status.st_dev, status.st_ino) != source.file_id:
            raise OSError(None, "another file has taken its place")

    @staticmethod
    def _interrupted(source: ClipSource, reason: str) -> ClipInterrupted:
        return ClipInterrupted(
            f"The clip ends before its time: recording {source.recording.id} cannot be read any more ({reason})."
        )
