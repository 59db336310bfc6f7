"""/api/streams: the cameras."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from lightnvr.accounts.model import User
from lightnvr.api.access import EDITOR, Editor, GuardedRoute, Viewer
from lightnvr.api.answers import json_answer
from lightnvr.api.auditing import note_of
from lightnvr.api.cooldown import REFRESH_COOLDOWN_S
from lightnvr.api.dialects.streams import (
    CHANGED,
    DELETED,
    REFRESHED,
    AddedStream,
    FullStream,
    InStreamDialect,
    ListedStreams,
    OneStream,
)
from lightnvr.api.errors import declared
from lightnvr.api.seen import Sight
from lightnvr.api.services import ApiServices, Services
from lightnvr.api.stream_models import (
    Done,
    NewStreamBody,
    RefreshCoalesced,
    Refreshed,
    StreamChangeBody,
    StreamChanged,
    StreamView,
    Url,
)
from lightnvr.media.errors import CameraError
from lightnvr.media.opening import Transport
from lightnvr.streams.masking import source_address
from lightnvr.streams.model import Stream, StreamChange
from lightnvr.streams.settings import StreamSettings
from lightnvr.streams.status import StreamState

router = APIRouter(prefix="/api/streams", tags=["Streams"], route_class=GuardedRoute)

Reference = Annotated[str, Path(description="Name of the stream, percent-encoded, or its id.", examples=["Front Door"])]


class TestedBody(BaseModel):
    """A camera to be tried out. Nothing is stored."""

    model_config = ConfigDict(
        title="StreamTest", json_schema_extra={"example": {"url": "rtsp://192.168.1.100/stream1"}}
    )

    url: Url
    protocol: int = Field(0, ge=0, le=1, strict=True, description="How RTSP carries the media: 0 is TCP, 1 is UDP.")
    onvif_username: str = Field("", max_length=63, description="User name, instead of the one in url.")
    onvif_password: str = Field("", max_length=63, description="Password, instead of the one in url.")


class VideoInfo(BaseModel):
    """What a camera sends."""

    width: int = Field(examples=[1920])
    height: int = Field(examples=[1080])
    fps: int = Field(examples=[15])
    codec: str = Field(examples=["h264"])
    audio_codec: str = Field(examples=["aac"])


class Tested(BaseModel):
    """Whether the camera could be opened; `info` when it could, `message` when not."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "success": True,
                "info": {"width": 1920, "height": 1080, "fps": 15, "codec": "h264", "audio_codec": "aac"},
            }
        }
    )

    success: bool
    info: VideoInfo | None = None
    message: str | None = Field(None, examples=["The camera at 192.168.1.100 refuses the user name or password."])


class PrivacySwitched(Done):
    """Privacy mode as it is now."""

    privacy_mode: bool


def _view(services: ApiServices, stream: Stream, caller: User) -> StreamView:
    status, watch = services.supervisors.status(stream.id), services.detection.status(stream.id)
    return StreamView(stream, status, caller.role.may_write, watch)


@router.get("", response_model=ListedStreams, responses=declared(400, 401, 429), summary="List streams")
async def list_streams(services: Services, seen: Sight, caller: Viewer, dialect: InStreamDialect) -> Response:
    """All streams, by name, with what each is doing. In the dialect `lightnvr` it is a bare list."""
    views = [_view(services, stream, caller) for stream in await seen.streams.every()]
    return dialect.listed(views)


@router.post(
    "",
    response_model=AddedStream,
    status_code=HTTPStatus.CREATED,
    responses=declared(400, 401, 403, 409, 413, 429),
    summary="Add a stream",
)
async def add_stream(
    body: NewStreamBody, request: Request, services: Services, seen: Sight, caller: Editor, dialect: InStreamDialect
) -> Response:
    """Stores a stream and starts it. Answered when it is stored and connecting, not when the camera has answered."""
    note_of(request).target = body.name
    stream = await seen.streams.add(body.new_stream())
    await services.supervisors.apply(stream.id)
    return dialect.added(_view(services, stream, caller))


@router.post(
    "/test",
    response_model=Tested,
    response_model_exclude_none=True,
    responses=declared(400, 401, 403, 413, 429),
    dependencies=[EDITOR],
    summary="Try a camera out",
)
async def try_stream(body: TestedBody, services: Services) -> Tested:
    """Opens a camera once and says what it sends. When it fails, `success` is false and `message` says why."""
    address = source_address(body.url, None)
    if body.onvif_username:
        address = address.with_credentials(body.onvif_username, body.onvif_password)
    try:
        seen = await services.probe(address, Transport.UDP if body.protocol else Transport.TCP)
    except CameraError as error:
        return Tested(success=False, message=str(error))
    return Tested(
        success=True,
        info=VideoInfo(
            width=seen.width, height=seen.height, fps=round(seen.fps), codec=seen.codec, audio_codec=seen.audio_codec
        ),
    )


