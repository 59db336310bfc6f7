"""/api/motion: somebody says that something moves in front of a camera."""

import json
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from lightnvr.api.access import EDITOR, GuardedRoute
from lightnvr.api.dialects.motion import InMotionDialect
from lightnvr.api.errors import declared
from lightnvr.api.motion_body import UNREADABLE, TriggerBody, read_trigger
from lightnvr.api.seen import Seen, Sight
from lightnvr.api.services import ApiServices, Services
from lightnvr.api.validation import BadRequest
from lightnvr.events.edges import Origin
from lightnvr.events.triggers import Action, CannotTrigger, Trigger
from lightnvr.recording.model import TooManyTags
from lightnvr.streams.model import Stream, StreamNotFound
from lightnvr.streams.schedule import is_open
from lightnvr.streams.values import is_storable

router = APIRouter(prefix="/api/motion", tags=["Motion"], route_class=GuardedRoute)

_OFF = "Stream does not have detection-based recording enabled; the event was recorded but no recording was triggered"
_CLOSED = (
    "The event was recorded, but no recording was triggered because the stream is outside its detection recording "
    "schedule"
)
_PRIVATE = "The event was recorded, but no recording was triggered because the stream is in privacy mode"
_DISABLED = "The event was recorded, but no recording was triggered because the stream is disabled"
_CROWDED = "The open recording has so many tags already that none were added"
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["stream", "action"],
                    "properties": {
                        "stream": {"type": "string", "minLength": 1, "description": "Name of the stream, or its id."},
                        "action": {"type": "string", "enum": ["start", "stop", "pulse"]},
                        "duration_ms": {
                            "type": "integer",
                            "minimum": 1,
                            "maximum": 600_000,
                            "default": 2000,
                            "description": "How long a pulse lasts, in milliseconds.",
                        },
                        "label": {"type": "string", "minLength": 1, "description": "What is there."},
                        "objects": {
                            "type": "array",
                            "description": "More of what is there; 20 in all are stored.",
                            "items": {
                                "anyOf": [
                                    {"type": "string"},
                                    {
                                        "type": "object",
                                        "required": ["label"],
                                        "properties": {
                                            "label": {"type": "string"},
                                            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
                                        },
                                    },
                                ]
                            },
                        },
                        "confidence": {
                            "type": "number",
                            "minimum": 0,
                            "maximum": 1,
                            "default": 1,
                            "description": "How sure that is, a fraction, for all that do not say so themselves.",
                        },
                        "tags": {
                            "type": "array",
                            "items": {"type": "string"},
                            "description": "For the recording that is open now; 16 at most.",
                        },
                    },
                },
                "example": {
                    "stream": "Front Door",
                    "action": "pulse",
                    "duration_ms": 5000,
                    "objects": ["person", {"label": "dog", "confidence": 0.8}],
                },
            }
        },
    }
}


class Triggered(BaseModel):
    """What was done. `duration_ms` is there for a pulse only, `warning` only when no recording was triggered."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "success": True,
                "stream": "Front Door",
                "action": "pulse",
                "duration_ms": 5000,
                "recording_triggered": True,
                "detections_stored": 2,
                "tags_applied": 0,
            }
        }
    )

    success: bool
    stream: str
    action: Action
    duration_ms: int | None = Field(None, description="How long the pulse lasts, in milliseconds.")
    recording_triggered: bool = Field(description="Whether events of the stream are recorded now.")
    detections_stored: int
    tags_applied: int = Field(description="How many tags the recording got that was open.")
    warning: str | None = Field(None, description="Why nothing was triggered, or what was not done.")


class Tested(BaseModel):
    """A test event began."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"stream_name": "Front Door", "success": True, "message": "Test motion event triggered"}
        }
    )

    stream_name: str
    success: bool
    message: str


@router.post(
    "/trigger",
    response_model=Triggered,
    response_model_exclude_none=True,
    status_code=HTTPStatus.ACCEPTED,
    responses=declared(400, 401, 403, 404, 409, 413, 429),
    openapi_extra=_BODY,
    dependencies=[EDITOR],
    summary="Say that motion begins or ends",
)
async def trigger_motion(request: Request, services: Services, seen: Sight, dialect: InMotionDialect) -> Response:
    """Begins or ends an event of a stream: it is recorded from before it began until after it ended.

    `start` lasts until `stop`, for 10 minutes at most; `pulse` ends by itself. What is named is stored as detections.
    Streams that are linked to this one by `motion_trigger_source` are triggered too. 202 says that the event is taken;
    a camera that is away sends nothing to record. In the dialect `lightnvr` there is no 409, but a `warning`.
    """
    body = read_trigger(await _json(request))
    if not is_storable(body.stream):
        raise StreamNotFound(body.stream)
    stream = await seen.streams.find(body.stream)
    warning = _no_recording(services, stream)
    if dialect.refuses(records=stream.settings.detection_based_recording, stores=body.stores):
        raise CannotTrigger(
            f"{stream.name} does not have detection-based recording enabled: set detection_based_recording, or name "
            "what was seen."
        )
    stored = await services.triggers.pull(
        Trigger(stream.id, stream.name, body.action, duration_ms=body.duration_ms, named=body.named)
    )
    applied, crowded = await _tag(seen, stream, body)
    answer = Triggered(
        success=True,
        stream=stream.name,
        action=body.action,
        duration_ms=body.duration_ms if body.action is Action.PULSE else None,
        recording_triggered=not warning,
        detections_stored=stored,
        tags_applied=applied,
        warning=warning or crowded or None,
    )
    shown = answer.model_dump(mode="json", exclude_none=True)
    return JSONResponse(shown, status_code=HTTPStatus.ACCEPTED, headers={"Cache-Control": "no-store"})


@router.post(
    "/test/{stream_name}",
    response_model=Tested,
    responses=declared(400, 401, 403, 404, 409, 413, 429),
    dependencies=[EDITOR],
    summary="Try out what an event does",
)
async def test_motion(
    stream_name: Annotated[str, Path(description="Name of the stream, or its id.", examples=["Front Door"])],
    services: Services,
    seen: Sight,
    dialect: InMotionDialect,
) -> Tested:
    """The same as a pulse of two seconds: it is recorded, and linked streams are triggered too."""
    stream = await seen.streams.find(stream_name)
    if dialect.refuses(records=stream.settings.detection_based_recording, stores=False):
        raise CannotTrigger(f"{stream.name} does not have detection-based recording enabled.")
    await services.triggers.pull(Trigger(stream.id, stream.name, Action.PULSE, origin=Origin.TEST))
    return Tested(stream_name=stream.name, success=True, message="Test motion event triggered")


async def _json(request: Request) -> object:
    try:
        body: object = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise BadRequest(UNREADABLE) from None
    return body


def _no_recording(services: ApiServices, stream: Stream) -> str:
    settings = stream.settings
    if not settings.detection_based_recording:
        return _OFF
    if stream.privacy_mode:
        return _PRIVATE
    if not settings.enabled:
        return _DISABLED
    hours = settings.detection_recording_schedule
    if settings.detection_record_on_schedule and not is_open(hours, services.zone, services.now()):
        return _CLOSED
    return ""


async def _tag(seen: Seen, stream: Stream, body: TriggerBody) -> tuple[int, str]:
    recording_id = seen.recordings.open_id(stream.name) if body.tags else None
    if recording_id is None:
        return 0, ""
    try:
        await seen.marks.change_tags([recording_id], body.tags, ())
    except TooManyTags:
        return 0, _CROWDED
    return len(body.tags), ""
