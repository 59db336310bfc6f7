"""/api/recordings/thumbnail: small pictures of recordings."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from lightnvr.api.access import VIEWER, GuardedRoute
from lightnvr.api.errors import Responses, declared
from lightnvr.api.recordings import RecordingId
from lightnvr.api.seen import Sight
from lightnvr.api.services import Services
from lightnvr.playback.thumbnails import INDEXES

router = APIRouter(prefix="/api/recordings", tags=["Recordings"], route_class=GuardedRoute)

_ANSWERS: Responses = {
    200: {"description": "The picture, 320 pixels wide or as wide as the camera's.", "content": {"image/jpeg": {}}},
    **declared(400, 401, 403, 404, 429, 503),
}


@router.get(
    "/thumbnail/{id}/{index}",
    response_class=Response,
    responses=_ANSWERS,
    dependencies=[VIEWER],
    summary="Get a thumbnail",
)
async def thumbnail(
    recording_id: RecordingId,
    index: Annotated[
        int,
        Path(ge=0, le=INDEXES - 1, description="0: the beginning, 1: the middle, 2: near the end.", examples=[0]),
    ],
    services: Services,
    seen: Sight,
) -> Response:
    """A small picture, made when it is asked for first. Also of a recording that is being written."""
    await seen.require(recording_id)
    made = await services.thumbnails.get(recording_id, index)
    caching = "private, max-age=86400" if made.lasting else "private, no-cache"
    return Response(made.jpeg, media_type="image/jpeg", headers={"Cache-Control": caching})
