"""/api/recordings/sync: comparing the recordings with the files on the disks."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from lightnvr.api.access import EDITOR, VIEWER, GuardedRoute
from lightnvr.api.answers import json_answer
from lightnvr.api.errors import declared
from lightnvr.api.services import Services
from lightnvr.recording.service import SyncProgress

router = APIRouter(prefix="/api/recordings", tags=["Recordings"], route_class=GuardedRoute)


class SyncAnswer(BaseModel):
    """What was compared, and what came of it. Nothing is ever deleted."""

    model_config = ConfigDict(title="RecordingSync")

    success: bool = Field(examples=[True])
    message: str = Field(examples=["Recording sync complete"])
    state: Literal["idle", "running", "complete", "failed"] = Field(
        examples=["complete"], description="idle: not asked for since the start."
    )
    started_at: float = Field(examples=[1785578400.0], description="Seconds since 1970; 0: not yet.")
    finished_at: float = Field(examples=[1785578403.2], description="Seconds since 1970; 0: not yet.")
    rows: int = Field(examples=[4711], description="Recordings looked at.")
    files: int = Field(examples=[4713], description="Files looked at.")
    added: int = Field(examples=[2], description="Files that had no recording and have one now.")
    updated: int = Field(examples=[1], description="Recordings whose size or length was another.")
    missing: int = Field(examples=[0], description="Recordings marked because their file is gone.")
    returned: int = Field(examples=[0], description="Recordings whose file is back.")
    skipped: int = Field(examples=[0], description="Files that are no recordings of ours, left as they are.")
    failed: int = Field(examples=[0], description="Files that cannot be read or stored now; the log says why.")
    uncertain: int = Field(
        examples=[0], description="Recordings left as they are, because their stream's whole folder is gone."
    )
    unavailable: list[str] = Field(examples=[[]], description="Storages that are not there, and were left alone.")


@router.post(
    "/sync",
    response_model=SyncAnswer,
    responses=declared(400, 401, 403, 429),
    dependencies=[EDITOR],
    summary="Compare the recordings with the disks",
)
async def sync(
    services: Services,
    wait: Annotated[
        float, Query(ge=0, le=60, description="Seconds to wait for the end; it goes on afterwards.", examples=[10])
    ] = 10.0,
) -> Response:
    """Lists files that are not listed, and marks recordings whose files are gone. It runs in the background."""
    services.sync.start()
    return json_answer(_answer(await services.sync.wait(wait)))


@router.get(
    "/sync",
    response_model=SyncAnswer,
    responses=declared(401, 429),
    dependencies=[VIEWER],
    summary="Get how far the comparison has come",
)
async def sync_progress(services: Services) -> Response:
    """How far the comparison has come, or what the last one did."""
    return json_answer(_answer(services.sync.progress))


@router.delete("/sync", status_code=405, include_in_schema=False, dependencies=[VIEWER])
async def refuse_method() -> Response:
    """This address looks like that of a recording, which takes this method."""
    raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)


def _answer(progress: SyncProgress) -> SyncAnswer:
    message = "Recording sync complete"
    state: Literal["idle", "running", "complete", "failed"] = "complete"
    if progress.running:
        state, message = "running", "Recording sync goes on in the background"
    elif progress.error:
        state, message = "failed", f"Recording sync failed. {progress.error}"
    elif not progress.started_us:
        state, message = "idle", "The recordings were not compared since the start"
    if progress.unavailable:
        message += f"; not there, and left alone: {', '.join(progress.unavailable)}"
    return SyncAnswer(
        success=not progress.error,
        message=message,
        state=state,
        started_at=progress.started_us / 1e6,
        finished_at=progress.finished_us / 1e6,
        rows=progress.rows,
        files=progress.files,
        added=progress.added,
        updated=progress.updated,
        missing=progress.missing,
        returned=progress.returned,
        skipped=progress.skipped,
        failed=progress.failed,
        uncertain=progress.uncertain,
        unavailable=list(progress.unavailable),
    )
