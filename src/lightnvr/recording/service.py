"""What the rest of the product can ask of recordings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from lightnvr.recording.fragment_table import FragmentTable
from lightnvr.recording.model import CaptureMethod, Recording, RecordingFilter, RecordingPage, Tier


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

        Raises RecordingNotFound, RecordingStillOpen, RecordingUndeletable, and RecordingProtected unless `force`.
        """
        ...


class RecordingCare(Protocol):
    """Says which recordings stay. One that is just being deleted is not found."""

    async def protect(self, recording_id: int, protected: bool | None) -> Recording:
        """Protect a recording, or not any more; None is the opposite of what it is. Raises RecordingNotFound."""
        ...

    async def keep_for(self, recording_id: int, days: int | None) -> Recording:
        """Have it kept so many days, 0 for ever, None as long as its stream says. Raises RecordingNotFound."""
        ...

    async def protect_all(self, recording_ids: Sequence[int], protected: bool) -> frozenset[int]:
        """Protect these recordings, or not any more, all at once. Returns those of them that are there."""
        ...

    async def protected_page(
        self, stream_name: str | None, *, offset: int, limit: int, among: frozenset[str] | None = None
    ) -> RecordingPage:
        """Return `limit` of the protected recordings from `offset` on, newest first, and how many there are.

        Of one stream, or of all; with `among`, only of these.
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


@dataclass(frozen=True, slots=True)
class Candidate:
    """A finished and unprotected recording: what decides whether it is to be deleted."""

    id: int
    stream_name: str
    storage_id: int
    start_us: int
    size_bytes: int
    capture_method: CaptureMethod
    tier: Tier
    override_days: int | None


@dataclass(frozen=True, slots=True)
class Removed:
    """What became of recordings that were to be deleted.

    `recordings` are gone, file and row; `freed` is what their files took, by the id of the storage. `failed` has, by
    id, why a file cannot be removed now: these recordings stay. All others are open, protected or gone already.
    """

    recordings: tuple[Recording, ...] = ()
    freed: Mapping[int, int] = field(default_factory=dict)
    failed: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Volume:
    """The file system of a storage, in bytes. `error` is empty, or says why the storage is not there."""

    storage_id: int
    root: Path
    total_bytes: int = 0
    free_bytes: int = 0
    error: str = ""


class Archive(Protocol):
    """All recordings, for whoever decides which are deleted."""

    @property
    def removed_bytes(self) -> int:
        """How much was deleted since the start."""
        ...

    async def volumes(self) -> tuple[Volume, ...]:
        """Look at every storage."""
        ...

    async def used_bytes(self) -> Mapping[str, int]:
        """Return what each stream takes, for all streams that have recordings."""
        ...

    async def candidates(self, stream_name: str, limit: int, now_us: int) -> tuple[Candidate, ...]:
        """Return what may be deleted: of each kind, that is tier and capture method, at least the `limit` oldest.

        Of those with an age of their own, also what is older than that at `now_us`.
        """
        ...

    async def remove(self, recording_ids: Sequence[int]) -> Removed:
        """Delete these recordings, 50 at most; protected and open ones stay."""
        ...

    async def finish_removals(self) -> int:
        """Go on with what could not be finished when it was removed. Returns how many recordings that were."""
        ...
