"""/api/health: whether the server lives, and how its streams are."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from lightnvr.api.access import Anybody, GuardedRoute
from lightnvr.api.errors import declared
from lightnvr.api.seen import Sight
from lightnvr.api.services import ApiServices, Services
from lightnvr.api.times import iso
from lightnvr.recording.open_recordings import Written
from lightnvr.streams.model import Stream
from lightnvr.streams.status import RecordingState, StreamState, StreamStatus

router = APIRouter(tags=["Health"], route_class=GuardedRoute)


_EXAMPLE: JsonDict = {
    "healthy": True,
    "status": "healthy",
    "uptime": 86400,
    "totalRequests": 1000,
    "failedRequests": 0,
    "timestamp": "2026-08-01T12:00:00Z",
    "version": "1.0.0",
    "problems": [],
    "streams": {"total": 1, "up": 1, "degraded": 0, "down": 0},
    "storage": {"used_bytes": 412_316_860_416, "available_bytes": 587_683_139_584, "error": ""},
    "streams_detail": [
        {
            "name": "Front Door",
            "status": "up",
            "fps": 14.98,
            "bitrate_bps": 2_000_000,
            "uptime_seconds": 86_390,
            "reconnects": 0,
            "last_frame_ts": 1_785_585_600,
            "frames_total": 1_295_000,
            "frames_dropped": 0,
            "configured_fps": 15,
            "connection_latency_ms": 350.0,
            "recording_gaps": 0,
            "recording_active": True,
            "last_error": "",
            "recording_error": "",
        }
    ],
}


_SPARKLINES = {"sparkline_fps", "sparkline_bitrate"}


class Overall(StrEnum):
    """How the whole is: critical when a stream is down or the storage is gone, degraded when a recording fails."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    CRITICAL = "critical"


class StreamHealthState(StrEnum):
    """How one stream is: up, up but not as it should be, or without its camera."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"


class StreamCounts(BaseModel):
    """How many of the streams that should run are how."""

    total: int
    up: int
    degraded: int
    down: int


class StorageHealth(BaseModel):
    """How full the storage of recordings is; absent values cannot be read because the storage is not there."""

    used_bytes: int | None
    available_bytes: int | None
    error: str = Field("", description="Why the storage cannot be read, or empty.")


class StreamHealth(BaseModel):
    """How one stream is."""

    name: str
    status: StreamHealthState
    fps: float
    bitrate_bps: int
    uptime_seconds: int
    reconnects: int
    last_frame_ts: int
    frames_total: int
    frames_dropped: int
    configured_fps: int
    connection_latency_ms: float
    recording_gaps: int
    recording_active: bool
    last_error: str
    recording_error: str
    sparkline_fps: list[float] = Field(default_factory=list, description="With `sparklines`: the last five minutes.")
    sparkline_bitrate: list[float] = Field(default_factory=list, description="The same, in kbit/s.")


class Health(BaseModel):
    """Whether the server lives. What follows `timestamp` is for callers who are logged in."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    healthy: bool = True
    status: Overall = Field(examples=["healthy"])
    uptime: int = Field(examples=[86400], description="Seconds since the start.")
    timestamp: str = Field(examples=["2026-08-01T12:00:00Z"])
    totalRequests: int | None = Field(None, description="Since the start.")  # noqa: N815 - as the original has it
    failedRequests: int | None = Field(None, description="Those that failed in the server.")  # noqa: N815
    version: str | None = None
    problems: list[str] | None = Field(None, description="What is wrong with the server itself, in sentences.")
    streams: StreamCounts | None = None
    storage: StorageHealth | None = None
    streams_detail: list[StreamHealth] | None = None


@router.get("/api/health", response_model=Health, responses=declared(400, 429), summary="Health check")
async def health(
    services: Services,
    seen: Sight,
    caller: Anybody,
    sparklines: Annotated[
        bool, Query(description="Whether each stream shows the last five minutes, every five seconds.", examples=[True])
    ] = False,
) -> Response:
    """Always 200 while the server lives; `status` says how it is. Streams and storage are shown to users only."""
    running = [stream for stream in await seen.streams.every() if stream.settings.enabled and not stream.privacy_mode]
    written, now = services.system.written(), services.now()
    details = [
        _stream_health(stream, services.supervisors.status(stream.id), now, written.get(stream.name, Written()).gaps)
        for stream in running
    ]
    storage = await _storage(services)
    # They name streams.
    problems = list(services.problems()) if seen.everything else []
    answer = Health(
        status=_overall(details, storage, problems),
        uptime=int(services.uptime()),
        timestamp=iso(services.now()),
    )
    if caller is not None:
        answer.totalRequests = services.system.requests.total
        answer.failedRequests = services.system.requests.failed
        answer.version = services.options.version
        answer.problems = problems
        answer.streams = _counts(details)
        answer.storage = storage
        answer.streams_detail = details
    if sparklines:
        for detail, stream in zip(details, running, strict=True):
            samples = services.system.history(stream.id)
            detail.sparkline_fps = [round(sample.fps, 1) for sample in samples]
            detail.sparkline_bitrate = [round(sample.bitrate_bps / 1000, 1) for sample in samples]
    return Response(
        answer.model_dump_json(
            exclude_none=caller is None, exclude=None if sparklines else {"streams_detail": {"__all__": _SPARKLINES}}
        ),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


async def _storage(services: ApiServices) -> StorageHealth:
    try:
        space = await services.storage_space()
    except OSError as error:
        return StorageHealth(used_bytes=None, available_bytes=None, error=str(error.strerror or error))
    return StorageHealth(used_bytes=space.used_bytes, available_bytes=space.available_bytes)


def _stream_health(stream: Stream, status: StreamStatus, now: float, gaps: int) -> StreamHealth:
    connected = status.state is StreamState.CONNECTED
    failing = status.recording is RecordingState.FAILED
    state = StreamHealthState.DOWN
    if connected:
        state = StreamHealthState.DEGRADED if failing else StreamHealthState.UP
    since = status.connected_since
    return StreamHealth(
        name=stream.name,
        status=state,
        fps=round(status.fps, 2),
        bitrate_bps=status.bitrate_bps,
        uptime_seconds=0 if since is None or not connected else max(0, int(now - since)),
        reconnects=status.reconnects,
        last_frame_ts=int(status.last_packet_at or 0),
        frames_total=status.frames,
        frames_dropped=status.dropped_packets,
        configured_fps=stream.settings.fps,
        connection_latency_ms=round(status.connect_s * 1000, 1),
        recording_gaps=gaps,
        recording_active=status.recording is RecordingState.RECORDING,
        last_error=status.last_error or stream.problem,
        recording_error=status.recording_error,
    )


def _counts(details: list[StreamHealth]) -> StreamCounts:
    states = [detail.status for detail in details]
    return StreamCounts(
        total=len(states),
        up=states.count(StreamHealthState.UP),
        degraded=states.count(StreamHealthState.DEGRADED),
        down=states.count(StreamHealthState.DOWN),
    )


def _overall(details: list[StreamHealth], storage: StorageHealth, problems: list[str]) -> Overall:
    states = {detail.status for detail in details}
    if storage.error or StreamHealthState.DOWN in states:
        return Overall.CRITICAL
    return Overall.DEGRADED if problems or StreamHealthState.DEGRADED in states else Overall.HEALTHY
