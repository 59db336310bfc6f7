"""/api/recordings: deleting many recordings, and downloading several as one file."""

from collections.abc import AsyncIterator, Iterator, Sequence
from http import HTTPStatus
from typing import Annotated, Literal

import anyio
from fastapi import APIRouter, HTTPException, Path, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from lightnvr.api.access import VIEWER, Editor, GuardedRoute, Viewer
from lightnvr.api.answers import json_answer
from lightnvr.api.auditing import note_of
from lightnvr.api.errors import declared
from lightnvr.api.recording_query import methods, names
from lightnvr.api.recordings import attachment
from lightnvr.api.seen import Sight
from lightnvr.api.services import Services
from lightnvr.api.times import read_time
from lightnvr.api.validation import BadRequest
from lightnvr.playback.zip_stream import zip_size, zip_stream
from lightnvr.recording.model import RecordingFilter
from lightnvr.recording.service import DeletionProgress, JobState
from lightnvr.streams.values import Text, Whole

router = APIRouter(prefix="/api/recordings", tags=["Recordings"], route_class=GuardedRoute)

_MOST_DELETED = 100_000
_MOST_PACKED = 200
_TOLD = 400
_TOLD_IDS = 50
_TOKEN = "3f0c0c1e-6d5a-4c1a-9d0e-2b7a1c9e4f10"  # noqa: S105 - an example
_Id = Annotated[int, Whole(1, 2**63 - 1)]
_Three = Annotated[int, Whole(-1, 1)]
_Text = Annotated[str, Text(8192)]
_Job = Annotated[
    str, Path(alias="job_id", max_length=64, description="From the answer to the request.", examples=[_TOKEN])
]
_Token = Annotated[
    str, Path(alias="token", max_length=64, description="From the answer to the request.", examples=[_TOKEN])
]


