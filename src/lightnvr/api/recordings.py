"""/api/recordings: what was recorded."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Annotated, Literal, TypedDict
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.params import Depends
from fastapi.responses import StreamingResponse
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from lightnvr.accounts.model import Role
from lightnvr.api.access import VIEWER, Editor, Forbidden, GuardedRoute
from lightnvr.api.answers import json_answer
from lightnvr.api.dialects.recordings import InRecordingDialect, ReadRecordings
from lightnvr.api.errors import Responses, declared
from lightnvr.api.files import file_answer
from lightnvr.api.recording_models import (
    Pagination,
    RecordingAnswer,
    RecordingDeleted,
    RecordingList,
)
from lightnvr.api.recording_query import Having, recording_answers, stream_names
from lightnvr.api.seen import Sight
from lightnvr.api.services import ApiServices, Services
from lightnvr.api.times import read_time
from lightnvr.recording.model import RecordingFilter, RecordingPage, RecordingSort

router = APIRouter(prefix="/api/recordings", tags=["Recordings"], route_class=GuardedRoute)

_MAX_LIMIT = 1000
_DEFAULT_LIMIT = 20
_MAX_PAGE = 10**12
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_MEDIA: Responses = {
    200: {"description": "The whole file.", "content": {"video/mp4": _BYTES}},
    206: {"description": "A part of the file.", "content": {"video/mp4": _BYTES}},
    304: {"description": "The file is the one that the client has already."},
}


class MediaRoute(TypedDict):
    """How a route that sends a media file is declared."""

    response_class: type[Response]
    responses: Responses
    dependencies: list[Depends]
    summary: str


def media_route(summary: str) -> MediaRoute:
    """Return what every route that sends a media file declares."""
    return {
        "response_class": Response,
        "responses": _MEDIA | declared(400, 401, 403, 404, 416, 429, 503),
        "dependencies": [VIEWER],
        "summary": summary,
    }


RecordingId = Annotated[int, Path(alias="id", ge=1, le=2**63 - 1, description="Id of the recording.", examples=[4711])]
Time = "ISO 8601 with any offset (none is UTC), a date, or Unix seconds."


def _limit(value: object) -> int | str:
    text = str(value).lower()
    if text == "all":
        return text
    if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _MAX_LIMIT:
        return int(text)
    raise PydanticCustomError("not_allowed", "{sentence}", {"sentence": f"must be 1 to {_MAX_LIMIT}, or all"})


Limit = Annotated[Annotated[int, Field(ge=1, le=_MAX_LIMIT)] | Literal["all"], BeforeValidator(_limit)]


@router.get(
    "",
    response_model=RecordingList,
    responses=declared(400, 401, 429),
    dependencies=[VIEWER],
    summary="List recordings",
)
async def list_recordings(
    services: Services,
    having: Having,
    seen: Sight,
    dialect: InRecordingDialect,
    stream: Annotated[
        str | None, Query(description="Names of streams, separated by commas.", examples=["Front Door,Garden"])
    ] = None,
    start: Annotated[
        str | None,
        Query(description=f"Only what began at this time or later. {Time}", examples=["2026-08-01T12:00:00Z"]),
    ] = None,
    end: Annotated[
        str | None, Query(description=f"Only what began at this time or earlier. {Time}", examples=["2026-08-02"])
    ] = None,
    page: Annotated[int, Query(ge=1, le=_MAX_PAGE, description="Which page.", examples=[1])] = 1,
    limit: Annotated[Limit, Query(description="How many a page, or all on one page.", examples=[20])] = _DEFAULT_LIMIT,
    sort: Annotated[
        RecordingSort, Query(description="What the list is ordered by.", examples=["start_time"])
    ] = RecordingSort.START_TIME,
    order: Annotated[Literal["asc", "desc"], Query(description="Ascending or descending.", examples=["desc"])] = "desc",
) -> Response:
    """Recordings, newest first unless asked otherwise, a page at a time.

    Those being written are among them; in the dialect `lightnvr` they are not.
    """
    wanted = replace(
        having,
        streams=stream_names(stream),
        start_us=None if start is None else read_time("start", start, end_of_day=False),
        end_us=None if end is None else read_time("end", end, end_of_day=True),
        sort=sort,
        descending=order == "desc",
    )
    pages = dialect.pages(seen.recordings)
    if limit == "all":
        first = await pages(wanted, offset=0, limit=_MAX_LIMIT)
        return StreamingResponse(_everything(services, pages, wanted, first), media_type="application/json")
    some = await pages(wanted, offset=(page - 1) * limit, limit=limit)
    pagination = Pagination(page=page, pages=-(-some.total // limit), total=some.total, limit=limit)
    answers = await recording_answers(services, some.recordings)
    return json_answer(RecordingList.model_construct(recordings=answers, pagination=pagination))


async def _everything(
    services: ApiServices, pages: ReadRecordings, wanted: RecordingFilter, page: RecordingPage
) -> AsyncIterator[str]:
    """Yield a RecordingList of any length, of which no more than a page is in memory."""
    sent, separator = 0, '{"recordings":['
    while page.recordings:
        for answer in await recording_answers(services, page.recordings):
            yield separator + answer.model_dump_json()
            separator = ","
        sent += len(page.recordings)
        if len(page.recordings) < _MAX_LIMIT:
            break
        page = await pages(wanted, offset=sent, limit=_MAX_LIMIT)
    pagination = Pagination(page=1, pages=min(sent, 1), total=sent, limit=max(sent, 1))
    yield f'{separator if not sent else ""}],"pagination":{pagination.model_dump_json()}}}'


@router.head("/play/{id}", **media_route("Ask for the headers of a recording"))
@router.get("/play/{id}", **media_route("Play a recording"))
async def play_recording(recording_id: RecordingId, request: Request, seen: Sight) -> Response:
    """The file, for a player. Parts of it can be asked for with `Range`, also while it is being written."""
    return await file_answer(request, await seen.recordings.file(recording_id), {})


@router.head("/download/{id}", **media_route("Ask for the headers of a download"))
@router.get("/download/{id}", **media_route("Download a recording"))
async def download_recording(recording_id: RecordingId, request: Request, seen: Sight) -> Response:
    """The file, to be kept, under a name that begins with the stream's."""
    file = await seen.recordings.file(recording_id)
    name = f"{file.recording.stream_name}_{PurePosixPath(file.recording.path).name}"
    return await file_answer(request, file, {"Content-Disposition": attachment(name)})


@router.get(
    "/{id}",
    response_model=RecordingAnswer,
    responses=declared(400, 401, 404, 429),
    dependencies=[VIEWER],
    summary="Get a recording",
)
async def get_recording(recording_id: RecordingId, services: Services, seen: Sight) -> Response:
    """One recording, finished or not."""
    (answer,) = await recording_answers(services, [await seen.recordings.get(recording_id)])
    return json_answer(answer)


@router.delete(
    "/{id}",
    response_model=RecordingDeleted,
    responses=declared(400, 401, 403, 404, 409, 429, 503),
    summary="Delete a recording",
)
async def delete_recording(
    recording_id: RecordingId,
    seen: Sight,
    caller: Editor,
    force: Annotated[
        bool, Query(description="Delete it even if it is protected. Administrators only.", examples=[False])
    ] = False,
) -> Response:
    """Deletes a recording and its file."""
    if force and caller.role is not Role.ADMIN:
        raise Forbidden("Only an administrator may delete protected recordings.")
    await seen.recordings.delete(recording_id, force=force)
    return json_answer(RecordingDeleted())


def attachment(name: str) -> str:
    """Return a Content-Disposition that every browser saves under this name (RFC 6266, RFC 8187)."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
