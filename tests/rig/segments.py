"""Segment files made of a film, on any disk."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from lightnvr.media.packets import MediaPacket
from lightnvr.recording.identity import IDENTITY
from lightnvr.recording.model import CaptureMethod
from lightnvr.recording.open_recordings import RecordingFacts
from lightnvr.recording.segment import Segment
from lightnvr.recording.storage import Storage
from tests.rig.disks import MemoryDisk, MemoryFile
from tests.rig.fake_time import NOON_US
from tests.rig.film import Film, Recipe, film


def facts(root: Path, path: str = "mp4/door/recording_20250330_120000.mp4", start_us: int = NOON_US) -> RecordingFacts:
    """Return the facts of a recording."""
    return RecordingFacts(
        stream_name="door",
        storage=Storage(1, "main", root),
        path=PurePosixPath(path),
        start_us=start_us,
        codec="h264",
        width=160,
        height=120,
        fps=15,
        capture_method=CaptureMethod.CONTINUOUS,
        schedule_restricted=False,
    )


@dataclass(frozen=True, slots=True)
class Written:
    """A segment in memory: open, with all its fragments, and the file it is in."""

    segment: Segment
    file: MemoryFile
    film: Film

    @property
    def open_content(self) -> bytes:
        """The file before it is closed."""
        return bytes(self.file.content)

    def shown_before(self, size: int) -> int:
        """Return how many pictures the whole fragments hold that end at or before this size in bytes."""
        index, counted = self.segment.recording.segment.index, 0
        for fragment, pictures in zip(index, self.pictures_per_fragment, strict=True):
            counted += pictures if fragment.offset + fragment.size <= size else 0
        return counted

    @property
    def pictures_per_fragment(self) -> list[int]:
        """How many pictures each fragment holds."""
        from lightnvr.media.mp4.track_runs import parse_moof

        counts: list[int] = []
        for fragment in self.segment.recording.segment.index:
            content = self.file.read_at(fragment.offset, fragment.size)
            size = int.from_bytes(content[:4], "big")
            counts.append(sum(len(run.sizes) for run in parse_moof(content[:size]) if run.track_id == 1))
        return counts


def write(recipe: Recipe, packets: tuple[MediaPacket, ...] | None = None) -> Written:
    """Write a film to a segment in memory; it is left open."""
    shown, disk = film(recipe), MemoryDisk()
    chosen = shown.packets if packets is None else packets
    origin = next(packet for packet in chosen if packet.track.kind == "video")
    about = facts(Path("/nowhere"))
    segment = Segment(disk, about, shown.tracks, origin, 500_000)
    for packet in chosen:
        segment.add(packet)
        segment.write(NOON_US + 10**9)
    segment.finish(NOON_US + 10**9)
    return Written(segment, disk.files[about.absolute_path], shown)


def of_an_earlier_version(content: bytes) -> bytes:
    """Return the same file without what it says of itself: players and we pass over boxes of a kind we do not know."""
    return content.replace(IDENTITY, bytes(len(IDENTITY)))


@cache
def open_file(recipe: Recipe) -> bytes:
    """Return the content of the file of a film that was never closed."""
    return write(recipe).open_content


@cache
def closed_file(recipe: Recipe) -> bytes:
    """Return the content of the file of a film that was closed."""
    written = write(recipe)
    segment = written.segment.recording.segment
    segment.finalise(NOON_US + segment.media_end_us)
    return bytes(written.file.content)
