"""/api/auth/users: who may log in, and as what."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from lightnvr.accounts.model import Role, User
from lightnvr.accounts.networks import holds, normalised
from lightnvr.api.access import ADMIN, Administrator, Forbidden, GuardedRoute, Owner, OwningUser
from lightnvr.api.answers import json_answer
from lightnvr.api.auditing import note_of
from lightnvr.api.client import client_address
from lightnvr.api.dialects.users import InUserDialect
from lightnvr.api.errors import declared, error_answer
from lightnvr.api.services import ApiServices, Services
from lightnvr.api.user_models import NewUserBody, UserChangeBody, UserList, UserView
from lightnvr.api.validation import BadRequest
from lightnvr.streams.settings import YesNo

router = APIRouter(prefix="/api/auth/users", tags=["Users"], route_class=GuardedRoute)

UserId = Annotated[int, Path(alias="id", ge=1, le=2**63 - 1, description="Id of the user.", examples=[2])]


class PasswordBody(BaseModel):
    """A new password."""

    model_config = ConfigDict(
        title="PasswordChange",
        json_schema_extra={"example": {"old_password": "the secret until now", "new_password": "another long secret"}},
    )

    new_password: str = Field(max_length=4096, description="8 to 1024 bytes.")
    old_password: str | None = Field(None, max_length=4096, description="The password until now: for the own account.")


class PasswordLockBody(BaseModel):
    """Whether changes of the password are forbidden."""

    model_config = ConfigDict(title="PasswordLock", json_schema_extra={"example": {"locked": True}})

    locked: YesNo = Field(description="True: nobody can change the password through the API, administrators included.")


class Deleted(BaseModel):
    """The user is gone, with all sessions."""

    success: Literal[True] = True
    message: Literal["User deleted successfully"] = "User deleted successfully"


class NewKey(BaseModel):
    """The API key. It is shown this once."""

    success: Literal[True] = True
    api_key: str = Field(examples=["aB3dE5gH7jK9mN1pQ3sT5vW7xY9zA1cD"])


class PasswordChanged(BaseModel):
    """The password is changed, and all sessions of the user have ended."""

    success: Literal[True] = True


class LockoutCleared(BaseModel):
    """Whether there were failed attempts, which are forgotten now."""

    success: Literal[True] = True
    cleared: bool
    message: str = Field(examples=["Login lockout cleared successfully"])


def user_answer(user: User, *, with_key: bool = False, status: int = 200) -> Response:
    """Return a user as the body of an answer; the beginning of the API key only `with_key`, and if there is one."""
    view = UserView.of(user)
    left_out = set() if with_key and view.api_key else {"api_key"}
    body = view.model_dump_json(exclude=left_out)
    return Response(body, status_code=status, media_type="application/json", headers=_HEADERS)


_HEADERS = {"Cache-Control": "no-store"}


@router.get("", response_model=UserList, responses=declared(401, 403, 429), dependencies=[ADMIN], summary="List users")
async def list_users(services: Services) -> Response:
    """All users, by id. Of an API key only its beginning is shown."""
    answer = UserList.of(await services.administration.users())
    keyless = {number: {"api_key"} for number, user in enumerate(answer.users) if not user.api_key}
    return Response(
        answer.model_dump_json(exclude={"users": keyless} if keyless else None),
        media_type="application/json",
        headers=_HEADERS,
    )


@router.post(
    "",
    response_model=UserView,
    status_code=201,
    responses={
        200: {"model": UserView, "description": "Done, in the dialect lightnvr"},
        **declared(400, 401, 403, 409, 413, 429),
    },
    dependencies=[ADMIN],
    summary="Add a user",
)
async def add_user(body: NewUserBody, request: Request, services: Services, dialect: InUserDialect) -> Response:
    """Adds a user, who has no API key yet. In the dialect `lightnvr` the answer is 200."""
    note_of(request).target = body.username
    user = await services.administration.add(
        body.username,
        body.password,
        Role(body.role),
        email=body.email,
        is_active=body.is_active,
        allowed_tags=body.allowed_tags or "",
        allowed_login_cidrs=body.allowed_login_cidrs or "",
        allowed_actions=body.allowed_actions or "",
    )
    return user_answer(user, status=dialect.added)


@router.get(
    "/{id}",
    response_model=UserView,
    responses=declared(400, 401, 403, 404, 429),
    dependencies=[ADMIN],
    summary="Get a user",
)
async def get_user(user_id: UserId, services: Services) -> Response:
    """One user."""
    return user_answer(await services.administration.user(user_id), with_key=True)


@router.put(
    "/{id}", response_model=UserView, responses=declared(400, 401, 403, 404, 409, 413, 429), summary="Change a user"
)
async def change_user(
    user_id: UserId, body: UserChangeBody, request: Request, services: Services, caller: Owner
) -> Response:
    """Changes the members that are sent, all or none.

    A new password and deactivation end all sessions of the user; another role and other restrictions are in force at
    once. Everybody may change the own name and e-mail address.
    """
    if body.for_administrators and caller.role is not Role.ADMIN:
        raise Forbidden("You can only update your own username and email")
    if caller.id == user_id:
        _require_way_back(body, client_address(request, services.options.trusted_proxies))
    if body.password and caller.id == user_id:
        refused = await _refuse_unproved(request, services, caller, body.old_password)
        if refused is not None:
            return refused
    return user_answer(await services.administration.change(user_id, body.change()))


@router.delete("/{id}", response_model=Deleted, responses=declared(400, 401, 403, 404, 429), summary="Delete a user")
async def delete_user(user_id: UserId, services: Services, caller: Administrator) -> Response:
    """Deletes a user and ends all of their sessions. Nobody can delete themselves, nor the last administrator."""
    if caller.id == user_id:
        raise Forbidden("Forbidden: You cannot delete yourself")
    await services.administration.delete(user_id)
    return json_answer(Deleted())


@router.post(
    "/{id}/api-key",
    response_model=NewKey,
    responses=declared(400, 401, 403, 404, 429),
    summary="Generate an API key",
)
async def generate_api_key(user_id: UserId, services: Services, _caller: OwningUser) -> Response:
    """Makes a new API key, which ends the one before. It is shown in this answer and never again."""
    return json_answer(NewKey(api_key=await services.administration.renew_key(user_id)))


@router.put(
    "/{id}/password",
    response_model=PasswordChanged,
    responses=declared(400, 401, 403, 404, 413, 429),
    summary="Change a password",
)
async def change_password(
    user_id: UserId, body: PasswordBody, request: Request, services: Services, caller: Owner
) -> Response:
    """Changes a password and ends all sessions of the user, the caller's own included.

    To change the own password, the one until now is needed. The API key stays: generate another if it may be known.
    """
    if caller.id == user_id:
        refused = await _refuse_unproved(request, services, caller, body.old_password)
        if refused is not None:
            return refused
    await services.administration.change_password(user_id, body.new_password)
    return json_answer(PasswordChanged())


@router.put(
    "/{id}/password-lock",
    response_model=UserView,
    responses=declared(400, 401, 403, 404, 413, 429),
    dependencies=[ADMIN],
    summary="Lock or unlock a password",
)
async def lock_password(user_id: UserId, body: PasswordLockBody, services: Services) -> Response:
    """Forbids changes of a user's password through the API, or allows them again; meant for shared accounts."""
    return user_answer(await services.administration.lock_password(user_id, locked=body.locked))


