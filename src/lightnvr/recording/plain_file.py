"""Taking in the finished MP4 of another program as a recording, without changing it."""

import os
from dataclasses import dataclass
from pathlib import Path

from lightnvr.media.mp4.made_fragments import MadeFragments
from lightnvr.media.mp4.plain_movie import NoMovie, PlainMovie, read_plain_movie
from lightnvr.recording.fragment_index import MADE_INDEX_VERSION, FragmentIndex, IndexedFragment

_CODECS = {b"avc1": "h264", b"avc3": "h264", b"hev1": "hevc", b"hvc1": "hevc", b"av01": "av1", b"mp4v": "mjpeg"}


@dataclass(frozen=True, slots=True)
class PlainFile:
    """What such a file holds. `length_us` is how long its media is, `fragments` the packed index of what is made of it.

    `fps` is the mean of its pictures a second.
    """

    size_bytes: int
    length_us: int
    codec: str
    width: int
    height: int
    fps: float
    init_segment: bytes
    fragments: bytes


def read_plain_file(path: Path) -> PlainFile:
    """Read what a file holds; only its index is read. Blocks. Raises NoMovie, OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _described(read_plain_movie(descriptor), os.fstat(descriptor).st_size)
    except OverflowError as error:
        # One fragment would be longer than an hour.
        raise NoMovie("its times are damaged") from error
    finally:
        os.close(descriptor)


def _described(movie: PlainMovie, size_bytes: int) -> PlainFile:
    made, header = MadeFragments(movie), movie.video.header
    index, offset = FragmentIndex(), 0
    columns = (made.sizes.tolist(), made.starts_us.tolist(), made.durations_us.tolist(), made.keyframes.tolist())
    for size, start_us, duration_us, keyframe in zip(*columns, strict=True):
        index.append(IndexedFragment(offset, size, start_us, duration_us, keyframe))
        offset += size
    length_us = max(each.end * 1_000_000 // each.header.timescale for each in movie.tracks)
    entry = header.sample_entry
    return PlainFile(
        size_bytes=size_bytes,
        length_us=length_us,
        codec=_CODECS.get(entry, entry.decode("ascii", "replace")),
        width=header.width,
        height=header.height,
        fps=round(len(movie.video) * 1_000_000 / length_us, 3) if length_us else 0.0,
        init_segment=movie.init.content,
        fragments=bytes((MADE_INDEX_VERSION,)) + index.pack()[1:],
    )
