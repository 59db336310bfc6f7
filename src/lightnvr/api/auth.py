"""/api/auth: logging in and out."""

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from lightnvr.accounts.model import TooManyAttempts, User
from lightnvr.accounts.second_factor import NotSetUp, WrongCode
from lightnvr.accounts.sign_in import PENDING_S, Attempt, CodeNeeded, PendingUnknown, SignedIn
from lightnvr.api.access import PUBLIC, Anybody, Forbidden, GuardedRoute
from lightnvr.api.answers import json_answer
from lightnvr.api.auditing import TOO_MANY, note_of
from lightnvr.api.client import client_address
from lightnvr.api.cookies import PENDING, SESSION, TRUSTED_DEVICE, clear_cookie, set_cookie
from lightnvr.api.errors import Responses, declared, error_answer, make_wait
from lightnvr.api.services import ApiServices, Services
from lightnvr.api.validation import BadRequest

router = APIRouter(tags=["Authentication"], route_class=GuardedRoute)

_FORM = "application/x-www-form-urlencoded"
_AFTER_LOGIN = "/index.html"
_AFTER_LOGOUT = "/login.html?logout=true"
_CODE_STEP = "/login.html?totp_required=true"


class LoginBody(BaseModel):
    """A user name and its password, and what else is needed."""

    model_config = ConfigDict(title="Login", json_schema_extra={"example": {"username": "admin", "password": "secret"}})

    username: str
    password: str
    totp_code: str = Field("", description="The authenticator's code, to log in with one request.")
    remember_device: bool = Field(False, description="With a code that is right: ask for none on this browser again.")


class LoginForm(BaseModel):
    """The same as a form posts it. The code has a step of its own then."""

    model_config = ConfigDict(json_schema_extra={"example": {"username": "admin", "password": "secret"}})

    username: str
    password: str


class CodeBody(BaseModel):
    """The second step of a login: the token from the first, and the authenticator's code or a recovery code."""

    model_config = ConfigDict(
        title="LoginCode",
        json_schema_extra={"example": {"totp_token": "aB3dE5gH7jK9mN1pQ3sT5vW7xY9zA1cD", "code": "123456"}},
    )

    totp_token: str = Field("", description="Also as `token`. After the login by a form it is in a cookie.")
    code: str = Field(description="Also as `totp_code`.")
    remember_device: bool = Field(False, description="Ask for no code on this browser again, for some days.")


class CodeAsked(BaseModel):
    """The password was right. Now send the authenticator's code with this token within five minutes."""

    totp_required: bool = True
    totp_token: str = Field(examples=["aB3dE5gH7jK9mN1pQ3sT5vW7xY9zA1cD"])


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
    password_change_locked: bool
    auth_enabled: bool
    auth_timeout_hours: int = Field(examples=[24])
    auth_absolute_timeout_hours: int = Field(examples=[168])
    trusted_device_days: int = Field(examples=[30])


class LoginConfig(BaseModel):
    """What a login page needs to know before anybody is logged in."""

    force_mfa_on_login: bool = False
    remember_device_enabled: bool = False
    auth_timeout_hours: int = Field(examples=[24])
    auth_absolute_timeout_hours: int = Field(examples=[168])
    trusted_device_days: int = Field(examples=[30])


def _body_of(**models: type[BaseModel]) -> dict[str, Any]:
    kinds = {"json": "application/json", "form": _FORM}
    content = {kinds[kind]: {"schema": model.model_json_schema()} for kind, model in models.items()}
    return {"requestBody": {"required": True, "content": content}}


_LOGIN_RESPONSES: Responses = {
    302: {"description": "After a form: to the page, to the step of the code, or back with the reason."},
    **declared(400, 401, 403, 413, 429),
}


