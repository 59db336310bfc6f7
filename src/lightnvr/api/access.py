"""Who may call what. Every route declares it; a route that does not cannot even be made."""

from collections.abc import Callable, Coroutine, Iterator
from enum import Enum
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from lightnvr.accounts.authentication import Credentials
from lightnvr.accounts.model import Role, User
from lightnvr.api.client import client_address
from lightnvr.api.services import ApiServices


class Unauthorized(Exception):
    """The caller is not logged in."""


class Forbidden(Exception):
    """The caller is logged in but may not do this; the text says why."""


class RouteWithoutRole(Exception):
    """A route does not say who may call it."""


class Level(Enum):
    """What a route asks of its caller."""

    PUBLIC = "public"
    """Anybody. Credentials are not looked at."""
    ANYBODY = "anybody"
    """Anybody, but the answer depends on who it is."""
    VIEWER = "viewer"
    """Every user."""
    EDITOR = "editor"
    """Every user but viewers."""
    ADMIN = "admin"
    """Administrators."""


class Access:
    """The dependency that a route declares its level with. It gives the caller."""

    def __init__(self, level: Level) -> None:
        self.level = level

    async def admit(self, request: Request) -> None:
        """Find the caller and keep it with the request. Raises Unauthorized, Forbidden, TooManyAttempts."""
        request.state.caller = None
        if self.level is Level.PUBLIC:
            return
        services: ApiServices = request.app.state.services
        user = await services.authentication.user(
            Credentials(
                session=request.cookies.get("session", ""),
                authorization=request.headers.get("authorization", ""),
                api_key=request.headers.get("x-api-key", ""),
                address=client_address(request, services.options.trusted_proxies),
            )
        )
        request.state.caller = user
        if self.level is Level.ANYBODY:
            return
        if user is None:
            raise Unauthorized
        if self.level is Level.EDITOR and not user.role.may_write:
            raise Forbidden(f"The role {user.role.name} may look but not change anything.")
        if self.level is Level.ADMIN and user.role is not Role.ADMIN:
            raise Forbidden("Only an administrator may do this.")

    async def __call__(self, request: Request) -> User | None:
        """Give the caller that was admitted."""
        user: User | None = request.state.caller
        return user


class GuardedRoute(APIRoute):
    """A route that admits its caller before anything of the request's body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See APIRoute. Raises RouteWithoutRole when the route declares no access."""
        handler = super().get_route_handler()
        declared = list(_declared(self.dependant))
        if len(declared) != 1:
            raise RouteWithoutRole(f"The route {self.path} must declare exactly one level of access.")
        access = declared[0]

        async def guarded(request: Request) -> Response:
            await access.admit(request)
            return await handler(request)

        return guarded

    @property
    def level(self) -> Level:
        """What this route asks of its caller."""
        return next(_declared(self.dependant)).level


def _declared(dependant: Dependant) -> Iterator[Access]:
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Access):
            yield dependency.call
        yield from _declared(dependency)


PUBLIC = Depends(Access(Level.PUBLIC))
VIEWER = Depends(Access(Level.VIEWER))
EDITOR = Depends(Access(Level.EDITOR))

Anybody = Annotated[User | None, Depends(Access(Level.ANYBODY))]
Viewer = Annotated[User, Depends(Access(Level.VIEWER))]
Editor = Annotated[User, Depends(Access(Level.EDITOR))]
Administrator = Annotated[User, Depends(Access(Level.ADMIN))]
