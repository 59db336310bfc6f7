"""/api/streams/{name}/retention: how long a stream's recordings are kept."""

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from lightnvr.api.access import EDITOR, VIEWER, GuardedRoute
from lightnvr.api.answers import json_answer
from lightnvr.api.errors import declared
from lightnvr.api.seen import Sight
from lightnvr.api.streams import Reference
from lightnvr.streams.model import Stream, StreamChange
from lightnvr.streams.settings import StreamSettings
from lightnvr.streams.values import Whole

router = APIRouter(prefix="/api/streams", tags=["Streams"], route_class=GuardedRoute)

_DAYS = "Days that recordings are kept; -1: the general setting, 0: without limit."


class StreamRetentionBody(BaseModel):
    """A change: members that are not sent stay as they are."""

    model_config = ConfigDict(
        title="StreamRetentionChange", json_schema_extra={"example": {"retention_days": 14, "max_storage_mb": 200_000}}
    )

    retention_days: Annotated[int, Whole(-1, 365)] = Field(-1, description=_DAYS)
    detection_retention_days: Annotated[int, Whole(-1, 365)] = Field(-1, description="The same for detection clips.")
    max_storage_mb: Annotated[int, Whole(0, 2**31 - 1)] = Field(0, description="Quota in MiB; 0 is none.")


class StreamRetention(BaseModel):
    """How long the recordings of a stream are kept, and how much space they may take."""

    stream_name: str = Field(examples=["Front Door"])
    retention_days: int = Field(examples=[14], description=_DAYS)
    detection_retention_days: int = Field(examples=[-1], description="The same for detection clips.")
    max_storage_mb: int = Field(examples=[200_000], description="Quota in MiB; 0 is none.")


class StreamRetentionChanged(StreamRetention):
    """How it is now."""

    message: Literal["Retention config updated successfully"]


def _members(stream: Stream) -> dict[str, int | str]:
    settings = stream.settings
    return {
        "stream_name": stream.name,
        "retention_days": settings.retention_days,
        "detection_retention_days": settings.detection_retention_days,
        "max_storage_mb": settings.max_storage_mb,
    }


@router.get(
    "/{name}/retention",
    response_model=StreamRetention,
    responses=declared(400, 401, 404, 429),
    dependencies=[VIEWER],
    summary="Get how long a stream's recordings are kept",
)
async def get_retention(name: Reference, seen: Sight) -> Response:
    """How long the recordings of a stream are kept, and how much space they may take."""
    return json_answer(StreamRetention.model_validate(_members(await seen.streams.find(name))))


@router.put(
    "/{name}/retention",
    response_model=StreamRetentionChanged,
    responses=declared(400, 401, 403, 404, 413, 429),
    dependencies=[EDITOR],
    summary="Change how long a stream's recordings are kept",
)
async def change_retention(name: Reference, body: StreamRetentionBody, seen: Sight) -> Response:
    """Changes the members that are sent. What is too old or too much then is deleted within a minute or two."""
    settings = StreamSettings.model_validate(body.model_dump(exclude_unset=True))
    stream = await seen.streams.change(name, StreamChange(settings=settings))
    message = "Retention config updated successfully"
    return json_answer(StreamRetentionChanged.model_validate({**_members(stream), "message": message}))
