"""/api/snapshots: the pictures of events."""

import re
from http import HTTPStatus
from pathlib import Path as FilePath
from typing import Annotated

import anyio
from fastapi import APIRouter, HTTPException, Path, Response

from lightnvr.api.access import VIEWER, GuardedRoute
from lightnvr.api.errors import Responses, declared, error_answer
from lightnvr.api.seen import Seen, Sight
from lightnvr.api.services import Services
from lightnvr.api.validation import BadRequest
from lightnvr.streams.model import StreamNotFound

router = APIRouter(tags=["Events"], route_class=GuardedRoute)

_FOLDER = re.compile(r"[A-Za-z0-9_-]+")
_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*\.jpg")
_ANSWERS: Responses = {
    200: {"description": "The picture.", "content": {"image/jpeg": {}}},
    **declared(400, 401, 403, 404, 429),
}


@router.get(
    "/api/snapshots/{stream}/{file}",
    response_class=Response,
    responses=_ANSWERS,
    dependencies=[VIEWER],
    summary="Get the picture of an event",
)
async def event_picture(
    stream: Annotated[str, Path(description="Name of the stream's folder, or of the stream.", examples=["Front_Door"])],
    file: Annotated[str, Path(description="Name of the picture.", examples=["20260801_120000_42.jpg"])],
    services: Services,
    seen: Sight,
) -> Response:
    """The picture under the address that an event gives. A better one of the same event replaces it."""
    folder = await _folder(stream, seen)
    if not _FILE.fullmatch(file) or ".." in file:
        raise BadRequest("Invalid snapshot filename")
    jpeg = await anyio.to_thread.run_sync(_read, services.events.pictures.root / folder / file)
    if jpeg is None:
        return error_answer(HTTPStatus.NOT_FOUND, "Snapshot not found")
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400"})


async def _folder(reference: str, seen: Seen) -> str:
    """Return the folder of a stream that the caller may see. Raises StreamNotFound, BadRequest."""
    for stream in await seen.streams.every():
        if reference in {stream.folder, stream.name}:
            return stream.folder
    if "/" in reference or reference.startswith("."):
        raise BadRequest("Invalid stream name")
    # Those of a stream that was deleted are for who sees everything.
    if not seen.everything or not _FOLDER.fullmatch(reference):
        raise StreamNotFound(reference)
    return reference


def _read(path: FilePath) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HTTPException(HTTPStatus.NOT_FOUND) from error
