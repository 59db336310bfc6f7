"""Recordings as they are on the wire."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from lightnvr.api.services import StorageRoots
from lightnvr.api.times import iso
from lightnvr.recording.model import BY_DETECTION, CaptureMethod, Marks, Recording, Tier

_EXAMPLE: JsonDict = {
    "id": 4711,
    "stream": "Front Door",
    "file_path": "/var/lib/lightnvr/recordings/mp4/Front_Door/2026/08/01/recording_20260801_100000.mp4",
    "start_time": "2026-08-01T10:00:00Z",
    "end_time": "2026-08-01T10:15:00Z",
    "start_time_unix": 1785578400,
    "end_time_unix": 1785579300,
    "duration": 900,
    "size": "118.4 MB",
    "size_bytes": 124151398,
    "capture_method": "continuous",
    "schedule_restricted": False,
    "has_detection": False,
    "protected": False,
    "detection_labels": [],
    "tags": [],
    "complete": True,
    "codec": "h264",
    "width": 1920,
    "height": 1080,
    "fps": 15.0,
    "damaged": "",
    "retention_days": 90,
    "retention_tier": "standard",
    "storage": "main",
    "offline": False,
}


class DetectionLabel(BaseModel):
    """How often something was detected while the recording was made."""

    label: str
    count: int


class RecordingAnswer(BaseModel):
    """One recording. One that is being written has `complete` false and the end of what is on disk so far."""

    model_config = ConfigDict(title="Recording", json_schema_extra={"example": _EXAMPLE})

    id: int
    stream: str
    file_path: str = Field(description="Path of the file on the server.")
    start_time: str
    end_time: str
    start_time_unix: int
    end_time_unix: int
    duration: int = Field(description="Seconds.")
    size: str
    size_bytes: int
    capture_method: CaptureMethod
    schedule_restricted: bool
    has_detection: bool
    protected: bool
    detection_labels: list[DetectionLabel] = Field(description="The most frequent first, ten at most.")
    tags: list[str] = Field(description="In the order of the alphabet.")
    complete: bool
    codec: str
    width: int
    height: int
    fps: float
    damaged: str = Field(description="Empty, or what is wrong with the file.")
    retention_days: int | None = Field(description="Days that it is kept, 0 without limit; null: as its stream says.")
    retention_tier: Tier = Field(description="How much it matters.")
    storage: str = Field(description="Name of the storage that its file is on.")
    offline: bool = Field(description="Whether that storage is not there now, so that it cannot be played.")


class Pagination(BaseModel):
    """Which part of the list this is."""

    page: int = Field(examples=[1])
    pages: int = Field(examples=[3])
    total: int = Field(examples=[52])
    limit: int = Field(examples=[20])


class RecordingList(BaseModel):
    """Some recordings."""

    recordings: list[RecordingAnswer]
    pagination: Pagination


class RecordingDeleted(BaseModel):
    """The recording is gone."""

    success: bool = True
    message: str = "Recording deleted successfully"


_UNMARKED = Marks()


def recording_answer(recording: Recording, roots: StorageRoots, marks: Mapping[int, Marks]) -> RecordingAnswer:
    """Return the wire form of a recording; `roots` knows the storages, `marks` has what is marked, by id."""
    mine = marks.get(recording.id, _UNMARKED)
    start_s, end_s = recording.start_us // 1_000_000, recording.end_us // 1_000_000
    root = roots.get(recording.storage_id)
    return RecordingAnswer.model_construct(
        id=recording.id,
        stream=recording.stream_name,
        file_path=recording.path if root is None else str(root / recording.path),
        start_time=iso(start_s),
        end_time=iso(end_s),
        start_time_unix=start_s,
        end_time_unix=end_s,
        duration=max(0, round((recording.end_us - recording.start_us) / 1e6)),
        size=size_text(recording.size_bytes),
        size_bytes=recording.size_bytes,
        capture_method=recording.capture_method,
        schedule_restricted=recording.schedule_restricted,
        has_detection=bool(mine.labels) or recording.capture_method in BY_DETECTION,
        protected=recording.protected,
        detection_labels=[DetectionLabel.model_construct(label=label, count=many) for label, many in mine.labels],
        tags=list(mine.tags),
        complete=recording.complete,
        codec=recording.codec,
        width=recording.width,
        height=recording.height,
        fps=recording.fps,
        damaged=recording.damaged,
        retention_days=recording.override_days,
        retention_tier=recording.tier,
        storage=roots.name(recording.storage_id),
        offline=bool(roots.error(recording.storage_id)),
    )


def size_text(size_bytes: int) -> str:
    """Return a size as people read it: `512 B`, `1.8 MB`."""
    if size_bytes < 1024:
        return f"{size_bytes} B"
    if size_bytes < 1024**2:
        return f"{size_bytes / 1024:.1f} KB"
    if size_bytes < 1024**3:
        return f"{size_bytes / 1024**2:.1f} MB"
    return f"{size_bytes / 1024**3:.1f} GB"
