"""/api/ice-servers: what browsers need for live view from other networks."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

from lightnvr.accounts.model import User
from lightnvr.api.access import GuardedRoute, Viewer
from lightnvr.api.errors import declared
from lightnvr.api.services import ApiServices, Services
from lightnvr.live.ice_servers import IceServer

router = APIRouter(tags=["ICE servers"], route_class=GuardedRoute)

_EXAMPLE: JsonDict = {
    "ice_servers": [
        {"urls": ["stun:stun.l.google.com:19302"]},
        {"urls": ["turn:turn.example.org:3478"], "username": "u", "credential": "p"},
    ]
}


class IceServerAnswer(BaseModel):
    """One entry for an RTCPeerConnection."""

    model_config = ConfigDict(title="IceServer")

    urls: list[str]
    username: str | None = None
    credential: str | None = None


class IceServers(BaseModel):
    """STUN and TURN servers."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    ice_servers: list[IceServerAnswer]


@router.get(
    "/api/ice-servers",
    response_model=IceServers,
    responses=declared(401, 429),
    summary="Get ICE servers",
)
async def ice_servers(services: Services, caller: Viewer) -> Response:
    """Servers for the browser's RTCPeerConnection, as configured; the list may be empty.

    With `turn_secret` the credentials for TURN are the caller's own and end after a day.
    """
    servers = [
        IceServerAnswer(urls=[server.url], username=server.username or None, credential=server.credential or None)
        for server in servers_for(services, caller)
    ]
    return Response(
        IceServers(ice_servers=servers).model_dump_json(exclude_none=True),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def servers_for(services: ApiServices, caller: User) -> list[IceServer]:
    """Return the servers with credentials for this user."""
    return [server.for_user(caller.username, services.now()) for server in services.options.ice_servers]
