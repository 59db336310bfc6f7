"""Who may call what. Every route declares it; a route that does not cannot even be made."""

from collections.abc import Callable, Coroutine, Iterator
from enum import Enum
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response, WebSocket
from fastapi.dependencies.models import Dependant
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from lightnvr.accounts.admission import Admission
from lightnvr.accounts.authentication import Credentials
from lightnvr.accounts.model import Right, Role, TooManyAttempts, User
from lightnvr.api.auditing import AUDITED, deed_of
from lightnvr.api.client import client_address, proxy_user
from lightnvr.api.rights import RIGHTS
from lightnvr.api.services import ApiServices


class Unauthorized(Exception):
    """The caller is not logged in.

    `challenge` is whether to ask for Basic credentials. Players send what stands in their address only when they are
    asked; a browser would open a window of its own, which no page of ours wants.
    """

    def __init__(self, *, challenge: bool = False) -> None:
        super().__init__("Unauthorized")
        self.challenge = challenge


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
    OWNER = "owner"
    """Administrators, and everybody for the account of their own, which `{id}` in the path names."""
    OWNER_USER = "owner with the role USER"
    """The same, for users with the role USER only."""


class Access:
    """The dependency that a route declares its level with. It gives the caller.

    With `ticket` it also takes `?ticket=`, for players that can send neither cookies nor headers. A ticket is for one
    stream, so only routes that hand their admission on to `Channels.open` may take one.
    """

    def __init__(self, level: Level, *, ticket: bool = False) -> None:
        self.level = level
        self.ticket = ticket

    async def admit(self, request: HTTPConnection) -> None:
        """Find the caller and keep it with the request. Raises Unauthorized, Forbidden, TooManyAttempts."""
        request.state.caller = None
        request.state.admission = None
        if self.level is Level.PUBLIC:
            return
        services: ApiServices = request.app.state.services
        credentials = Credentials(
            session=request.cookies.get("session", ""),
            authorization=request.headers.get("authorization", ""),
            api_key=request.headers.get("x-api-key", ""),
            ticket=request.query_params.get("ticket", "") if self.ticket else "",
            address=client_address(request, services.options.trusted_proxies),
            proxy_user=proxy_user(request, services.options.trusted_proxies, services.options.proxy_user_header),
        )
        admission = await services.authentication.admission(credentials)
        user = None if admission is None else admission.user
        request.state.admission = admission
        request.state.caller = user
        if self.level is Level.ANYBODY:
            return
        if user is None:
            # Browsers say with each request what it is for (Fetch Metadata), other programs do not.
            raise Unauthorized(challenge=self.ticket and "sec-fetch-mode" not in request.headers)
        if self.level is Level.EDITOR and not user.role.may_write:
            raise Forbidden(f"The role {user.role.name} may look but not change anything.")
        if self.level is Level.ADMIN and user.role is not Role.ADMIN:
            raise Forbidden("Only an administrator may do this.")
        if self.level in {Level.OWNER, Level.OWNER_USER} and user.role is not Role.ADMIN:
            if request.path_params.get("id") != str(user.id):
                raise Forbidden("Only an administrator may do this with the account of somebody else.")
            if self.level is Level.OWNER_USER and user.role is not Role.USER:
                raise Forbidden(f"An administrator does this for accounts with the role {user.role.name}.")

    async def __call__(self, request: HTTPConnection) -> User | None:
        """Give the caller that was admitted."""
        user: User | None = request.state.caller
        return user


class WatchAccess(Access):
    """The dependency of routes that show something live. It gives the admission, for `Channels.open`."""

    def __init__(self) -> None:
        super().__init__(Level.VIEWER, ticket=True)

    async def __call__(self, request: HTTPConnection) -> Admission:  # type: ignore[override]
        """Give what the caller was let in with."""
        admission: Admission = request.state.admission
        return admission


