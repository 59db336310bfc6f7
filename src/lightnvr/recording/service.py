"""What the rest of the product can ask of recordings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

from lightnvr.recording.detection import Detection
from lightnvr.recording.fragment_table import FragmentTable
from lightnvr.recording.model import CaptureMethod, Marks, Recording, RecordingFilter, RecordingPage, Tier

ReadRange = Callable[[int, int, int], Iterator[bytes]]
"""Yields the bytes of a descriptor from a start up to, not including, a stop. Blocks. Raises OSError."""


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """Where a recording can be read.

    `length` bytes of the file may be served: for an open recording everything up to the last whole fragment. They must
    be read by `read`, when there is one: then not all that is in the file is for the one who asked.
    """

    recording: Recording
    path: Path
    length: int
    etag: str
    modified_s: float
    read: ReadRange | None = None


class Recordings(Protocol):
    """Lists, opens and deletes recordings."""

    async def page(self, wanted: RecordingFilter, *, offset: int, limit: int) -> RecordingPage:
        """Return at most `limit` recordings from `offset` on, and the number of all that match."""
        ...

    async def get(self, recording_id: int) -> Recording:
        """Return one recording. Raises RecordingNotFound."""
        ...

    async def file(self, recording_id: int) -> RecordingFile:
        """Return where to read it. Raises RecordingNotFound, RecordingFileMissing, RecordingOffline."""
        ...

    def open_id(self, stream_name: str) -> int | None:
        """Return the id of the recording of a stream that is being written; None without one, or not listed yet."""
        ...

    async def finished_page(self, wanted: RecordingFilter, *, offset: int, limit: int) -> RecordingPage:
        """Return the same as `page`, of the recordings that are not being written."""
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
class TagChange:
    """What a change of tags did: to which recordings, and how many tags these have that they had not, or no more."""

    recording_ids: frozenset[int]
    added: int
    removed: int


class RecordingMarks(Protocol):
    """Knows the tags of recordings, and what was detected in them."""

    async def of(self, recording_ids: Sequence[int]) -> Mapping[int, Marks]:
        """Return the marks of those of these recordings that have any."""
        ...

    async def detected(self, recording_ids: Sequence[int]) -> frozenset[int]:
        """Return those of these recordings that show something that was detected."""
        ...

    async def set_tags(self, recording_id: int, tags: Sequence[str]) -> tuple[str, ...]:
        """Give a recording these tags and no others. Raises RecordingNotFound, TooManyTags."""
        ...

    async def change_tags(self, recording_ids: Sequence[int], add: Sequence[str], remove: Sequence[str]) -> TagChange:
        """Add tags to recordings, then take tags away, all at once. Raises TooManyTags, and then nothing is changed."""
        ...

    async def tags(self, among: frozenset[str] | None = None) -> tuple[str, ...]:
        """Return all tags that recordings have, in order; with `among`, recordings of these streams."""
        ...

    async def labels(self, among: frozenset[str] | None = None) -> tuple[str, ...]:
        """Return all labels that were ever detected, in order; with `among`, on these streams."""
        ...


class Detections(Protocol):
    """Keeps what was detected."""

    async def add_detections(self, seen: Sequence[Detection]) -> list[int]:
        """Store what was detected. Returns the ids, in the same order."""
        ...

    async def end_detections(self, detection_ids: Sequence[int], end_us: int) -> None:
        """Let detections last until this moment, in microseconds since 1970 UTC, and never shorter than they did."""
        ...


class JobState(StrEnum):
    """How far work in the background is."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETE = "complete"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class DeletionProgress:
    """How far the deletion of many recordings is.

    `failed` counts those that stay: protected, being written, not there, or with a file that cannot be removed.
    `error` is empty, or says why the job ended early.
    """

    job_id: str
    state: JobState
    total: int = 0
    succeeded: int = 0
    failed: int = 0
    error: str = ""


