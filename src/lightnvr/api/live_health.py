"""/api/health/hls: how the live view is. The name is the original's; it is about every way of watching."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from lightnvr.api.access import Anybody, GuardedRoute
from lightnvr.api.errors import declared
from lightnvr.api.seen import Sight
from lightnvr.api.services import Services
from lightnvr.api.times import iso

router = APIRouter(tags=["Health"], route_class=GuardedRoute)

_EXAMPLE: JsonDict = {
    "healthy": True,
    "status": "ok",
    "watchdogRestartCount": 0,
    "timestamp": "2026-08-01T12:00:00Z",
    "failures": 0,
    "streams_watched": 2,
    "viewers": {"mse": 2, "webrtc": 1},
    "outputs": {"mp4": 1, "rtp": 1},
}


class LiveHealth(BaseModel):
    """How the live view is. What follows `timestamp` is for callers who are logged in."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    healthy: bool = Field(description="Whether no live output failed in the last five minutes.")
    status: str = Field(description="`ok`, or `degraded` when one did.")
    watchdogRestartCount: int = Field(description="How often a live output had to be made anew.")  # noqa: N815
    timestamp: str
    failures: int | None = Field(None, description="How often one ended because of an error; the log says why.")
    streams_watched: int | None = None
    viewers: dict[str, int] | None = Field(None, description="Who watches now, by way of watching.")
    outputs: dict[str, int] | None = Field(None, description="Live outputs that run, by kind. None unless watched.")


@router.get(
    "/api/health/hls", response_model=LiveHealth, responses=declared(429), summary="Health check of the live view"
)
async def live_health(services: Services, seen: Sight, caller: Anybody) -> Response:
    """Always 200 while the server lives. Who watches what is shown to users only."""
    live = services.live
    answer = LiveHealth(
        healthy=not live.failed_lately,
        status="degraded" if live.failed_lately else "ok",
        watchdogRestartCount=live.failures,
        timestamp=iso(services.now()),
    )
    if caller is not None:
        ids = {stream.id for stream in await seen.streams.every()}
        watchers = {key: count for key, count in live.audience.watchers().items() if key[1] in ids}
        answer.failures = live.failures
        answer.streams_watched = len({stream_id for _way, stream_id in watchers})
        answer.viewers = {}
        for (way, _stream_id), count in watchers.items():
            answer.viewers[way] = answer.viewers.get(way, 0) + count
        answer.outputs = dict(live.at_work())
    return Response(
        answer.model_dump_json(exclude_none=True),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
