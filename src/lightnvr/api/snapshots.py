"""/api/frame.jpeg and /api/streams/{name}/snapshot: the latest picture of a stream."""

from email.utils import formatdate
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from lightnvr.accounts.admission import Admission
from lightnvr.api.access import GuardedRoute, Watcher
from lightnvr.api.client import client_address
from lightnvr.api.errors import Responses, declared
from lightnvr.api.services import ApiServices, Services
from lightnvr.api.times import iso_ms
from lightnvr.live.audience import Way
from lightnvr.live.errors import CameraUnavailable, LiveViewOff
from lightnvr.live.pictures import Picture
from lightnvr.media.snapshot import PictureForm

router = APIRouter(tags=["Live view"], route_class=GuardedRoute)

JPEG = "image/jpeg"
_FIRST_S = 5.0
"""How long a request waits for a camera that is being connected to."""

_SMALLEST, _LARGEST = 16, 8192

Source = Annotated[
    str,
    Query(
        alias="src",
        min_length=1,
        description="Name or id of the stream; with `_sub` at its end the sub-stream.",
        examples=["Front Door"],
    ),
]
_Side = Query(
    ge=_SMALLEST,
    le=_LARGEST,
    description="In pixels. With one side the other follows; never enlarged.",
    examples=[640],
)


def picture_form(
    width: Annotated[int | None, _Side] = None,
    height: Annotated[int | None, _Side] = None,
    quality: Annotated[
        int | None, Query(ge=1, le=100, description="Of the JPEG, 80 by default.", examples=[80])
    ] = None,
) -> PictureForm:
    """Return how a picture is wanted."""
    return PictureForm(width, height, quality)


def _also(name: str, description: str, example: str) -> dict[str, object]:
    return {
        "name": name,
        "in": "query",
        "schema": {"type": "string"},
        "description": description,
        "example": example,
    }


Form = Annotated[PictureForm, Depends(picture_form)]
_ALSO_TAKEN = {
    "parameters": [
        _also("t", "Anything; keeps caches away.", "1785578400"),
        _also("cache", "For clients of the original.", "30s"),
    ]
}
"""Nothing depends on these: a picture is never older than the latest keyframe."""

_ANSWERS: Responses = {
    200: {"description": "The picture. `X-Picture-Time` is when it was taken.", "content": {JPEG: {}}},
    304: {"description": "It is the picture that `If-None-Match` names."},
    **declared(400, 401, 403, 404, 429, 503),
}


@router.get(
    "/api/frame.jpeg",
    response_class=Response,
    responses=_ANSWERS,
    openapi_extra=_ALSO_TAKEN,
    summary="Get the latest picture",
)
@router.get(
    "/go2rtc/api/frame.jpeg",
    response_class=Response,
    responses=_ANSWERS,
    openapi_extra=_ALSO_TAKEN,
    summary="Get the latest picture (address of the original)",
)
async def frame(
    src: Source,
    request: Request,
    services: Services,
    watcher: Watcher,
    form: Form,
) -> Response:
    """The latest keyframe as JPEG, at most one keyframe interval old.

    It is decoded once, however many ask. Pictures of MJPEG cameras are passed on as they are when neither size nor
    quality is asked for. 503 says why there is no picture.
    """
    return await _snapshot(src, request, services, watcher, form)


@router.get(
    "/api/streams/{stream_name}/snapshot",
    response_class=Response,
    responses=_ANSWERS,
    summary="Get the latest picture of a stream",
)
async def snapshot(
    stream_name: Annotated[
        str, Path(description="Name of the stream, percent-encoded, or its id.", examples=["Front Door"])
    ],
    request: Request,
    services: Services,
    watcher: Watcher,
    form: Form,
) -> Response:
    """The same as `/api/frame.jpeg`."""
    return await _snapshot(stream_name, request, services, watcher, form)


async def _snapshot(
    reference: str, request: Request, services: ApiServices, watcher: Admission, form: PictureForm
) -> Response:
    channel = await services.live.open(reference, watcher)
    address = client_address(request, services.options.trusted_proxies)
    viewer = services.live.audience.visit(Way.SNAPSHOT, channel.source, watcher, address)
    try:
        picture = await services.pictures.latest(channel, form, _FIRST_S)
    except CameraUnavailable:
        if viewer.ended.is_set():
            raise LiveViewOff(viewer.reason) from None
        raise
    if viewer.ended.is_set():
        raise LiveViewOff(viewer.reason)
    headers = picture_headers(picture, form)
    if headers["ETag"] in (request.headers.get("if-none-match") or ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    viewer.sent(len(picture.jpeg))
    return Response(picture.jpeg, media_type=JPEG, headers=headers)


def picture_headers(picture: Picture, form: PictureForm) -> dict[str, str]:
    """Return the headers of a picture: what tells it from others, and when it was taken."""
    taken_s = picture.taken_us / 1e6
    return {
        "Cache-Control": "private, no-store",
        "ETag": f'"{picture.taken_us:x}-{form.width or 0}x{form.height or 0}-{form.quality or 0}"',
        "Last-Modified": formatdate(taken_s, usegmt=True),
        "X-Picture-Time": iso_ms(taken_s),
    }