@router.post(
    "/{id}/login-lockout/clear",
    response_model=LockoutCleared,
    responses=declared(400, 401, 403, 404, 429),
    dependencies=[ADMIN],
    summary="Forget failed logins",
)
async def clear_lockout(user_id: UserId, services: Services) -> Response:
    """Lets a user who mistyped the password too often try again at once."""
    user = await services.administration.user(user_id)
    of_password = services.logins.forget_failures(user.username)
    cleared = services.second_factor.forget_failures(user.id) or of_password
    message = "Login lockout cleared successfully" if cleared else "No active login lockout found"
    return json_answer(LockoutCleared(cleared=cleared, message=message))


def _require_way_back(body: UserChangeBody, address: str) -> None:
    """Raise BadRequest when the caller would shut the door behind themselves."""
    try:
        networks = normalised(body.allowed_login_cidrs or "")
    except ValueError:  # that is answered where it is to be stored
        return
    if networks and not holds(networks, address):
        raise BadRequest(f"allowed_login_cidrs must hold the address that you come from, {address}.")


async def _refuse_unproved(
    request: Request, services: ApiServices, caller: User, old_password: str | None
) -> Response | None:
    """Return the answer to somebody who does not know the own password, None to who does."""
    if not old_password:
        raise BadRequest("Current password is required")
    address = client_address(request, services.options.trusted_proxies)
    if await services.logins.confirm(caller.id, old_password, address):
        return None
    return error_answer(401, "Current password is incorrect")