class DeletionFilter(BaseModel):
    """Which recordings are deleted: all that are as everything here says. Whatever is not known here is refused."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"stream_name": "Front Door", "end": "2026-08-01T00:00:00Z"}}
    )

    start: _Text | None = Field(None, description="They began at this time or later.")
    end: _Text | None = Field(None, description="They began at this time or earlier.")
    stream_name: _Text | None = Field(None, description="Names of streams, separated by commas.")
    stream: _Text | None = Field(None, description="The same, where there is no stream_name.")
    detection: _Three = Field(0, description="1: only with detections, -1: only without, 0: both.")
    detection_label: _Text | None = Field(None, description="Labels or parts of them, separated by commas.")
    tag: _Text | None = Field(None, description="Tags, separated by commas.")
    capture_method: _Text | None = Field(None, description="Capture methods, separated by commas.")
    protected: _Three = Field(-1, description="Nothing protected is deleted: 0 and -1 mean the same.")


class BatchDeleteBody(BaseModel):
    """Which recordings are deleted: these, or all of a filter."""

    model_config = ConfigDict(title="BatchDelete", json_schema_extra={"example": {"ids": [4711, 4712]}})

    ids: Annotated[list[_Id], Field(min_length=1, max_length=_MOST_DELETED)] | None = Field(
        None, description="Ids of recordings; with them the filter is not looked at."
    )
    filter: DeletionFilter | None = Field(None, description="At least one condition beside protected.")


class DeletionStarted(BaseModel):
    """Where to ask how far it is."""

    job_id: str = Field(examples=[_TOKEN])
    status: Literal["started"] = "started"


class DeletionState(BaseModel):
    """How far a deletion is."""

    job_id: str = Field(examples=[_TOKEN])
    status: JobState = Field(examples=["running"])
    total: int = Field(examples=[52], description="0 until the recordings of a filter were counted.")
    current: int = Field(examples=[10])
    succeeded: int = Field(examples=[9])
    failed: int = Field(
        examples=[1], description="They stay: protected, being written, not there, or their files cannot be removed."
    )
    status_message: str = Field(examples=["Deleting recordings... 10/52"])
    error_message: str = Field(examples=[""], description="Why it ended early, or empty.")
    complete: bool = Field(examples=[False], description="Whether it ended, well or not.")


class BatchDownloadBody(BaseModel):
    """Which recordings are packed."""

    model_config = ConfigDict(
        title="BatchDownload", json_schema_extra={"example": {"ids": [4711, 4712], "filename": "evidence.zip"}}
    )

    ids: list[_Id] = Field(min_length=1, max_length=_MOST_PACKED, description="Ids of recordings.")
    filename: Annotated[str, Text(255)] = Field("recordings.zip", description="The name that it is saved under.")


class DownloadStarted(BaseModel):
    """Where to fetch it."""

    token: str = Field(examples=[_TOKEN])
    total: int = Field(examples=[2], description="Recordings in it.")
    missing_ids: list[int] = Field(description="Ids of which there is no recording, or no file.")


class DownloadState(BaseModel):
    """It can be fetched at once: it is packed while it is sent."""

    status: JobState = Field(examples=["complete"])
    current: int = Field(examples=[2])
    total: int = Field(examples=[2])
    error: str = Field(examples=[""])


@router.post(
    "/batch-delete",
    status_code=202,
    response_model=DeletionStarted,
    responses=declared(400, 401, 403, 413, 429, 503),
    summary="Delete many recordings",
)
async def batch_delete(request: Request, body: BatchDeleteBody, seen: Sight, caller: Editor) -> Response:
    """Begins to delete recordings, in the background. Protected ones and those being written stay."""
    note_of(request).target = _told(body)
    if body.ids is not None:
        job = await seen.deletions.start(caller.id, list(dict.fromkeys(body.ids)))
    elif body.filter is not None:
        job = await seen.deletions.start(caller.id, _wanted(body.filter))
    else:
        raise BadRequest("ids or filter must be there: which recordings are to be deleted")
    return json_answer(DeletionStarted(job_id=job.job_id), status=HTTPStatus.ACCEPTED)


@router.get(
    "/batch-delete/progress/{job_id}",
    response_model=DeletionState,
    responses=declared(400, 401, 404, 429),
    summary="Get how far a deletion is",
)
async def deletion_progress(job_id: _Job, seen: Sight, caller: Viewer) -> Response:
    """How far it is, for the one who began it, until five minutes after its end."""
    return json_answer(_state(seen.deletions.progress(caller.id, job_id)))


@router.post(
    "/batch-download",
    status_code=202,
    response_model=DownloadStarted,
    responses=declared(400, 401, 403, 404, 413, 429, 503),
    summary="Download several recordings",
)
async def batch_download(
    request: Request, body: BatchDownloadBody, services: Services, seen: Sight, caller: Viewer
) -> Response:
    """Gives a token with which the recordings can be fetched as one ZIP, until ten minutes after the last time."""
    note_of(request).target = _ids(body.ids)
    download = await services.downloads.start(
        caller.id, seen.recordings, body.ids, body.filename.strip() or "recordings.zip"
    )
    answer = DownloadStarted(
        token=download.token, total=len(download.recording_ids), missing_ids=list(download.missing)
    )
    return json_answer(answer, status=HTTPStatus.ACCEPTED)


@router.get(
    "/batch-download/status/{token}",
    response_model=DownloadState,
    responses=declared(400, 401, 404, 429),
    summary="Get the state of a download",
)
async def download_status(token: _Token, services: Services, caller: Viewer) -> Response:
    """Whether it can be fetched, for the one who asked for it."""
    total = len(services.downloads.find(caller.id, token).recording_ids)
    return json_answer(DownloadState(status=JobState.COMPLETE, current=total, total=total, error=""))


@router.get(
    "/batch-download/result/{token}",
    response_class=Response,
    responses={200: {"description": "The ZIP.", "content": {"application/zip": {}}}, **declared(400, 401, 404, 429)},
    summary="Fetch a download",
)
async def download_result(token: _Token, services: Services, seen: Sight, caller: Viewer) -> Response:
    """The recordings as one ZIP, packed while it is sent. It can be fetched again."""
    download, entries = await services.downloads.entries(caller.id, seen.recordings, token)
    headers = {
        "Content-Disposition": attachment(download.filename),
        "Content-Length": str(zip_size(entries)),
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(_sent(zip_stream(entries)), media_type="application/zip", headers=headers)


async def _sent(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (piece := await anyio.to_thread.run_sync(next, pieces, None)) is not None:
        if piece:
            yield piece


@router.delete("/batch-delete", status_code=405, include_in_schema=False, dependencies=[VIEWER])
@router.get("/batch-delete", status_code=405, include_in_schema=False, dependencies=[VIEWER])
@router.delete("/batch-download", status_code=405, include_in_schema=False, dependencies=[VIEWER])
@router.get("/batch-download", status_code=405, include_in_schema=False, dependencies=[VIEWER])
async def refuse_method() -> Response:
    """These addresses look like those of recordings, which take this method."""
    raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)


def _told(body: BatchDeleteBody) -> str:
    """Return what the audit log says is to be deleted."""
    if body.ids is not None:
        return _ids(body.ids)
    return "" if body.filter is None else body.filter.model_dump_json(exclude_unset=True)[:_TOLD]


def _ids(recording_ids: Sequence[int]) -> str:
    text = ", ".join(map(str, recording_ids[:_TOLD_IDS]))
    return text if len(recording_ids) <= _TOLD_IDS else f"{text} and {len(recording_ids) - _TOLD_IDS} more"


def _wanted(asked: DeletionFilter) -> RecordingFilter:
    """Return what is asked for. Raises BadRequest when that is nothing in particular, or a list without a name."""

    def listed(member: str, text: str | None) -> tuple[str, ...]:
        found = names(member, text)
        if text is not None and not found:
            raise BadRequest(f"{member} must not be empty")
        return found

    of_stream = "stream" if asked.stream_name is None else "stream_name"
    streams = asked.stream if asked.stream_name is None else asked.stream_name
    listed("capture_method", asked.capture_method)
    wanted = RecordingFilter(
        streams=listed(of_stream, streams),
        start_us=None if asked.start is None else read_time("start", asked.start, end_of_day=False),
        end_us=None if asked.end is None else read_time("end", asked.end, end_of_day=True),
        methods=methods("capture_method", asked.capture_method),
        detected={-1: False, 0: None, 1: True}[asked.detection],
        labels=listed("detection_label", asked.detection_label),
        tags=listed("tag", asked.tag),
    )
    if wanted == RecordingFilter():
        raise BadRequest("filter must say which recordings: it would take all of them")
    if asked.protected == 1:
        raise BadRequest("protected must be 0 or -1: protected recordings are not deleted")
    return wanted


def _state(progress: DeletionProgress) -> DeletionState:
    current = progress.succeeded + progress.failed
    messages = {
        JobState.PENDING: "Starting batch delete operation...",
        JobState.RUNNING: f"Deleting recordings... {current}/{progress.total}",
        JobState.COMPLETE: "Batch delete operation complete",
        JobState.ERROR: f"Error: {progress.error}",
    }
    return DeletionState(
        job_id=progress.job_id,
        status=progress.state,
        total=progress.total,
        current=current,
        succeeded=progress.succeeded,
        failed=progress.failed,
        status_message=messages[progress.state],
        error_message=progress.error,
        complete=progress.state in {JobState.COMPLETE, JobState.ERROR},
    )
