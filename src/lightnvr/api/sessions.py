"""/api/auth/sessions, /api/auth/trusted-devices: where a user is logged in."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from lightnvr.accounts.presence import OpenSession, TrustedDevice
from lightnvr.accounts.tokens import token_hash
from lightnvr.api.access import ADMIN, GuardedRoute, Viewer
from lightnvr.api.answers import json_answer
from lightnvr.api.cookies import SESSION, TRUSTED_DEVICE, clear_cookie
from lightnvr.api.errors import declared, error_answer
from lightnvr.api.services import Services
from lightnvr.api.users import UserId

router = APIRouter(prefix="/api/auth", tags=["Users"], route_class=GuardedRoute)

SessionNumber = Annotated[int, Path(ge=1, description="Id of the session.", examples=[7])]
DeviceNumber = Annotated[int, Path(ge=1, description="Id of the device.", examples=[3])]


class SessionView(BaseModel):
    """One login. Times are seconds since 1970 UTC."""

    id: int = Field(examples=[7])
    created_at: int = Field(examples=[1785578400])
    last_activity_at: int = Field(examples=[1785578460], description="To a minute.")
    idle_expires_at: int = Field(examples=[1785664860])
    expires_at: int = Field(examples=[1786183200])
    ip_address: str = Field(examples=["192.168.1.20"])
    user_agent: str = Field(examples=["Mozilla/5.0"])
    current: bool = Field(description="Whether it is the session of this request.")


class SessionList(BaseModel):
    """Sessions that are not over, the one used last first."""

    sessions: list[SessionView]


class DeviceView(BaseModel):
    """A browser that needs no code. Times are seconds since 1970 UTC."""

    id: int = Field(examples=[3])
    created_at: int = Field(examples=[1785578400])
    last_used_at: int = Field(examples=[1785578400])
    expires_at: int = Field(examples=[1788170400])
    ip_address: str = Field(examples=["192.168.1.20"])
    user_agent: str = Field(examples=["Mozilla/5.0"])
    current: bool = Field(description="Whether this request comes from it.")


class DeviceList(BaseModel):
    """Trusted devices, the one used last first."""

    trusted_devices: list[DeviceView]


class Ended(BaseModel):
    """It is over."""

    success: Literal[True] = True


class AllEnded(Ended):
    """All sessions are over, and no device is trusted."""

    ended: int = Field(examples=[2], description="How many sessions that were.")


@router.get("/sessions", response_model=SessionList, responses=declared(401, 429), summary="List the own sessions")
async def list_sessions(request: Request, services: Services, caller: Viewer) -> Response:
    """Where the caller is logged in."""
    return json_answer(_sessions(await services.presence.sessions(caller.id), request))


@router.delete(
    "/sessions/{session_id}", response_model=Ended, responses=declared(400, 401, 403, 404, 429), summary="End a session"
)
async def end_session(session_id: SessionNumber, request: Request, services: Services, caller: Viewer) -> Response:
    """Logs the caller out somewhere."""
    ended = await services.presence.end_session(caller.id, session_id)
    if ended is None:
        return error_answer(404, "Session not found")
    answer = json_answer(Ended())
    if ended == _hash(request, SESSION):
        clear_cookie(answer, request, services, SESSION)
    return answer


@router.get(
    "/trusted-devices", response_model=DeviceList, responses=declared(401, 429), summary="List the own trusted devices"
)
async def list_devices(request: Request, services: Services, caller: Viewer) -> Response:
    """Browsers on which the caller is asked for no code."""
    devices = await services.presence.devices(caller.id)
    own = _hash(request, TRUSTED_DEVICE)
    return json_answer(DeviceList(trusted_devices=[_device(device, own) for device in devices]))


@router.delete(
    "/trusted-devices/{device_id}",
    response_model=Ended,
    responses=declared(400, 401, 403, 404, 429),
    summary="Trust a device no more",
)
async def forget_device(device_id: DeviceNumber, request: Request, services: Services, caller: Viewer) -> Response:
    """Has the caller asked for a code there again."""
    forgotten = await services.presence.forget_device(caller.id, device_id)
    if forgotten is None:
        return error_answer(404, "Trusted device not found")
    answer = json_answer(Ended())
    if forgotten == _hash(request, TRUSTED_DEVICE):
        clear_cookie(answer, request, services, TRUSTED_DEVICE)
    return answer


@router.get(
    "/users/{id}/sessions",
    response_model=SessionList,
    responses=declared(400, 401, 403, 404, 429),
    dependencies=[ADMIN],
    summary="List the sessions of a user",
)
async def list_sessions_of(user_id: UserId, request: Request, services: Services) -> Response:
    """Where a user is logged in."""
    user = await services.administration.user(user_id)
    return json_answer(_sessions(await services.presence.sessions(user.id), request))


@router.delete(
    "/users/{id}/sessions",
    response_model=AllEnded,
    responses=declared(400, 401, 403, 404, 429),
    dependencies=[ADMIN],
    summary="Log a user out everywhere",
)
async def end_sessions_of(user_id: UserId, services: Services) -> Response:
    """Ends all sessions of a user and trusts none of their devices."""
    user = await services.administration.user(user_id)
    return json_answer(AllEnded(ended=await services.presence.end_everything(user.id)))


def _sessions(found: tuple[OpenSession, ...], request: Request) -> SessionList:
    own = _hash(request, SESSION)
    return SessionList(
        sessions=[
            SessionView(
                id=session.id,
                created_at=session.created_at,
                last_activity_at=session.last_used_at,
                idle_expires_at=session.idle_expires_at,
                expires_at=session.expires_at,
                ip_address=session.address,
                user_agent=session.user_agent,
                current=session.token_hash == own,
            )
            for session in found
        ]
    )


def _device(device: TrustedDevice, own: str) -> DeviceView:
    return DeviceView(
        id=device.id,
        created_at=device.created_at,
        last_used_at=device.last_used_at,
        expires_at=device.expires_at,
        ip_address=device.address,
        user_agent=device.user_agent,
        current=device.token_hash == own,
    )


def _hash(request: Request, cookie: str) -> str:
    token = request.cookies.get(cookie, "")
    return token_hash(token) if token else ""
