"""/api/auth: logging in and out."""

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from lightnvr.accounts.model import TooManyAttempts, User
from lightnvr.api.access import PUBLIC, Anybody, GuardedRoute
from lightnvr.api.answers import json_answer
from lightnvr.api.client import client_address, is_https
from lightnvr.api.errors import Responses, declared, error_answer
from lightnvr.api.services import ApiServices, Services
from lightnvr.api.validation import BadRequest

router = APIRouter(tags=["Authentication"], route_class=GuardedRoute)

_FORM = "application/x-www-form-urlencoded"
_AFTER_LOGIN = "/index.html"
_AFTER_LOGOUT = "/login.html?logout=true"


class LoginBody(BaseModel):
    """A user name and its password."""

    model_config = ConfigDict(title="Login", json_schema_extra={"example": {"username": "admin", "password": "secret"}})

    username: str
    password: str


class LoggedIn(BaseModel):
    """The session is in the cookie."""

    success: bool = True
    redirect: str = _AFTER_LOGIN


class LoggedOut(BaseModel):
    """The session is over."""

    success: bool = True
    redirect: str = _AFTER_LOGOUT


class Verified(BaseModel):
    """Who is calling."""

    authenticated: bool = True
    id: int = Field(examples=[1])
    username: str = Field(examples=["admin"])
    email: str = Field(examples=[""])
    role: str = Field(examples=["admin"])
    role_id: int = Field(examples=[0])
    is_active: bool
    auth_enabled: bool
    auth_timeout_hours: int = Field(examples=[24])
    auth_absolute_timeout_hours: int = Field(examples=[168])


class LoginConfig(BaseModel):
    """What a login page needs to know before anybody is logged in."""

    force_mfa_on_login: bool = False
    remember_device_enabled: bool = False
    auth_timeout_hours: int = Field(examples=[24])
    auth_absolute_timeout_hours: int = Field(examples=[168])
    trusted_device_days: int = 0


_LOGIN_REQUEST: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": LoginBody.model_json_schema()} for kind in ("application/json", _FORM)},
    }
}

_LOGIN_RESPONSES: Responses = {
    302: {"description": "After a form: to the page, or back to the login with the reason."},
    **declared(400, 401, 403, 413, 429),
}


@router.post(
    "/api/auth/login",
    response_model=LoggedIn,
    responses=_LOGIN_RESPONSES,
    openapi_extra=_LOGIN_REQUEST,
    dependencies=[PUBLIC],
    summary="Log in",
)
async def log_in(request: Request, services: Services) -> Response:
    """Opens a session, which the answer puts in the cookie `session`. A form is answered with a redirect."""
    is_form = request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM
    username, password = _credentials(await request.body(), is_form=is_form)
    address = client_address(request, services.options.trusted_proxies)
    try:
        user = await services.logins.check(username, password, address)
    except TooManyAttempts:
        if is_form:
            return RedirectResponse("/login.html?error=rate_limited", HTTPStatus.FOUND)
        raise
    if user is None:
        if is_form:
            return RedirectResponse("/login.html?error=1", HTTPStatus.FOUND)
        return error_answer(HTTPStatus.UNAUTHORIZED, "Invalid credentials")
    token = await services.sessions.open(user, address=address, user_agent=request.headers.get("user-agent", ""))
    answer = RedirectResponse(_AFTER_LOGIN, HTTPStatus.FOUND) if is_form else json_answer(LoggedIn())
    _set_cookie(answer, request, services, token)
    return answer


_LOGOUT_RESPONSES: Responses = {
    302: {"description": "To the login page, for browsers: when JSON is not asked for."},
    **declared(403),
}


@router.post(
    "/api/auth/logout", response_model=LoggedOut, responses=_LOGOUT_RESPONSES, dependencies=[PUBLIC], summary="Log out"
)
@router.get("/logout", response_model=LoggedOut, responses=_LOGOUT_RESPONSES, dependencies=[PUBLIC], summary="Log out")
async def log_out(request: Request, services: Services) -> Response:
    """Ends the session of the cookie. Answers JSON when the request accepts it or has X-Requested-With."""
    token = request.cookies.get("session", "")
    if token:
        await services.sessions.end(token)
    wants_json = "application/json" in request.headers.get("accept", "") or "x-requested-with" in request.headers
    answer = json_answer(LoggedOut()) if wants_json else RedirectResponse(_AFTER_LOGOUT, HTTPStatus.FOUND)
    _clear_cookie(answer, request, services)
    return answer


@router.get("/api/auth/verify", response_model=Verified, responses=declared(401, 429), summary="Verify a session")
async def verify(request: Request, services: Services, caller: Anybody) -> Response:
    """Says who is calling, by whatever means. A cookie that is no longer good is taken back."""
    if caller is None:
        answer: Response = error_answer(HTTPStatus.UNAUTHORIZED, "Unauthorized")
        if "session" in request.cookies:
            _clear_cookie(answer, request, services)
        return answer
    return json_answer(_verified(caller, services))


@router.get(
    "/api/auth/login/config", response_model=LoginConfig, dependencies=[PUBLIC], summary="Get the rules of the login"
)
async def login_config(services: Services) -> Response:
    """What a login page needs to know."""
    rules = services.sessions.rules
    return json_answer(
        LoginConfig(auth_timeout_hours=rules.idle_s // 3600, auth_absolute_timeout_hours=rules.absolute_s // 3600)
    )


def _credentials(body: bytes, *, is_form: bool) -> tuple[str, str]:
    values: dict[str, object]
    try:
        if is_form:
            values = {name: found[0] for name, found in parse_qs(body.decode(), keep_blank_values=True).items()}
        else:
            parsed = json.loads(body)
            values = parsed if isinstance(parsed, dict) else {}
    except (ValueError, RecursionError):
        raise BadRequest("Invalid login data: the body must be JSON or a form with username and password.") from None
    username, password = values.get("username"), values.get("password")
    if not isinstance(username, str) or not isinstance(password, str):
        raise BadRequest("Missing or invalid username/password: both must be text.")
    return username, password


def _verified(user: User, services: ApiServices) -> Verified:
    rules = services.sessions.rules
    return Verified(
        id=user.id,
        username=user.username,
        email=user.email,
        role=user.role.name.lower(),
        role_id=int(user.role),
        is_active=user.is_active,
        auth_enabled=services.authentication.enabled,
        auth_timeout_hours=rules.idle_s // 3600,
        auth_absolute_timeout_hours=rules.absolute_s // 3600,
    )


def _set_cookie(answer: Response, request: Request, services: ApiServices, token: str) -> None:
    answer.set_cookie(
        "session",
        token,
        max_age=services.sessions.rules.absolute_s,
        path="/",
        secure=is_https(request, services.options.trusted_proxies),
        httponly=True,
        samesite="lax",
    )


def _clear_cookie(answer: Response, request: Request, services: ApiServices) -> None:
    secure = is_https(request, services.options.trusted_proxies)
    answer.delete_cookie("session", path="/", secure=secure, httponly=True, samesite="lax")
