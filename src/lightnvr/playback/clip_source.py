"""The recordings that a clip is cut from: where each sample lies in their files."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lightnvr.media.mp4.boxes import MalformedBox, read_header
from lightnvr.media.mp4.init_segment import InitSegment
from lightnvr.media.mp4.plain_movie import read_plain_movie
from lightnvr.media.mp4.sample_columns import SampleColumns, columns_of_moov, columns_of_runs
from lightnvr.media.mp4.track_runs import TrackRun, parse_moof
from lightnvr.recording.fragment_table import FragmentTable
from lightnvr.recording.model import Recording, RecordingFileMissing
from lightnvr.recording.service import MediaIndex, RecordingFile

_HEAD_BYTES = 4096
"""Holds the `moof` of nearly every fragment, and the first boxes of every file."""

_MOST_MOOV_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ClipSource:
    """One recording with its samples. `file_id` is the device and inode of its file."""

    recording: Recording
    path: Path
    file_id: tuple[int, int]
    init: InitSegment
    video: SampleColumns
    audio: SampleColumns | None


def read_source(file: RecordingFile, index: MediaIndex, *, audio: bool) -> ClipSource | None:
    """Read where the samples of a recording are; None when it shows no picture yet.

    Without `audio` the sound is left out. A closed file says it in its `moov`, which is read at once; an open one in
    each of its fragments. Blocks. Raises RecordingFileMissing, MalformedBox, OSError.
    """
    init = InitSegment.parse(index.init_segment)
    try:
        descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise RecordingFileMissing(str(file.path)) from None
    try:
        status = os.fstat(descriptor)
        columns = _columns(descriptor, status.st_size, init, index.table)
    finally:
        os.close(descriptor)
    of_kind = {track.header.handler: track for track in columns if len(track)}
    if b"vide" not in of_kind:
        return None
    return ClipSource(
        recording=file.recording,
        path=file.path,
        file_id=(status.st_dev, status.st_ino),
        init=init,
        video=of_kind[b"vide"],
        audio=of_kind.get(b"soun") if audio else None,
    )


def _columns(descriptor: int, size: int, init: InitSegment, table: FragmentTable) -> Sequence[SampleColumns]:
    if table.is_made:
        return read_plain_movie(descriptor).tracks
    moov = _moov(descriptor, size)
    return columns_of_moov(init, moov) if moov else columns_of_runs(init, _runs(descriptor, table))


def is_closed(descriptor: int) -> bool:
    """Whether a file of ours was closed, and so ends with what an ordinary MP4 has. Blocks. Raises OSError."""
    return _moov(descriptor, os.fstat(descriptor).st_size) is not None


def _moov(descriptor: int, size: int) -> bytes | None:
    """Return the `moov` of a closed file; None when it is open, or was not closed properly."""
    head = os.pread(descriptor, _HEAD_BYTES, 0)
    try:
        ftyp = read_header(head, 0)
        media = None if ftyp is None else read_header(head, ftyp[2])
    except MalformedBox:
        return None
    if ftyp is None or media is None or media[0] != b"mdat":
        return None
    at = ftyp[2] + media[2]
    if not 8 <= size - at <= _MOST_MOOV_BYTES:
        return None
    content = os.pread(descriptor, size - at, at)
    return content if content[4:8] == b"moov" and len(content) == size - at else None


def _runs(descriptor: int, table: FragmentTable) -> Iterator[tuple[int, list[TrackRun]]]:
    for offset, size in zip(table.offsets.tolist(), table.sizes.tolist(), strict=True):
        head = os.pread(descriptor, min(size, _HEAD_BYTES), offset)
        length = int.from_bytes(head[:4], "big")
        if head[4:8] != b"moof" or length > size:
            raise MalformedBox(f"there is no fragment at byte {offset}")
        if length > len(head):
            head += os.pread(descriptor, length - len(head), offset + len(head))
        yield offset, parse_moof(head[:length])
