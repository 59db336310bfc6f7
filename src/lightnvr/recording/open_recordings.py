"""The recordings that are being written at this moment, as the threads that concern themselves with them see them."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lightnvr.recording.model import CaptureMethod
from lightnvr.recording.segment_file import SegmentFile
from lightnvr.recording.storage import Storage


@dataclass(frozen=True, slots=True)
class RecordingFacts:
    """What is known of a recording when its file is made."""

    stream_name: str
    storage: Storage
    path: PurePosixPath
    start_us: int
    codec: str
    width: int
    height: int
    fps: float
    capture_method: CaptureMethod
    schedule_restricted: bool

    @property
    def absolute_path(self) -> Path:
        """Where the file is."""
        return self.storage.root / self.path


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a recording has come: its end in wall-clock microseconds and its size in bytes."""

    end_us: int
    size_bytes: int


class OpenRecording:
    """One file that is not finished yet.

    Written by its recorder until `closing`, then by the finaliser until `finalised`; the journal stores it. Attributes
    are replaced whole, so reading one needs no lock.
    """

    def __init__(self, facts: RecordingFacts, segment: SegmentFile) -> None:
        self.facts = facts
        self.segment = segment
        self.progress = Progress(facts.start_us, segment.length)
        self.synced_bytes = 0
        self.closing = False
        self.finalised = False
        self.empty = False
        """Closed without a single fragment: the file is removed and there is nothing to store."""
        self.recording_id: int | None = None
        """Its row, once the journal has stored it."""


class OpenRecordings:
    """All open recordings of this process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[tuple[int, PurePosixPath], OpenRecording] = {}

    def __iter__(self) -> Iterator[OpenRecording]:
        with self._lock:
            return iter(list(self._open.values()))

    def add(self, recording: OpenRecording) -> None:
        """Take up a recording whose file was just made."""
        with self._lock:
            self._open[recording.facts.storage.id, recording.facts.path] = recording

    def remove(self, recording: OpenRecording) -> None:
        """Forget one that is stored as complete."""
        with self._lock:
            self._open.pop((recording.facts.storage.id, recording.facts.path), None)

    def find(self, storage_id: int, path: PurePosixPath) -> OpenRecording | None:
        """Return the open recording with this file."""
        with self._lock:
            return self._open.get((storage_id, path))
