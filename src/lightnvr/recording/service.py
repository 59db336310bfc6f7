"""What the rest of the product can ask of recordings."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lightnvr.recording.model import Recording, RecordingFilter, RecordingPage


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
