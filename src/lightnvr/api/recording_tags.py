"""/api/recordings: tags, and what was detected."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from lightnvr.api.access import EDITOR, VIEWER, GuardedRoute
from lightnvr.api.answers import json_answer
from lightnvr.api.errors import declared
from lightnvr.api.recordings import RecordingId
from lightnvr.api.seen import Sight
from lightnvr.streams.values import Whole, is_storable

router = APIRouter(prefix="/api/recordings", tags=["Recordings"], route_class=GuardedRoute)

_MOST_IDS = 10_000
_MOST_TAGS = 64
_MOST_BYTES = 127


@dataclass(frozen=True, slots=True)
class _Tags:
    """Tags, each trimmed and once. Commas separate tags in lists, so that none can hold one."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        tag = core_schema.str_schema(max_length=_MOST_BYTES)
        return core_schema.no_info_before_validator_function(
            self._read, core_schema.list_schema(tag, max_length=_MOST_TAGS)
        )

    def _read(self, value: object) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
            raise _refuse("must be a list of texts")
        tags = sorted({tag.strip() for tag in value} - {""})
        if len(tags) > _MOST_TAGS:
            raise _refuse(f"must hold {_MOST_TAGS} tags at most")
        for tag in tags:
            if not is_storable(tag) or "," in tag:
                raise _refuse("must not hold commas or control characters")
            if len(tag.encode()) > _MOST_BYTES:
                raise _refuse(f"must hold tags of at most {_MOST_BYTES} bytes")
        return tags


def _refuse(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("not_allowed", "{sentence}", {"sentence": sentence})


Tags = Annotated[list[str], _Tags()]


class TagsBody(BaseModel):
    """The tags of a recording."""

    model_config = ConfigDict(title="Tags", json_schema_extra={"example": {"tags": ["delivery", "evidence"]}})

    tags: Tags = Field(description="All of them; those that are not here are taken away.")


class RecordingTags(BaseModel):
    """The tags of a recording, in the order of the alphabet."""

    id: int = Field(examples=[4711])
    tags: list[str] = Field(examples=[["delivery", "evidence"]])


class BatchTagsBody(BaseModel):
    """Tags that recordings get, and tags that they lose afterwards."""

    model_config = ConfigDict(
        title="BatchTags", json_schema_extra={"example": {"ids": [4711, 4712], "add": ["evidence"], "remove": ["new"]}}
    )

    ids: list[Annotated[int, Whole(1, 2**63 - 1)]] = Field(
        min_length=1, max_length=_MOST_IDS, description="Ids of recordings."
    )
    add: Tags = Field(default=[], description="Tags to add.")
    remove: Tags = Field(default=[], description="Tags to take away, after adding.")


class BatchTagged(BaseModel):
    """What was done."""

    recordings_count: int = Field(examples=[2], description="Of the ids, how many are of recordings.")
    tags_added: int = Field(examples=[2], description="Tags that a recording has and had not, all together.")
    tags_removed: int = Field(examples=[1], description="Tags that a recording had and has no more, all together.")
    failed_ids: list[int] = Field(description="Ids of which there is no recording (any more).")


class AllTags(BaseModel):
    """All tags that recordings have."""

    tags: list[str] = Field(examples=[["delivery", "evidence"]])


class AllLabels(BaseModel):
    """All labels that were ever detected."""

    labels: list[str] = Field(examples=[["car", "person"]])


@router.get(
    "/tags", response_model=AllTags, responses=declared(401, 429), dependencies=[VIEWER], summary="List all tags"
)
async def list_tags(seen: Sight) -> Response:
    """All tags that any recording has, in the order of the alphabet."""
    return json_answer(AllTags(tags=list(await seen.marks.tags())))


@router.get(
    "/detection-labels",
    response_model=AllLabels,
    responses=declared(401, 429),
    dependencies=[VIEWER],
    summary="List all detection labels",
)
async def list_labels(seen: Sight) -> Response:
    """All labels that were ever detected, in the order of the alphabet."""
    return json_answer(AllLabels(labels=list(await seen.marks.labels())))


@router.post(
    "/batch-tags",
    response_model=BatchTagged,
    responses=declared(400, 401, 403, 413, 429),
    dependencies=[EDITOR],
    summary="Tag several recordings",
)
async def batch_tags(body: BatchTagsBody, seen: Sight) -> Response:
    """Adds tags to recordings, then takes tags away, all in one step."""
    wanted = list(dict.fromkeys(body.ids))
    changed = await seen.marks.change_tags(wanted, body.add, body.remove)
    answer = BatchTagged(
        recordings_count=len(changed.recording_ids),
        tags_added=changed.added,
        tags_removed=changed.removed,
        failed_ids=[key for key in wanted if key not in changed.recording_ids],
    )
    return json_answer(answer)


@router.delete("/tags", status_code=405, include_in_schema=False, dependencies=[VIEWER])
@router.delete("/detection-labels", status_code=405, include_in_schema=False, dependencies=[VIEWER])
@router.delete("/batch-tags", status_code=405, include_in_schema=False, dependencies=[VIEWER])
@router.get("/batch-tags", status_code=405, include_in_schema=False, dependencies=[VIEWER])
async def refuse_method() -> Response:
    """These addresses look like those of recordings, which take this method."""
    raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)


@router.get(
    "/{id}/tags",
    response_model=RecordingTags,
    responses=declared(400, 401, 404, 429),
    dependencies=[VIEWER],
    summary="Get the tags of a recording",
)
async def get_tags(recording_id: RecordingId, seen: Sight) -> Response:
    """The tags of one recording, in the order of the alphabet."""
    recording = await seen.recordings.get(recording_id)
    marks = (await seen.marks.of([recording.id])).get(recording.id)
    return json_answer(RecordingTags(id=recording.id, tags=[] if marks is None else list(marks.tags)))


@router.put(
    "/{id}/tags",
    response_model=RecordingTags,
    responses=declared(400, 401, 403, 404, 413, 429),
    dependencies=[EDITOR],
    summary="Set the tags of a recording",
)
async def set_tags(recording_id: RecordingId, body: TagsBody, seen: Sight) -> Response:
    """Gives one recording these tags and no others."""
    return json_answer(RecordingTags(id=recording_id, tags=list(await seen.marks.set_tags(recording_id, body.tags))))
