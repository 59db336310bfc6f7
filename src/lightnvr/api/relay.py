"""What clients of the original ask its media relay for, below /go2rtc/. Only what shows something is there."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, RootModel
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from lightnvr.accounts.model import User
from lightnvr.api.access import GuardedRoute, Viewer
from lightnvr.api.answers import json_answer
from lightnvr.api.errors import declared, error_answer
from lightnvr.api.seen import Sight
from lightnvr.api.services import Services
from lightnvr.media.address import SourceAddress
from lightnvr.streams.model import StreamNotFound

router = APIRouter(prefix="/go2rtc/api", tags=["Live view"], route_class=GuardedRoute)

_SUB = "_sub"
_PREFIX = "/go2rtc/"
_PLAYLISTS = "/hls/"


class Producer(BaseModel):
    """Where a stream comes from, without the password."""

    url: str = Field(examples=["rtsp://192.168.1.100:554/stream1"])


class RelayConsumer(BaseModel):
    """Somebody who watches."""

    model_config = ConfigDict(title="Consumer")

    format_name: str = Field(examples=["mse"])


class RelayStream(BaseModel):
    """One stream."""

    producers: list[Producer]
    consumers: list[RelayConsumer]


class RelayStreams(RootModel[dict[str, RelayStream]]):
    """Streams by name; a sub-stream is `name_sub`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "Front Door": {
                    "producers": [{"url": "rtsp://192.168.1.100:554/stream1"}],
                    "consumers": [{"format_name": "mse"}],
                }
            }
        }
    )


@router.get(
    "/streams",
    response_model=RelayStreams,
    responses=declared(400, 401, 404, 429),
    summary="List streams as the original's relay does",
)
async def list_relay_streams(
    services: Services,
    seen: Sight,
    caller: Viewer,
    src: Annotated[str | None, Query(description="Only this stream.", examples=["Front Door"])] = None,
) -> Response:
    """All streams and sub-streams, with those who watch; a sub-stream's viewers are counted with its stream."""
    watchers = services.live.audience.watchers()
    found: dict[str, RelayStream] = {}
    for stream in await seen.streams.every():
        ways = sorted(way.value for way, stream_id in watchers.elements() if stream_id == stream.id)
        consumers = [RelayConsumer(format_name=way) for way in ways]
        found[stream.name] = RelayStream(producers=[_producer(stream.source, caller)], consumers=consumers)
        if stream.sub_address is not None:
            found.setdefault(
                f"{stream.name}{_SUB}", RelayStream(producers=[_producer(stream.sub_address, caller)], consumers=[])
            )
    if src is not None:
        if src not in found:
            raise StreamNotFound(src)
        found = {src: found[src]}
    return json_answer(RelayStreams(found))


def _producer(address: SourceAddress, caller: User) -> Producer:
    return Producer(url=address.masked() if caller.role.may_write else address.redacted())


class RelayPaths:
    """Serves what is below /go2rtc/, and what playlists there lead to, and nothing else: for a port of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 404."""
        if scope["type"] == "lifespan" or scope["path"].startswith((_PREFIX, _PLAYLISTS)):
            await self._app(scope, receive, send)
            return
        answer = error_answer(HTTPStatus.NOT_FOUND, f"On this port there are only addresses below {_PREFIX}.")
        if scope["type"] == "websocket":
            await WebSocket(scope, receive, send).send_denial_response(answer)
        else:
            await answer(scope, receive, send)