@router.post(
    "/api/auth/login",
    response_model=LoggedIn | CodeAsked,
    responses=_LOGIN_RESPONSES,
    openapi_extra=_body_of(json=LoginBody, form=LoginForm),
    dependencies=[PUBLIC],
    summary="Log in",
)
async def log_in(request: Request, services: Services) -> Response:
    """Opens a session, which the answer puts in the cookie `session`. A form is answered with a redirect.

    Users who have an authenticator are asked for its code in a second step, unless it comes along as `totp_code` or the
    browser is a trusted one. With `force_mfa_on_login` there is no second step: it has to come along.
    """
    is_form = request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM
    values = _members(await request.body(), is_form=is_form)
    attempt = Attempt(
        username=_text(values, "username"),
        password=_text(values, "password"),
        address=client_address(request, services.options.trusted_proxies),
        code="" if is_form else _text(values, "totp_code", optional=True),
        device=request.cookies.get(TRUSTED_DEVICE, ""),
    )
    remember = not is_form and _flag(values, "remember_device")
    note = note_of(request)
    # A name that is none is not kept: it may be a password in the wrong place.
    note.actor, note.detail = await services.logins.known(attempt.username), "by a form" if is_form else "by JSON"
    try:
        outcome = await services.sign_in.begin(attempt)
    except TooManyAttempts:
        note.detail, note.refused = TOO_MANY, True
        if is_form:
            await make_wait()
            return RedirectResponse("/login.html?error=rate_limited", HTTPStatus.FOUND)
        raise
    if outcome is None:
        note.detail, note.refused = "wrong name, password or code", True
        if is_form:
            return RedirectResponse("/login.html?error=1", HTTPStatus.FOUND)
        return error_answer(HTTPStatus.UNAUTHORIZED, "Invalid credentials")
    if isinstance(outcome, CodeNeeded):
        note.detail = "the code is still needed"
        if not is_form:
            return json_answer(CodeAsked(totp_token=outcome.token))
        step: Response = RedirectResponse(_CODE_STEP, HTTPStatus.FOUND)
        set_cookie(step, request, services, PENDING, outcome.token, PENDING_S)
        return step
    answer = RedirectResponse(_AFTER_LOGIN, HTTPStatus.FOUND) if is_form else json_answer(LoggedIn())
    return await _with_session(answer, request, services, outcome, remember=remember)


@router.post(
    "/api/auth/login/totp",
    response_model=LoggedIn,
    responses=declared(400, 401, 403, 413, 429),
    openapi_extra=_body_of(json=CodeBody),
    dependencies=[PUBLIC],
    summary="Log in: the code",
)
async def log_in_with_code(request: Request, services: Services) -> Response:
    """The second step of a login. The token is good for this alone, for five minutes and five tries.

    `totp_token` and `code` may also be called `token` and `totp_code`.
    """
    values = _members(await request.body(), is_form=False)
    token = _first_text(values, "totp_token", "token") or request.cookies.get(PENDING, "")
    code = _first_text(values, "code", "totp_code")
    if not token or not code:
        raise BadRequest("Missing 'totp_token' or 'code'")
    remember = _flag(values, "remember_device")
    address = client_address(request, services.options.trusted_proxies)
    note = note_of(request)
    note.actor, note.detail = await services.sign_in.waiting(token), "by JSON"
    try:
        signed_in = await services.sign_in.finish(token, code, address)
    except PendingUnknown:
        note.detail = "not begun, too long ago, or too many wrong codes"
        return error_answer(HTTPStatus.UNAUTHORIZED, "Invalid or expired MFA token. Please login again.")
    except WrongCode:
        note.detail = "wrong code"
        return error_answer(HTTPStatus.UNAUTHORIZED, "Invalid TOTP code")
    except NotSetUp:
        raise BadRequest("TOTP not enabled for this user") from None
    answer = await _with_session(json_answer(LoggedIn()), request, services, signed_in, remember=remember)
    if PENDING in request.cookies:
        clear_cookie(answer, request, services, PENDING)
    return answer


