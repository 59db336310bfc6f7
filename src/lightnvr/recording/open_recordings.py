"""The recordings that are being written at this moment, as the threads that concern themselves with them see them."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from lightnvr.recording.model import CaptureMethod
from lightnvr.recording.segment_file import SegmentFile
from lightnvr.recording.storage import Storage

_GAP_US = 5_000_000


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


@dataclass(frozen=True, slots=True)
class Written:
    """What was written of a stream since the start. A gap is more than 5 s from a recording to the next."""

    recordings: int = 0
    fragments: int = 0
    size_bytes: int = 0
    gaps: int = 0
    end_us: int = 0


class OpenRecordings:
    """All open recordings of this process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[tuple[int, PurePosixPath], OpenRecording] = {}
        self._stored_bytes: dict[int, int] = {}
        self._written: dict[str, Written] = {}

    def __iter__(self) -> Iterator[OpenRecording]:
        with self._lock:
            return iter(list(self._open.values()))

    def add(self, recording: OpenRecording) -> None:
        """Take up a recording whose file was just made."""
        name, start_us = recording.facts.stream_name, recording.facts.start_us
        with self._lock:
            before = self._written_of(name)
            if before.end_us and start_us - before.end_us > _GAP_US:
                of_stream = self._written.get(name, Written())
                self._written[name] = replace(of_stream, gaps=of_stream.gaps + 1)
            self._open[recording.facts.storage.id, recording.facts.path] = recording

    def remove(self, recording: OpenRecording) -> None:
        """Forget one that is stored as complete."""
        storage_id = recording.facts.storage.id
        with self._lock:
            self._open.pop((storage_id, recording.facts.path), None)
            if not recording.empty:
                name = recording.facts.stream_name
                self._written[name] = _with(self._written.get(name, Written()), recording)
            self._stored_bytes[storage_id] = self._stored_bytes.get(storage_id, 0) + recording.progress.size_bytes

    def written_bytes(self) -> dict[int, int]:
        """Return how much was written to each storage since the start, by its id."""
        with self._lock:
            written = dict(self._stored_bytes)
            for (storage_id, _), recording in self._open.items():
                written[storage_id] = written.get(storage_id, 0) + recording.progress.size_bytes
        return written

    def written(self) -> dict[str, Written]:
        """Return what was written of each stream since the start, by its name."""
        with self._lock:
            names = self._written.keys() | {recording.facts.stream_name for recording in self._open.values()}
            return {name: self._written_of(name) for name in names}

    def _written_of(self, stream_name: str) -> Written:
        written = self._written.get(stream_name, Written())
        for recording in self._open.values():
            if recording.facts.stream_name == stream_name:
                written = _with(written, recording)
        return written

    def find(self, storage_id: int, path: PurePosixPath) -> OpenRecording | None:
        """Return the open recording with this file."""
        with self._lock:
            return self._open.get((storage_id, path))


def _with(written: Written, recording: OpenRecording) -> Written:
    return replace(
        written,
        recordings=written.recordings + 1,
        fragments=written.fragments + len(recording.segment.index),
        size_bytes=written.size_bytes + recording.progress.size_bytes,
        end_us=max(written.end_us, recording.progress.end_us),
    )
