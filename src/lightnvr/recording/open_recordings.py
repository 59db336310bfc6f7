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
        self.is_full_disk = False
        """Why it could not be finished when that was tried last: there was no room."""
        self.empty = False
        """Closed without a single fragment: the file is removed and there is nothing to store."""
        self.recording_id: int | None = None
        """Its row, once the journal has stored it."""


class OpenRecordings:
    """All open recordings of this process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[tuple[int, PurePosixPath], OpenRecording] = {}
        self._stored_bytes: dict[int, int] = {}

    def __iter__(self) -> Iterator[OpenRecording]:
        with self._lock:
            return iter(list(self._open.values()))

    def add(self, recording: OpenRecording) -> None:
        """Take up a recording whose file was just made."""
        with self._lock:
            self._open[recording.facts.storage.id, recording.facts.path] = recording

    def remove(self, recording: OpenRecording) -> None:
        """Forget one that is stored as complete."""
        storage_id = recording.facts.storage.id
        with self._lock:
            self._open.pop((storage_id, recording.facts.path), None)
            self._stored_bytes[storage_id] = self._stored_bytes.get(storage_id, 0) + recording.progress.size_bytes

    def written_bytes(self) -> dict[int, int]:
        """Return how much was written to each storage since the start, by its id."""
        with self._lock:
            written = dict(self._stored_bytes)
            for (storage_id, _), recording in self._open.items():
                written[storage_id] = written.get(storage_id, 0) + recording.progress.size_bytes
        return written

    def find(self, storage_id: int, path: PurePosixPath) -> OpenRecording | None:
        """Return the open recording with this file."""
        with self._lock:
            return self._open.get((storage_id, path))