class BatchDeletions(Protocol):
    """Deletes many recordings in the background. A job belongs to the one who started it."""

    async def start(
        self, owner: int, chosen: "Sequence[int] | RecordingFilter", *, absent: int = 0
    ) -> DeletionProgress:
        """Begin to delete recordings by their ids, or all finished ones of a filter. Raises TooManyJobs.

        `absent` more were asked for and are not there for the one who asks.
        """
        ...

    def progress(self, owner: int, job_id: str) -> DeletionProgress:
        """Return how far a job is. Raises JobNotFound, also when it is of somebody else."""
        ...


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file on the disk: bytes, and when it was changed last in seconds since 1970 UTC."""

    size_bytes: int
    modified_s: float


class RecordingFiles(Protocol):
    """Looks at single files in the folders of recordings, by their absolute paths, and at no others."""

    async def look(self, path: str) -> FileFacts | None:
        """Return what is there, None for nothing. Raises PathRefused."""
        ...

    async def delete(self, path: str) -> bool:
        """Delete a file, and with it the recording that it is of. Returns False when there was none.

        Raises PathRefused, RecordingProtected, RecordingStillOpen, RecordingUndeletable.
        """


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """How far comparing the list with the disks has come. Times are microseconds since 1970 UTC, 0 is never.

    `rows` and `files` were looked at. Files without a row were `added`; of recordings, `updated` are those whose size
    was another, `missing` those whose file is gone, `returned` those whose file is back. Left alone were: files that
    are no recordings of ours (`skipped`) or cannot be read (`failed`), recordings whose folder is gone as a whole or
    cannot be looked at (`uncertain`), and storages that are not there (`unavailable`, by name).
    """

    running: bool = False
    started_us: int = 0
    finished_us: int = 0
    rows: int = 0
    files: int = 0
    added: int = 0
    updated: int = 0
    missing: int = 0
    returned: int = 0
    skipped: int = 0
    failed: int = 0
    uncertain: int = 0
    unavailable: tuple[str, ...] = ()
    error: str = ""


class RecordingSync(Protocol):
    """Compares what is listed with what is on the disks, in the background."""

    @property
    def progress(self) -> SyncProgress:
        """How far it has come, or what it did last."""
        ...

    def start(self) -> None:
        """Begin, unless it is under way already."""
        ...

    async def wait(self, timeout_s: float) -> SyncProgress:
        """Wait for the end, so many seconds at most, and return how far it has come."""
        ...


@dataclass(frozen=True, slots=True)
class MediaIndex:
    """Where the media of a recording lies, and what a player needs before it.

    `is_whole` is false while more is being appended.
    """

    init_segment: bytes
    table: FragmentTable
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Digest:
    """The SHA-256 of a recording's file, in hexadecimal, taken at `taken_at`, seconds since 1970 UTC."""

    sha256: str
    taken_at: int


class Digests(Protocol):
    """Knows what the files of recordings held when they were closed."""

    async def of(self, recording_ids: Sequence[int]) -> Mapping[int, Digest]:
        """Return the digests of these recordings by id; one of which none was taken (yet) is left out."""
        ...


class Covered(NamedTuple):
    """The time that one recording covers, in microseconds since 1970 UTC, and why it was made."""

    start_us: int
    end_us: int
    capture_method: CaptureMethod


class RecordedDay(NamedTuple):
    """What was recorded of a stream on a day; `day` counts from 1970-01-01 UTC.

    Recordings count for the day on which they begin, UTC. Time and size are those of the finished ones.
    """

    day: int
    stream_name: str
    recordings: int
    recorded_us: int
    size_bytes: int


class StreamTotal(NamedTuple):
    """All finished recordings of a stream: how many, and their size in bytes."""

    stream_name: str
    recordings: int
    size_bytes: int


class RecordedDays(Protocol):
    """Knows how much was recorded day by day."""

    async def between(self, first_day: int, last_day: int, stream_name: str | None) -> Sequence[RecordedDay]:
        """Return the days of a stream, or of all streams that ever recorded, both ends included, in order."""
        ...


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
    name: str = ""
    device: int | None = None
    """Which disk it is; None when that is not known."""


class Archive(Protocol):
    """All recordings, for whoever decides which are deleted."""

    @property
    def removed_bytes(self) -> int:
        """How much was deleted since the start."""
        ...

    async def volumes(self) -> tuple[Volume, ...]:
        """Look at every storage."""
        ...

    def written_bytes(self) -> Mapping[int, int]:
        """Return how much was written to each storage since the start, by its id; it never gets less."""
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

    async def prune_detections(self, aged_us: Callable[[str], int]) -> int:
        """Delete what was detected before the oldest recording of its stream began, some of it at least.

        Recordings that are protected or have an age of their own count for what they show themselves. `aged_us` tells
        for a stream without any other one before when something was detected too long ago. Returns how many went.
        """
        ...
