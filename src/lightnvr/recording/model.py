"""What a recording is: one media file of one stream, open while it is being written."""

from dataclasses import dataclass
from enum import StrEnum

DAY_US = 86_400_000_000
"""A day in microseconds."""


class CaptureMethod(StrEnum):
    """Why a recording was made."""

    CONTINUOUS = "continuous"
    SCHEDULED = "scheduled"
    DETECTION = "detection"
    MOTION = "motion"
    MANUAL = "manual"


class Tier(StrEnum):
    """How much a recording matters. The least important go first."""

    EPHEMERAL = "ephemeral"
    STANDARD = "standard"
    IMPORTANT = "important"
    CRITICAL = "critical"


BY_DETECTION = frozenset({CaptureMethod.DETECTION, CaptureMethod.MOTION})
"""How recordings are made that show what was detected."""


def tier_when_made(capture_method: CaptureMethod) -> Tier:
    """Return what a recording is worth until somebody says otherwise."""
    return Tier.IMPORTANT if capture_method in BY_DETECTION else Tier.STANDARD


MISSING = "The file is missing."
"""What `damaged` says of a recording whose file is not on its storage, though the storage is there."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One row of the recordings table, without its media index.

    Times are microseconds since 1970-01-01 UTC. `end_us` is the end of the last fragment that is on disk, so an open
    recording (`complete` is false) has a true end too. `size_bytes` is the size of the file at that moment. `path` is
    relative to the root of the storage with id `storage_id`.
    """

    id: int
    stream_name: str
    storage_id: int
    path: str
    start_us: int
    end_us: int
    size_bytes: int
    complete: bool
    codec: str
    width: int
    height: int
    fps: float
    capture_method: CaptureMethod
    schedule_restricted: bool
    protected: bool
    damaged: str
    """Empty, or a sentence saying what is wrong with the file (for example "the file is missing")."""
    tier: Tier = Tier.STANDARD
    override_days: int | None = None
    """How many days it is kept, 0 for ever; None as long as its stream says."""


class RecordingSort(StrEnum):
    """What a list of recordings is ordered by; the id decides between equals."""

    ID = "id"
    STREAM_NAME = "stream_name"
    START_TIME = "start_time"
    END_TIME = "end_time"
    SIZE_BYTES = "size_bytes"


@dataclass(frozen=True, slots=True)
class RecordingFilter:
    """Which recordings to list.

    `start_us` and `end_us` bound the START of a recording, both inclusive; None is unbounded. Of `streams`, `methods`,
    `tags` and `labels` a recording must have any; empty means all recordings. A label is found by any part of it, in
    whatever case. None for `protected` or `detected` (whether anything was detected) is both.
    """

    streams: tuple[str, ...] = ()
    start_us: int | None = None
    end_us: int | None = None
    sort: RecordingSort = RecordingSort.START_TIME
    descending: bool = True
    methods: tuple[CaptureMethod, ...] = ()
    protected: bool | None = None
    detected: bool | None = None
    labels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def by_facets(self) -> bool:
        """Whether more than stream and time is asked for."""
        return bool(self.methods or self.labels or self.tags or self.protected is not None or self.detected is not None)


@dataclass(frozen=True, slots=True)
class Marks:
    """What is known of a recording beside its row: its tags, and the labels it shows, the most frequent first."""

    tags: tuple[str, ...] = ()
    labels: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class RecordingPage:
    """Some recordings of a list, and how many there are in all."""

    recordings: tuple[Recording, ...]
    total: int


class RecordingNotFound(LookupError):
    """There is no recording with this id."""


class RecordingProtected(Exception):
    """The recording is protected, so it is not deleted unless that is asked for."""


class RecordingStillOpen(Exception):
    """The recording is being written at this moment, so it is not deleted."""


class RecordingUndeletable(Exception):
    """The file of the recording cannot be removed from the disk; the text says why."""


class RecordingOffline(Exception):
    """The storage with the file of the recording is not there at this moment; the text says why."""


class RecordingFileMissing(LookupError):
    """The recording is listed but its file is not on the disk."""


class TooManyTags(ValueError):
    """A recording would have more tags than it can; the text says how many it can have."""


class PathRefused(ValueError):
    """A path that is not that of a file in the folders of recordings; the text says so."""


class JobNotFound(LookupError):
    """There is no such job, or not any more, or it is somebody else's."""


class TooManyJobs(Exception):
    """So much is being done already that nothing more is begun; the text says what to do."""
