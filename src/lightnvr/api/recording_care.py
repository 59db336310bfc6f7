"""/api/recordings: which recordings stay, and for how long."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from lightnvr.api.access import EDITOR, VIEWER, GuardedRoute
from lightnvr.api.answers import json_answer
from lightnvr.api.dialects.recordings import InRecordingDialect
from lightnvr.api.errors import declared
from lightnvr.api.recording_models import Pagination, RecordingAnswer
from lightnvr.api.recording_query import recording_answers
from lightnvr.api.recordings import RecordingId
from lightnvr.api.seen import Sight
from lightnvr.api.services import Services
from lightnvr.api.validation import BadRequest
from lightnvr.streams.settings import YesNo
from lightnvr.streams.values import Whole

router = APIRouter(prefix="/api/recordings", tags=["Recordings"], route_class=GuardedRoute)

_MOST_IDS = 10_000
_MOST_DAYS = 36_500


class ProtectBody(BaseModel):
    """Whether a recording is protected."""

    model_config = ConfigDict(title="Protect", json_schema_extra={"example": {"protected": True}})

    protected: YesNo = Field(description="Protected recordings are never deleted automatically.")


class ProtectionAnswer(BaseModel):
    """How it is now."""

    id: int = Field(examples=[4711])
    protected: bool
    message: Literal["Recording protected", "Recording unprotected"]


class RetentionBody(BaseModel):
    """How long a recording is kept."""

    model_config = ConfigDict(title="RecordingRetention", json_schema_extra={"example": {"retention_days": 90}})

    retention_days: Annotated[int, Whole(-(2**31), _MOST_DAYS)] = Field(
        description="Days, whatever the stream says; 0: without limit; negative: as long as the stream says again."
    )


class RetentionAnswer(BaseModel):
    """How it is now."""

    id: int = Field(examples=[4711])
    retention_days: int = Field(examples=[90], description="Days, 0 without limit, -1 as long as the stream says.")
    message: Literal["Custom retention set", "Retention override removed, using stream default"]


class BatchProtectBody(BaseModel):
    """Which recordings are protected, or not any more."""

    model_config = ConfigDict(
        title="BatchProtect", json_schema_extra={"example": {"ids": [4711, 4712], "protected": True}}
    )

    ids: list[Annotated[int, Whole(1, 2**63 - 1)]] = Field(max_length=_MOST_IDS, description="Ids of recordings.")
    protected: YesNo = Field(description="Protected recordings are never deleted automatically.")


class BatchProtected(BaseModel):
    """For how many recordings it is so now, and how many of the ids are of no recording."""

    success_count: int = Field(examples=[2])
    fail_count: int = Field(examples=[0])
    failed_ids: list[int] = Field(description="Ids of which there is no recording (any more).")
    protected: bool
    message: Literal["Recordings protected", "Recordings unprotected"]


class ProtectedRecordings(BaseModel):
    """Protected recordings, newest first, and how many there are."""

    protected_count: int = Field(examples=[1])
    stream_name: str | None = Field(examples=["Front Door"], description="The stream that was asked for.")
    recordings: list[RecordingAnswer]
    pagination: Pagination


@router.get(
    "/protected",
    response_model=ProtectedRecordings,
    responses=declared(400, 401, 429),
    dependencies=[VIEWER],
    summary="List protected recordings",
)
async def list_protected(
    services: Services,
    seen: Sight,
    stream: Annotated[str | None, Query(description="Name of one stream.", examples=["Front Door"])] = None,
    page: Annotated[int, Query(ge=1, le=10**12, description="Which page.", examples=[1])] = 1,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many a page.", examples=[20])] = 20,
) -> Response:
    """Recordings that are never deleted automatically, newest first, a page at a time."""
    if stream is not None and "\x00" in stream:
        raise BadRequest("stream must not hold control characters")
    some = await seen.care.protected_page(stream, offset=(page - 1) * limit, limit=limit)
    answer = ProtectedRecordings.model_construct(
        protected_count=some.total,
        stream_name=stream,
        recordings=await recording_answers(services, some.recordings),
        pagination=Pagination(page=page, pages=-(-some.total // limit), total=some.total, limit=limit),
    )
    return json_answer(answer)


@router.post(
    "/batch-protect",
    response_model=BatchProtected,
    responses=declared(400, 401, 403, 413, 429),
    dependencies=[EDITOR],
    summary="Protect several recordings",
)
async def batch_protect(body: BatchProtectBody, seen: Sight) -> Response:
    """Protects recordings, or takes their protection away, all in one step."""
    wanted = list(dict.fromkeys(body.ids))
    there = await seen.care.protect_all(wanted, body.protected)
    failed = [recording_id for recording_id in wanted if recording_id not in there]
    answer = BatchProtected(
        success_count=len(there),
        fail_count=len(failed),
        failed_ids=failed,
        protected=body.protected,
        message="Recordings protected" if body.protected else "Recordings unprotected",
    )
    return json_answer(answer)


@router.delete("/protected", status_code=405, include_in_schema=False, dependencies=[VIEWER])
@router.delete("/batch-protect", status_code=405, include_in_schema=False, dependencies=[VIEWER])
@router.get("/batch-protect", status_code=405, include_in_schema=False, dependencies=[VIEWER])
async def refuse_method() -> Response:
    """These addresses look like those of recordings, which take this method."""
    raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)


@router.put(
    "/{id}/protect",
    response_model=ProtectionAnswer,
    responses=declared(400, 401, 403, 404, 413, 429),
    dependencies=[EDITOR],
    summary="Protect a recording",
)
async def protect(
    recording_id: RecordingId, seen: Sight, dialect: InRecordingDialect, body: ProtectBody | None = None
) -> Response:
    """Protects a recording, or takes its protection away.

    Without a body it becomes the opposite of what it is; in the dialect `lightnvr` there must be one.
    """
    wanted = dialect.protection(None if body is None else body.protected)
    recording = await seen.care.protect(recording_id, wanted)
    answer = ProtectionAnswer(
        id=recording.id,
        protected=recording.protected,
        message="Recording protected" if recording.protected else "Recording unprotected",
    )
    return json_answer(answer)


@router.put(
    "/{id}/retention",
    response_model=RetentionAnswer,
    responses=declared(400, 401, 403, 404, 413, 429),
    dependencies=[EDITOR],
    summary="Set how long a recording is kept",
)
async def keep_for(recording_id: RecordingId, body: RetentionBody, seen: Sight) -> Response:
    """Has one recording kept longer, or not as long, as its stream says."""
    days = body.retention_days if body.retention_days >= 0 else None
    recording = await seen.care.keep_for(recording_id, days)
    answer = RetentionAnswer(
        id=recording.id,
        retention_days=-1 if recording.override_days is None else recording.override_days,
        message="Retention override removed, using stream default" if days is None else "Custom retention set",
    )
    return json_answer(answer)
