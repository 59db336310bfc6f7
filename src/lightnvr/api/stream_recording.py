"""/api/streams/{name}/recording: what is being recorded of a stream, and recording by hand."""

from http import HTTPStatus
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from lightnvr.api.access import EDITOR, GuardedRoute, Viewer
from lightnvr.api.answers import json_answer
from lightnvr.api.errors import Responses, declared
from lightnvr.api.seen import Sight
from lightnvr.api.services import ApiServices, Services
from lightnvr.api.streams import Reference
from lightnvr.api.times import iso_or_none
from lightnvr.recording.model import CaptureMethod
from lightnvr.streams.model import Stream
from lightnvr.streams.schedule import schedule_state
from lightnvr.streams.status import RecordingState

router = APIRouter(prefix="/api/streams", tags=["Streams"], route_class=GuardedRoute)

_CONFLICT = "Only an active manual recording can be stopped here"


class StreamRecording(BaseModel):
    """What is being recorded of a stream at this moment, and whether that can be changed by hand."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "stream": "Front Door",
                "state": "recording",
                "recording_active": True,
                "capture_method": "scheduled",
                "recording_id": 4711,
                "manual_control_allowed": False,
                "manual_control_reason": "continuous_recording",
                "schedule_changes_at": "2026-08-01T16:00:00Z",
            }
        }
    )

    stream: str
    state: Literal["idle", "starting", "recording"] = Field(
        description="starting: it is to be recorded, but nothing reaches the disk yet."
    )
    recording_active: bool = Field(description="Whether it is to be recorded: also true while starting.")
    capture_method: CaptureMethod | None = Field(description="Why; null when idle.")
    recording_id: int | None = Field(description="The recording being written; null before it is listed.")
    manual_control_allowed: bool = Field(description="Whether the caller may start or stop a recording now.")
    manual_control_reason: Literal["read_only", "continuous_recording", "switched_off"] | None = Field(
        description="Why not: a viewer, it records by itself, or it is disabled or in privacy mode."
    )
    schedule_changes_at: str | None = Field(
        description="When recording_schedule starts or ends recording next; null without one that does.",
    )


class RecordingSwitch(BaseModel):
    """What is to be done."""

    model_config = ConfigDict(json_schema_extra={"example": {"action": "start"}})

    action: Literal["start", "stop"]


class RecordingSwitched(BaseModel):
    """What was done."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"success": True, "stream": "Front Door", "action": "start", "state": "starting"}}
    )

    success: Literal[True] = True
    stream: str
    action: Literal["start", "stop"]
    state: Literal["starting", "idle"]


def _responses(*statuses: int) -> Responses:
    conflict: dict[str, Any] = {"content": {"application/json": {"example": {"error": _CONFLICT}}}}
    answers = declared(*statuses, 409)
    answers[409] = {**answers[409], **conflict}
    return answers


@router.get(
    "/{name}/recording",
    response_model=StreamRecording,
    responses=declared(400, 401, 404, 429),
    summary="Get what is being recorded of a stream",
)
async def get_recording(name: Reference, services: Services, seen: Sight, caller: Viewer) -> Response:
    """Whether a stream is being recorded at this moment, and why."""
    stream = await seen.streams.find(name)
    status = services.supervisors.status(stream.id)
    reason = _no_control(services, stream, status.recording_why, may_write=caller.role.may_write)
    state: Literal["idle", "starting", "recording"] = "idle"
    if status.recording_why is not None:
        state = "recording" if status.recording is RecordingState.RECORDING else "starting"
    answer = StreamRecording(
        stream=stream.name,
        state=state,
        recording_active=status.recording_why is not None,
        capture_method=status.recording_why,
        recording_id=seen.recordings.open_id(stream.name) if state == "recording" else None,
        manual_control_allowed=reason is None,
        manual_control_reason=reason,
        schedule_changes_at=_schedule_changes_at(services, stream),
    )
    return json_answer(answer)


@router.post(
    "/{name}/recording",
    response_model=RecordingSwitched,
    status_code=HTTPStatus.ACCEPTED,
    responses={
        **_responses(400, 401, 403, 404, 413, 429),
        200: {
            "model": RecordingSwitched,
            "description": "The recording is stopped",
            "content": {
                "application/json": {
                    "example": {"success": True, "stream": "Front Door", "action": "stop", "state": "idle"}
                }
            },
        },
    },
    dependencies=[EDITOR],
    summary="Start or stop recording by hand",
)
async def switch_recording(name: Reference, body: RecordingSwitch, services: Services, seen: Sight) -> Response:
    """Starts a recording that goes on until it is stopped here, also after a restart; or stops one.

    `start` is answered with 202 when it is stored: recording begins with the latest keyframe, or as soon as the camera
    is connected. `stop` is answered with 200 when what has arrived is written. 409 when the stream records by itself,
    or there is nothing that was started by hand.
    """
    stream = await seen.streams.find(name)
    starts = body.action == "start"
    if starts:
        await services.manual.start(stream)
    else:
        await services.manual.stop(stream)
    await services.supervisors.apply(stream.id)
    answer = RecordingSwitched(stream=stream.name, action=body.action, state="starting" if starts else "idle")
    return json_answer(answer, status=HTTPStatus.ACCEPTED if starts else HTTPStatus.OK)


def _no_control(
    services: ApiServices, stream: Stream, why: CaptureMethod | None, *, may_write: bool
) -> Literal["read_only", "continuous_recording", "switched_off"] | None:
    if not may_write:
        return "read_only"
    if why is CaptureMethod.MANUAL:
        return None
    if stream.privacy_mode or not stream.settings.enabled:
        return "switched_off"
    return "continuous_recording" if why is not None or services.manual.is_due_anyway(stream) else None


def _schedule_changes_at(services: ApiServices, stream: Stream) -> str | None:
    settings = stream.settings
    if not (settings.record and settings.record_on_schedule):
        return None
    return iso_or_none(schedule_state(settings.recording_schedule, services.zone, services.now()).changes_at)
