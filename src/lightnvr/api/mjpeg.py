"""/api/stream.mjpeg: pictures one after the other, for whatever shows a picture but no video."""

from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.types import Receive, Scope, Send

from lightnvr.accounts.admission import Admission
from lightnvr.api.access import GuardedRoute, Watcher
from lightnvr.api.errors import Responses, declared
from lightnvr.api.live_answer import Exchange, headers_only, send_endless
from lightnvr.api.services import ApiServices, Services
from lightnvr.api.snapshots import JPEG, Form, picture_headers
from lightnvr.live.audience import Viewer, Way
from lightnvr.live.channel import Channel
from lightnvr.live.connections import PatientSending
from lightnvr.live.errors import CannotWatch
from lightnvr.live.picture_output import PictureOutput
from lightnvr.live.pictures import Picture
from lightnvr.media.snapshot import PictureForm

router = APIRouter(tags=["Live view"], route_class=GuardedRoute)

_BOUNDARY = "lightnvr-picture"
_MJPEG = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
_RESPONSES: Responses = {
    200: {"description": "Pictures, for as long as they are read.", "content": {"multipart/x-mixed-replace": {}}},
    **declared(400, 401, 403, 404, 429, 503),
}
Source = Annotated[
    str,
    Query(
        min_length=1,
        description="Name or id of the stream; with `_sub` at its end the sub-stream.",
        examples=["Front Door"],
    ),
]


def _route(summary: str) -> dict[str, Any]:
    return {"response_class": Response, "responses": _RESPONSES, "summary": summary}


@router.head("/api/stream.mjpeg", **_route("Ask for the headers of MJPEG"))
@router.get("/api/stream.mjpeg", **_route("Watch picture by picture"))
@router.head("/go2rtc/api/stream.mjpeg", **_route("Ask for the headers of MJPEG (address of the original)"))
@router.get("/go2rtc/api/stream.mjpeg", **_route("Watch picture by picture (address of the original)"))
async def stream_mjpeg(src: Source, request: Request, services: Services, watcher: Watcher, form: Form) -> Response:
    """A picture for each keyframe of the camera: usually one every second or two, from an MJPEG camera all of them.

    Each keyframe is decoded once for all who watch. One who reads slowly gets fewer pictures, each the latest.
    """
    channel = await services.live.open(src, watcher)
    if request.method == "HEAD":
        return headers_only(_MJPEG)
    return _MjpegAnswer(services, channel, watcher, form)


class _MjpegAnswer(Response):
    """Raises CameraUnavailable and TooManyViewers before anything was sent."""

    def __init__(self, services: ApiServices, channel: Channel, watcher: Admission, form: PictureForm) -> None:
        super().__init__()
        self._services = services
        self._channel = channel
        self._watcher = watcher
        self._form = form

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        services, channel, limits = self._services, self._channel, self._services.viewer_limits
        with (
            limits.seats.take(),
            services.live.audience.watching(Way.MJPEG, channel.source, self._watcher) as viewer,
            channel.use(services.pictures.kind(channel)) as output,
        ):
            first = await services.pictures.latest(channel, self._form, limits.start_s)

            async def serve(sending: PatientSending[bytes]) -> None:
                with suppress(CannotWatch):
                    await self._serve(sending, viewer, output, first)

            await send_endless(_MJPEG, serve, viewer, limits.patience_s, Exchange(scope, receive, send))

    async def _serve(
        self, send: PatientSending[bytes], viewer: Viewer, output: PictureOutput, picture: Picture
    ) -> None:
        await send(f"--{_BOUNDARY}\r\n".encode())
        while True:
            seen = output.seen
            part = self._part(picture)
            await send(part)
            viewer.sent(len(part))
            picture = await self._services.pictures.after(picture, output, self._form)
            viewer.lost(max(0, output.seen - seen - 1))

    def _part(self, picture: Picture) -> bytes:
        headers = {
            "Content-Type": JPEG,
            "Content-Length": str(len(picture.jpeg)),
            **picture_headers(picture, self._form),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        # The next boundary is sent along: browsers show a picture only when they know that it is over.
        return b"".join((head.encode(), b"\r\n", picture.jpeg, f"\r\n--{_BOUNDARY}\r\n".encode()))
