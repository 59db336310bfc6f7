"""The file of one segment: fragments are appended, then it is made an ordinary MP4 in place.

Layout while open:   ftyp | free (16 bytes) | moov (init) | moof mdat | moof mdat | ...
Layout when closed:  ftyp | mdat (header 16 bytes) [ moov moof mdat moof mdat ... ] | moov

Both `moov` say whose recording it is; see `recording/identity.py`.

Closing appends the complete `moov` and then overwrites 16 bytes: the empty `free` box becomes the header of one `mdat`
that spans everything behind it. No fragment moves, and at every moment the file is one or the other.
"""

import struct

from lightnvr.media.mp4.boxes import box
from lightnvr.media.mp4.init_segment import InitSegment
from lightnvr.media.mp4.movie_header import build_moov
from lightnvr.media.mp4.sample_table import SampleTable, TrackSamples
from lightnvr.media.mp4.track_runs import TrackRun
from lightnvr.recording.disk import DiskFile
from lightnvr.recording.fragment_index import FragmentIndex, IndexedFragment, fragment_times
from lightnvr.recording.identity import end_box

SWITCH_SIZE = 16
"""Size of the box in front of the init segment that turns from `free` to `mdat`, in bytes."""

_FREE = struct.pack(">I4sQ", SWITCH_SIZE, b"free", 0)


class SegmentFile:
    """A segment on disk, with its fragment index and sample table in memory. Not thread-safe, except for `synced`."""

    def __init__(self, file: DiskFile, init: InitSegment) -> None:
        self._file = file
        self.init = init
        self.index = FragmentIndex()
        self.table = SampleTable(
            TrackSamples(track.track_id, track.timescale, video=track.handler == b"vide") for track in init.tracks
        )
        self.length = init.ftyp_size + SWITCH_SIZE + len(init.content) - init.ftyp_size
        """Size in bytes up to the end of the last whole fragment."""
        self.media_end_us = 0
        """End of the last sample, in microseconds from the beginning of the media."""

    def write_head(self) -> None:
        """Write what precedes the fragments. Raises OSError."""
        content, split = self.init.content, self.init.ftyp_size
        self._file.write_at(0, content[:split] + _FREE + content[split:])

    def append(self, content: bytes, runs: tuple[TrackRun, ...]) -> None:
        """Write a fragment. Raises OSError; then nothing of it is left in the file and it may be tried again."""
        offset = self.length
        try:
            self._file.write_at(offset, content)
        except OSError:
            self._file.truncate(offset)
            raise
        self.note(offset, len(content), runs)

    def note(self, offset: int, size: int, runs: tuple[TrackRun, ...]) -> None:
        """Take a fragment that is in the file already into index and sample table."""
        times = fragment_times(self.init, runs)
        self.table.append(runs, offset)
        self.index.append(IndexedFragment(offset, size, times.start_us, times.duration_us, times.keyframe))
        self.length = offset + size
        self.media_end_us = max(self.media_end_us, times.end_us)

    def sync(self) -> None:
        """Make what was written survive a power cut. Raises OSError."""
        self._file.sync()

    def finalise(self, end_us: int | None = None) -> int:
        """Make the file an ordinary MP4 and return its size in bytes. Raises OSError; it can be called again then.

        `end_us` is when the recording ended, in microseconds since 1970 UTC, which the file then says.

        The complete `moov` is on disk before the 16 bytes change, so a power cut in between leaves a fragmented file.
        """
        moov = build_moov(self.init, self.table)
        if end_us is not None:
            moov = box(b"moov", moov[8:], end_box(end_us))
        try:
            self._file.write_at(self.length, moov)
            self._file.truncate(self.length + len(moov))
        except OSError:
            self._file.truncate(self.length)
            raise
        self._file.sync()
        at = self.init.ftyp_size
        self._file.write_at(at, struct.pack(">I4sQ", 1, b"mdat", self.length - at))
        self._file.sync()
        return self.length + len(moov)

    def close(self) -> None:
        """Close the descriptor."""
        self._file.close()
