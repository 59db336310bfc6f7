"""The rooms that have cameras and disks behind them, without either."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lightnvr.detection.watch import WatchStatus
from lightnvr.events.edges import Edge
from lightnvr.media.address import SourceAddress
from lightnvr.media.errors import CameraError, Fault
from lightnvr.media.opening import Transport
from lightnvr.media.probe import ProbeResult
from lightnvr.recording.model import (
    CaptureMethod,
    Recording,
    RecordingFileMissing,
    RecordingFilter,
    RecordingNotFound,
    RecordingPage,
    RecordingProtected,
    RecordingSort,
    RecordingStillOpen,
)
from lightnvr.recording.service import RecordingFile, SyncProgress
from lightnvr.storage.pressure import Pressure
from lightnvr.storage.report import StorageReport
from lightnvr.storage.retention import Reason
from lightnvr.storage.tally import Cleanup
from lightnvr.streams.model import StreamNotFound
from lightnvr.streams.service import LiveInput
from lightnvr.streams.status import StreamStatus

START_US = 1_785_578_400_000_000
"""2026-08-01 10:00:00 UTC."""


class NothingWatched:
    """Implements `WatchedDetection` for a server that detects nothing."""

    def status(self, stream_id: int) -> WatchStatus | None:
        """See WatchedDetection."""
        return None

    def statuses(self) -> Mapping[int, WatchStatus]:
        """See WatchedDetection."""
        return {}


class NotedEdges:
    """Implements `Edges`: keeps what is raised."""

    def __init__(self) -> None:
        self.raised: list[Edge] = []

    def raise_edge(self, edge: Edge) -> None:
        """See Edges."""
        self.raised.append(edge)


class ListedRecordings:
    """Implements `Recordings` on a list and a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._recordings: dict[int, Recording] = {}

    def add(self, stream: str, content: bytes, **changes: object) -> Recording:
        """Put a recording of a quarter of an hour after the ones that are there."""
        number = len(self._recordings) + 1
        start_us = START_US + (number - 1) * 900_000_000
        path = f"mp4/{stream.replace(' ', '_')}/recording_{number:06}.mp4"
        recording = Recording(
            id=number,
            stream_name=stream,
            storage_id=1,
            path=path,
            start_us=start_us,
            end_us=start_us + 900_000_000,
            size_bytes=len(content),
            complete=True,
            codec="h264",
            width=1280,
            height=720,
            fps=15.0,
            capture_method=CaptureMethod.CONTINUOUS,
            schedule_restricted=False,
            protected=False,
            damaged="",
        )
        recording = replace(recording, **changes)  # type: ignore[arg-type]
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        self._recordings[number] = recording
        return recording

    async def page(self, wanted: RecordingFilter, *, offset: int, limit: int) -> RecordingPage:
        """See Recordings."""
        found = [recording for recording in self._recordings.values() if _matches(recording, wanted)]
        found.sort(key=lambda recording: _key(recording, wanted.sort), reverse=wanted.descending)
        return RecordingPage(tuple(found[offset : offset + limit]), len(found))

    async def finished_page(self, wanted: RecordingFilter, *, offset: int, limit: int) -> RecordingPage:
        """See Recordings."""
        page = await self.page(wanted, offset=0, limit=10**6)
        finished = [recording for recording in page.recordings if recording.complete]
        return RecordingPage(tuple(finished[offset : offset + limit]), len(finished))

    async def get(self, recording_id: int) -> Recording:
        """See Recordings."""
        if recording_id not in self._recordings:
            raise RecordingNotFound(recording_id)
        return self._recordings[recording_id]

    async def file(self, recording_id: int) -> RecordingFile:
        """See Recordings."""
        recording = await self.get(recording_id)
        path = self.root / recording.path
        if not path.exists():
            raise RecordingFileMissing(recording_id)
        size = recording.size_bytes
        return RecordingFile(recording, path, size, f'"{recording_id:x}-{size:x}"', path.stat().st_mtime)

    def open_id(self, stream_name: str) -> int | None:
        """See Recordings."""
        return next((r.id for r in self._recordings.values() if r.stream_name == stream_name and not r.complete), None)

    async def delete(self, recording_id: int, *, force: bool) -> None:
        """See Recordings."""
        recording = await self.get(recording_id)
        if not recording.complete:
            raise RecordingStillOpen
        if recording.protected and not force:
            raise RecordingProtected
        del self._recordings[recording_id]

    async def protect(self, recording_id: int, protected: bool | None) -> Recording:
        """See RecordingCare."""
        recording = await self.get(recording_id)
        wanted = not recording.protected if protected is None else protected
        self._recordings[recording_id] = replace(recording, protected=wanted)
        return self._recordings[recording_id]

    async def keep_for(self, recording_id: int, days: int | None) -> Recording:
        """See RecordingCare."""
        self._recordings[recording_id] = replace(await self.get(recording_id), override_days=days)
        return self._recordings[recording_id]

    async def protect_all(self, recording_ids: Sequence[int], protected: bool) -> frozenset[int]:
        """See RecordingCare."""
        there = frozenset(recording_ids) & self._recordings.keys()
        for recording_id in there:
            await self.protect(recording_id, protected)
        return there

    async def protected_page(
        self, stream_name: str | None, *, offset: int, limit: int, among: frozenset[str] | None = None
    ) -> RecordingPage:
        """See RecordingCare."""
        wanted = RecordingFilter(() if stream_name is None else (stream_name,))
        page = await self.page(wanted, offset=0, limit=10**6)
        found = [
            recording
            for recording in page.recordings
            if recording.protected and (among is None or recording.stream_name in among)
        ]
        return RecordingPage(tuple(found[offset : offset + limit]), len(found))


