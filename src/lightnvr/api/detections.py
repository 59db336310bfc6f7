"""/api/detection/results: what was detected."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from lightnvr.api.access import VIEWER, GuardedRoute
from lightnvr.api.dialects.detections import InDetectionDialect
from lightnvr.api.errors import declared
from lightnvr.api.seen import Sight
from lightnvr.api.services import Services
from lightnvr.api.times import read_time
from lightnvr.detection.results import Span
from lightnvr.recording.detection import Detection
from lightnvr.streams.model import Stream, StreamNotFound

router = APIRouter(prefix="/api/detection", tags=["Detection"], route_class=GuardedRoute)

_LIVE = 20
_LEAST_WINDOW_S = 30


class DetectionAnswer(BaseModel):
    """Something that was seen: where in the picture, in fractions of it, and when, in Unix seconds."""

    model_config = ConfigDict(
        title="DetectionResult",
        json_schema_extra={
            "example": {
                "label": "person",
                "confidence": 0.91,
                "x": 0.4,
                "y": 0.3,
                "width": 0.1,
                "height": 0.4,
                "timestamp": 1785578400,
                "end_timestamp": 1785578400,
                "track_id": 7,
                "zone_id": "zone_1785578400000",
            }
        },
    )

    label: str
    confidence: float
    x: float
    y: float
    width: float
    height: float
    timestamp: int
    end_timestamp: int
    track_id: int | None = Field(None, description="What was followed over several pictures has the same; else absent.")
    zone_id: str | None = Field(None, description="The zone in which it was; absent without one.")


class DetectionList(BaseModel):
    """What was detected, the newest first."""

    detections: list[DetectionAnswer]
    timestamp: str = Field(examples=["2026-08-01T12:00:00Z"], description="The time now.")
    stream_status: str = Field(examples=["connected"], description="The state of the stream.")


def _answer(detection: Detection) -> DetectionAnswer:
    box = detection.box
    return DetectionAnswer.model_construct(
        label=detection.label,
        confidence=detection.score,
        x=box.x,
        y=box.y,
        width=box.width,
        height=box.height,
        timestamp=detection.start_us // 1_000_000,
        end_timestamp=detection.end_us // 1_000_000,
        track_id=detection.track_id,
        zone_id=detection.zone or None,
    )


@router.get(
    "/results/{stream_name}",
    response_model=DetectionList,
    responses=declared(400, 401, 404, 429),
    dependencies=[VIEWER],
    summary="Get what was detected",
)
async def detection_results(
    stream_name: Annotated[
        str, Path(description="Name of the stream, percent-encoded, or its id.", examples=["Front Door"])
    ],
    services: Services,
    seen: Sight,
    dialect: InDetectionDialect,
    start: Annotated[
        str | None, Query(description="From then on, in Unix seconds; 0 is no limit.", examples=["1785578400"])
    ] = None,
    end: Annotated[
        str | None, Query(description="Until then, in Unix seconds; 0 is no limit.", examples=["1785582000"])
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many of a span of time.", examples=[20])] = _LIVE,
    offset: Annotated[int, Query(ge=0, le=10**9, description="How many of the newest to leave out.", examples=[0])] = 0,
) -> Response:
    """The newest 20 of the last half minute, or of two intervals of detection if that is more.

    With `start` or `end` what was stored for that time.
    """
    start_us, end_us = _time("start", start), _time("end", end)
    stored = start_us is not None or end_us is not None
    stream: Stream | None = None
    try:
        stream = await seen.streams.find(stream_name)
    except StreamNotFound:
        if not (stored and dialect.tells_of_unknown_streams):
            raise
    found = [] if stream is None else await _found(services, stream, Span(start_us, end_us), limit, offset)
    now_s = services.now()
    answer = DetectionList.model_construct(
        detections=[_answer(detection) for detection in found],
        timestamp=dialect.timestamp(now_s, services.zone(now_s)),
        stream_status=dialect.status(None if stream is None else services.supervisors.status(stream.id).state),
    )
    return Response(
        answer.model_dump_json(exclude_none=True),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


async def _found(services: Services, stream: Stream, span: Span, limit: int, offset: int) -> list[Detection]:
    if span == Span():
        window_s = max(_LEAST_WINDOW_S, 2 * stream.settings.detection_interval)
        span, limit, offset = Span(int((services.now() - window_s) * 1e6)), _LIVE, 0
    return list(await services.detected.within(stream.name, span, limit=limit, offset=offset))


def _time(name: str, text: str | None) -> int | None:
    return None if not text or text == "0" else read_time(name, text, end_of_day=False)
