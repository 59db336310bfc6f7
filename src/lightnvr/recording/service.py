"""What the rest of the product can ask of recordings."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from lightnvr.recording.fragment_table import FragmentTable
from lightnvr.recording.model import CaptureMethod, Recording, RecordingFilter, RecordingPage


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """Where a recording can be read.

    `length` bytes of the file may be served: for an open recording everything up to the last whole fragment.
    """

    recording: Recording
    path: Path
    length: int
    etag: str
    modified_s: float


class Recordings(Protocol):
    """Lists, opens and deletes recordings."""

    async def page(self, wanted: RecordingFilter, *, offset: int, limit: int) -> RecordingPage:
        """Return at most `limit` recordings from `offset` on, and the number of all that match."""
        ...

    async def get(self, recording_id: int) -> Recording:
        """Return one recording. Raises RecordingNotFound."""
        ...

    async def file(self, recording_id: int) -> RecordingFile:
        """Return where to read it. Raises RecordingNotFound, RecordingFileMissing."""
        ...

    async def delete(self, recording_id: int, *, force: bool) -> None:
        """Delete file and row.

        Raises RecordingNotFound, RecordingStillOpen, and RecordingProtected unless `force`.
        """
        ...


@dataclass(frozen=True, slots=True)
class MediaIndex:
    """Where the media of a recording lies, and what a player needs before it.

    `is_whole` is false while more is being appended.
    """

    init_segment: bytes
    table: FragmentTable
    is_whole: bool


class Covered(NamedTuple):
    """The time that one recording covers, in microseconds since 1970 UTC, and why it was made."""

    start_us: int
    end_us: int
    capture_method: CaptureMethod


class RecordedTime(Protocol):
    """Finds recordings by the time they show."""

    async def overlapping(self, stream_name: str, start_us: int, end_us: int, limit: int) -> tuple[Recording, ...]:
        """Return the recordings of a stream that show anything of a span, in order of time, `limit` at most.

        The span includes both of its ends, microseconds since 1970 UTC.
        """
        ...

    async def covered(self, stream_name: str, start_us: int, end_us: int) -> Sequence[Covered]:
        """Return what `overlapping` would, all of it, without the rest of the recordings."""
        ...

    async def nearest(self, stream_name: str, moment_us: int, within_us: int) -> Recording | None:
        """Return the recording that shows a moment, else the one with an end nearest to it, None if none is near."""
        ...

    async def by_ids(self, recording_ids: Sequence[int]) -> tuple[Recording, ...]:
        """Return those of these recordings that are there, in this order."""
        ...

    async def media(self, recordings: Sequence[Recording]) -> dict[int, MediaIndex]:
        """Return the indexes of these recordings by id; one whose media is not known is left out."""
        ...

    async def init_segment(self, recording_id: int) -> bytes:
        """Return what a player needs before any fragment of a recording. Raises RecordingNotFound."""
        ...