class QuickSync:
    """Implements `RecordingSync` for disks on which everything is listed."""

    def __init__(self) -> None:
        self.progress = SyncProgress()

    def start(self) -> None:
        """See RecordingSync."""
        self.progress = SyncProgress(started_us=START_US, finished_us=START_US + 1_500_000, rows=2, files=2)

    async def wait(self, timeout_s: float) -> SyncProgress:
        """See RecordingSync."""
        return self.progress


class IdleKeeper:
    """Implements `StorageKeeper` for a disk that is half full."""

    def __init__(self) -> None:
        self.cleanups: list[bool] = []

    async def report(self) -> StorageReport:
        """See StorageKeeper."""
        return StorageReport(
            pressure=Pressure.NORMAL,
            total_bytes=1000,
            free_bytes=500,
            error="",
            checked_at=1_785_600_000,
            fill_rate_bps=2.0,
            seconds_to_target=200.0,
            cleaned_at=1_785_599_999,
            last_cleanup=Cleanup(freed_bytes=300),
            deleted={Reason.AGE: 3, Reason.QUOTA: 2, Reason.TOTAL: 0, Reason.SPACE: 1},
            freed_bytes=600,
            undeletable=0,
            min_free_pct=10.0,
            auto_delete_oldest=True,
            problems=(),
        )

    async def clean(self, *, aggressive: bool) -> Cleanup:
        """See StorageKeeper."""
        self.cleanups.append(aggressive)
        return Cleanup({Reason.AGE: 3, Reason.QUOTA: 0, Reason.TOTAL: 0, Reason.SPACE: 0}, 300)


def _matches(recording: Recording, wanted: RecordingFilter) -> bool:
    return (
        (not wanted.streams or recording.stream_name in wanted.streams)
        and (wanted.start_us is None or recording.start_us >= wanted.start_us)
        and (wanted.end_us is None or recording.start_us <= wanted.end_us)
    )


def _key(recording: Recording, sort: RecordingSort) -> tuple[str | int, int]:
    keys: dict[RecordingSort, str | int] = {
        RecordingSort.ID: recording.id,
        RecordingSort.STREAM_NAME: recording.stream_name,
        RecordingSort.START_TIME: recording.start_us,
        RecordingSort.END_TIME: recording.end_us,
        RecordingSort.SIZE_BYTES: recording.size_bytes,
    }
    return keys[sort], recording.id


@dataclass(slots=True)
class NotedSupervisors:
    """Implements `StreamSupervisors`: notes what it is asked, and tells what it was told."""

    statuses: dict[int, StreamStatus] = field(default_factory=dict)
    applied: list[int] = field(default_factory=list)
    refreshed: list[int] = field(default_factory=list)

    def status(self, stream_id: int) -> StreamStatus:
        """See StreamSupervisors."""
        return self.statuses.get(stream_id, StreamStatus())

    def records(self, stream_id: int) -> bool:
        """Whether the stream is said to be recorded."""
        return self.status(stream_id).recording_why is not None

    async def apply(self, stream_id: int) -> None:
        """See StreamSupervisors."""
        self.applied.append(stream_id)

    async def refresh(self, stream_id: int) -> None:
        """See StreamSupervisors."""
        self.refreshed.append(stream_id)


@dataclass(slots=True)
class ToldProbe:
    """A probe of a camera with the password `right`, at any address."""

    asked: list[tuple[SourceAddress, Transport]] = field(default_factory=list)

    async def __call__(self, address: SourceAddress, transport: Transport) -> ProbeResult:
        """See Probe."""
        self.asked.append((address, transport))
        if address.password != "right":
            raise CameraError(Fault.UNAUTHORIZED, f"{address} refuses the user name or password.")
        return ProbeResult("h264", 1920, 1080, 14.99, "aac", None, recorded=True)


class NothingLive:
    """Streams of which none runs. Implements `LiveInputs`."""

    async def find(self, reference: str) -> LiveInput:
        """See LiveInputs."""
        raise StreamNotFound(reference)

    async def by_id(self, stream_id: int, *, is_sub: bool) -> LiveInput | None:
        """See LiveInputs."""
        return None