async def _with_session(
    answer: Response, request: Request, services: ApiServices, signed_in: SignedIn, *, remember: bool
) -> Response:
    address = client_address(request, services.options.trusted_proxies)
    agent = request.headers.get("user-agent", "")
    token = await services.sessions.open(
        signed_in.user, password_hash=signed_in.password_hash, address=address, user_agent=agent
    )
    set_cookie(answer, request, services, SESSION, token, services.sessions.rules.absolute_s)
    if remember and signed_in.by_code and services.presence.trusted_days:
        device = await services.presence.trust(signed_in.user.id, session=token, address=address, user_agent=agent)
        if device is not None:
            set_cookie(answer, request, services, TRUSTED_DEVICE, device, services.presence.trusted_days * 86_400)
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
    """Ends the session of the cookie. Answers JSON when the request accepts it or has X-Requested-With.

    A trusted device stays one: that is what it is for. A link or a picture on a page of another site logs nobody out.
    """
    if request.method == "GET" and request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        raise Forbidden("You can be logged out by pages of this server only.")
    token = request.cookies.get(SESSION, "")
    if token:
        note_of(request).actor = await services.sessions.find(token)
        await services.sessions.end(token)
    wants_json = "application/json" in request.headers.get("accept", "") or "x-requested-with" in request.headers
    answer = json_answer(LoggedOut()) if wants_json else RedirectResponse(_AFTER_LOGOUT, HTTPStatus.FOUND)
    clear_cookie(answer, request, services, SESSION)
    return answer


@router.get("/api/auth/verify", response_model=Verified, responses=declared(401, 429), summary="Verify a session")
async def verify(request: Request, services: Services, caller: Anybody) -> Response:
    """Says who is calling, by whatever means. A cookie that is no longer good is taken back."""
    if caller is None:
        answer: Response = error_answer(HTTPStatus.UNAUTHORIZED, "Unauthorized")
        if SESSION in request.cookies:
            clear_cookie(answer, request, services, SESSION)
        return answer
    return json_answer(_verified(caller, services))


@router.get(
    "/api/auth/login/config", response_model=LoginConfig, dependencies=[PUBLIC], summary="Get the rules of the login"
)
async def login_config(services: Services) -> Response:
    """What a login page needs to know."""
    rules = services.sessions.rules
    return json_answer(
        LoginConfig(
            force_mfa_on_login=services.sign_in.code_with_password,
            remember_device_enabled=services.presence.trusted_days > 0,
            auth_timeout_hours=rules.idle_s // 3600,
            auth_absolute_timeout_hours=rules.absolute_s // 3600,
            trusted_device_days=services.presence.trusted_days,
        )
    )


def _members(body: bytes, *, is_form: bool) -> dict[str, object]:
    try:
        if is_form:
            return {name: found[0] for name, found in parse_qs(body.decode(), keep_blank_values=True).items()}
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("Invalid login data: the body must be JSON or a form with username and password.") from None
    return parsed if isinstance(parsed, dict) else {}


def _text(values: dict[str, object], name: str, *, optional: bool = False) -> str:
    value = values.get(name)
    if optional and value is None:
        return ""
    if not isinstance(value, str):
        if optional:
            raise BadRequest(f"{name} must be text")
        raise BadRequest("Missing or invalid username/password: both must be text.")
    return value


def _flag(values: dict[str, object], name: str) -> bool:
    value = values.get(name, False)
    if not isinstance(value, bool):
        raise BadRequest(f"{name} must be true or false")
    return value


def _first_text(values: dict[str, object], *names: str) -> str:
    return next((found for found in (_text(values, name, optional=True) for name in names) if found), "")


def _verified(user: User, services: ApiServices) -> Verified:
    rules = services.sessions.rules
    return Verified(
        id=user.id,
        username=user.username,
        email=user.email,
        role=user.role.name.lower(),
        role_id=int(user.role),
        is_active=user.is_active,
        password_change_locked=user.password_change_locked,
        auth_enabled=services.authentication.enabled,
        auth_timeout_hours=rules.idle_s // 3600,
        auth_absolute_timeout_hours=rules.absolute_s // 3600,
        trusted_device_days=services.presence.trusted_days,
    )