class GuardedRoute(APIRoute):
    """A route that admits its caller before anything of the request's body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See APIRoute. Raises RouteWithoutRole when the route declares no access."""
        handler = super().get_route_handler()
        access = _only(self.path, self.dependant)

        rights = {method: RIGHTS.get(f"{method} {self.path}") for method in self.methods or ()}
        audited = {method: AUDITED.get(f"{method} {self.path}") for method in self.methods or ()}

        async def guarded(request: Request) -> Response:
            action = audited.get(request.method)
            outcome: Response | BaseException | None = None
            try:
                await access.admit(request)
                _require(rights.get(request.method), request.state.caller)
                outcome = await handler(request)
                return outcome
            except Exception as error:
                outcome = error
                raise
            finally:
                # Not when the client went away: nothing is known of how it went.
                if action is not None and outcome is not None:
                    await _keep(request, action, outcome)

        return guarded

    @property
    def level(self) -> Level:
        """What this route asks of its caller."""
        return next(_declared(self.dependant)).level


class GuardedSocketRoute(APIWebSocketRoute):
    """A WebSocket route that admits its caller before the socket is opened."""

    def __init__(self, path: str, endpoint: Callable[..., Any]) -> None:
        """See APIWebSocketRoute. Raises RouteWithoutRole when the route declares no access."""
        super().__init__(path, endpoint)
        self._access = _only(path, self.dependant)
        open_socket = self.app

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await self._access.admit(HTTPConnection(scope))
            except Unauthorized:
                await _refuse(scope, receive, send, HTTPStatus.UNAUTHORIZED, "Unauthorized")
            except Forbidden as error:
                await _refuse(scope, receive, send, HTTPStatus.FORBIDDEN, str(error))
            except TooManyAttempts as error:
                later = {"Retry-After": str(error.retry_after_s)}
                await _refuse(scope, receive, send, HTTPStatus.TOO_MANY_REQUESTS, str(error), later)
            else:
                await open_socket(scope, receive, send)

        self.app = guarded

    @property
    def level(self) -> Level:
        """What this route asks of its caller."""
        return self._access.level


def _require(right: Right | None, caller: User | None) -> None:
    if right is not None and caller is not None and not caller.may(right):
        raise Forbidden(f"You have no right to this: {right}. An administrator can give it to you.")


async def _keep(request: Request, action: str, outcome: Response | BaseException) -> None:
    services: ApiServices = request.app.state.services
    address = client_address(request, services.options.trusted_proxies)
    await services.auditing.add(await deed_of(request, action, address, outcome, request.state.caller))


async def _refuse(
    scope: Scope, receive: Receive, send: Send, status: HTTPStatus, text: str, headers: dict[str, str] | None = None
) -> None:
    # Sent instead of the upgrade (ASGI extension websocket.http.response), so that a client sees why.
    await WebSocket(scope, receive, send).send_denial_response(JSONResponse({"error": text}, status, headers))


def _only(path: str, dependant: Dependant) -> Access:
    declared = list(_declared(dependant))
    if len(declared) != 1:
        raise RouteWithoutRole(f"The route {path} must declare exactly one level of access.")
    return declared[0]


def _declared(dependant: Dependant) -> Iterator[Access]:
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Access):
            yield dependency.call
        yield from _declared(dependency)


def add_socket(app: FastAPI, path: str, endpoint: Callable[..., Any]) -> None:
    """Add a guarded WebSocket route to the application itself.

    A router would not do: FastAPI makes a new, unguarded route of each socket of a router that is included.
    """
    app.router.routes.append(GuardedSocketRoute(path, endpoint))


PUBLIC = Depends(Access(Level.PUBLIC))
VIEWER = Depends(Access(Level.VIEWER))
EDITOR = Depends(Access(Level.EDITOR))

Anybody = Annotated[User | None, Depends(Access(Level.ANYBODY))]
Viewer = Annotated[User, Depends(Access(Level.VIEWER))]
Editor = Annotated[User, Depends(Access(Level.EDITOR))]
Watcher = Annotated[Admission, Depends(WatchAccess())]
"""Every user, and who brings a ticket for the stream."""
Administrator = Annotated[User, Depends(Access(Level.ADMIN))]
Owner = Annotated[User, Depends(Access(Level.OWNER))]
OwningUser = Annotated[User, Depends(Access(Level.OWNER_USER))]
ADMIN = Depends(Access(Level.ADMIN))
