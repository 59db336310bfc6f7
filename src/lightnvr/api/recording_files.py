"""/api/recordings/files: single files on the disk."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from lightnvr.api.access import VIEWER, Administrator, GuardedRoute
from lightnvr.api.answers import json_answer
from lightnvr.api.errors import declared
from lightnvr.api.seen import Sight
from lightnvr.api.services import Services

router = APIRouter(prefix="/api/recordings", tags=["Recordings"], route_class=GuardedRoute)

FilePath = Annotated[
    str,
    Query(
        max_length=4096,
        description="Absolute path of a file in a storage's folders of recordings, without links and without '..'.",
        examples=["/var/lib/lightnvr/recordings/mp4/Front_Door/2026/08/01/recording_20260801_100000.mp4"],
    ),
]


class FileState(BaseModel):
    """What is there. Of a file that is not, nothing else is told."""

    model_config = ConfigDict(
        title="RecordingFile", json_schema_extra={"example": {"exists": True, "size": 124151398, "mtime": 1785579300}}
    )

    exists: bool
    size: int | None = Field(None, description="Bytes.")
    mtime: int | None = Field(None, description="Seconds since 1970.")


class FileDeleted(BaseModel):
    """It is not there any more."""

    success: bool = True
    existed: bool = Field(examples=[True], description="Whether it was there.")


@router.get(
    "/files/check",
    response_model=FileState,
    responses=declared(400, 401, 403, 429),
    summary="Look whether a file is there",
)
async def check(path: FilePath, services: Services, seen: Sight, _caller: Administrator) -> Response:
    """Whether a file is on the disk, how large it is and when it was changed."""
    seen.require_everything()
    facts = await services.files.look(path)
    if facts is None:
        return Response('{"exists":false}', media_type="application/json", headers={"Cache-Control": "no-store"})
    return json_answer(FileState(exists=True, size=facts.size_bytes, mtime=int(facts.modified_s)))


@router.delete(
    "/files",
    response_model=FileDeleted,
    responses=declared(400, 401, 403, 409, 429, 503),
    summary="Delete a file",
)
async def delete(path: FilePath, services: Services, seen: Sight, _caller: Administrator) -> Response:
    """Deletes a file, and with it the recording that it is of. One that is protected or being written stays."""
    seen.require_everything()
    return json_answer(FileDeleted(existed=await services.files.delete(path)))


@router.get("/files", status_code=405, include_in_schema=False, dependencies=[VIEWER])
async def refuse_method() -> Response:
    """This address looks like that of a recording, which takes this method."""
    raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)