@router.get(
    "/{name}",
    response_model=OneStream,
    responses=declared(400, 401, 404, 429),
    summary="Get a stream",
)
async def get_stream(
    name: Reference, services: Services, seen: Sight, caller: Viewer, dialect: InStreamDialect
) -> Response:
    """One stream, with what it is doing."""
    return dialect.one(_view(services, await seen.streams.find(name), caller))


@router.get(
    "/{name}/full",
    response_model=FullStream,
    responses=declared(400, 401, 404, 429),
    summary="Get a full stream",
)
async def get_full_stream(
    name: Reference, services: Services, seen: Sight, caller: Viewer, dialect: InStreamDialect
) -> Response:
    """The same object: every answer about a stream is complete. In the dialect `lightnvr` it is the member `stream`."""
    return dialect.full(_view(services, await seen.streams.find(name), caller))


@router.put(
    "/{name}",
    response_model=StreamChanged | PrivacySwitched,
    responses=CHANGED | declared(400, 401, 403, 404, 413, 429),
    summary="Change a stream",
)
async def change_stream(
    name: Reference, body: StreamChangeBody, services: Services, seen: Sight, caller: Editor, dialect: InStreamDialect
) -> Response:
    """Changes the members that are sent. Answered when the change is stored and in force.

    Only what needs another connection interrupts recording. No other stream is disturbed. In the dialect `lightnvr` the
    answer is 202, unless privacy mode is switched.
    """
    stream = await seen.streams.change(name, body.change())
    await services.supervisors.apply(stream.id)
    if body.is_privacy_switch:
        return json_answer(PrivacySwitched(privacy_mode=stream.privacy_mode))
    return dialect.changed(_view(services, stream, caller))


@router.delete(
    "/{name}",
    response_model=Done,
    responses=DELETED | declared(400, 401, 403, 404, 429),
    dependencies=[EDITOR],
    summary="Delete a stream",
)
async def delete_stream(
    name: Reference,
    request: Request,
    services: Services,
    seen: Sight,
    dialect: InStreamDialect,
    permanent: Annotated[
        str,
        Query(
            description="In the dialect `lightnvr` only: `true` deletes it, else it is switched off.", examples=["true"]
        ),
    ] = "false",
) -> Response:
    """Stops a stream and deletes it. What it recorded stays.

    In the dialect `lightnvr` it is deleted with `permanent=true` only. Otherwise it is switched off and stays listed;
    changing it with `enable_disabled` switches it on again.
    """
    is_permanent = permanent == "true"
    if dialect.deletes(permanent=is_permanent):
        stream = await seen.streams.remove(name)
    else:
        note_of(request).detail = "switched off, not deleted"
        stream = await seen.streams.change(name, StreamChange(settings=StreamSettings(enabled=False)))
    await services.supervisors.apply(stream.id)
    return dialect.deleted(permanent=is_permanent)


@router.post(
    "/{name}/refresh",
    response_model=Refreshed | RefreshCoalesced,
    responses=REFRESHED | declared(400, 401, 404, 429),
    summary="Reconnect a stream",
)
async def refresh_stream(
    name: Reference, services: Services, seen: Sight, dialect: InStreamDialect, caller: Viewer
) -> Response:
    """Drops the connection to the camera and makes a new one at once. In the dialect `lightnvr` the answer is 202.

    At most every 30 seconds, whoever asks; and while the camera is connected only for who may change streams, for
    nothing is recorded meanwhile. Otherwise the answer has `coalesced`.
    """
    stream = await seen.streams.find(name)
    if not caller.role.may_write and services.supervisors.status(stream.id).state is StreamState.CONNECTED:
        message = "The camera is connected."
        return dialect.refreshed(
            RefreshCoalesced(message=message, stream=stream.name, retry_after_seconds=int(REFRESH_COOLDOWN_S))
        )
    wait_s = services.refreshes.begin(stream.id, services.uptime())
    if wait_s:
        message = "The connection to the camera was made again a moment ago."
        return dialect.refreshed(RefreshCoalesced(message=message, stream=stream.name, retry_after_seconds=wait_s))
    await services.supervisors.refresh(stream.id)
    return dialect.refreshed(Refreshed(stream=stream.name))
