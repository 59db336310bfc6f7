"""What stands before every route: security headers, and no change on behalf of another site."""

from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from lightnvr.accounts.audit import Deed, Outcome
from lightnvr.api.client import client_address
from lightnvr.api.errors import TOO_LARGE, error_answer
from lightnvr.api.services import ApiServices

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_HTTPS_ONLY = "max-age=31536000"
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: a form that posts itself would then say "Origin: null" (Fetch standard, section 3.2), as a page
    # of another site may, and be refused.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecurityHeaders:
    """Adds headers that keep browsers from doing with our answers what they were not meant for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with headers added to the answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if scope.get("scheme") == "https":
                    headers.setdefault("Strict-Transport-Security", _HTTPS_ONLY)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class BodyLimit:
    """Refuses bodies that are larger than any that is needed, before or while they arrive."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdigit() and int(announced[:20]) > self._max_bytes:
            await error_answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LARGE)(scope, receive, send)
            return
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        await self._app(scope, receive_counted, send)


class SameOrigin:
    """Refuses changes that a page of another site asks for.

    A browser adds cookies and Basic credentials by itself, so a page of any site could otherwise use them; with
    authentication off it would not even need them. API keys are never added by a browser, and programs that are no
    browser send no Origin.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 403."""
        # A socket is not bound by the browser's rules for other sites, so its handshake counts as a change.
        if scope["type"] == "websocket" or (scope["type"] == "http" and scope["method"] not in _SAFE_METHODS):
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            if origin is not None and not _has_api_key(headers) and not _is_own(origin, headers.get("host", "")):
                await _keep_refusal(scope, origin)
                answer = error_answer(HTTPStatus.FORBIDDEN, "Changes can be asked for by pages of this server only.")
                if scope["type"] == "websocket":
                    await WebSocket(scope, receive, send).send_denial_response(answer)
                else:
                    await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _keep_refusal(scope: Scope, origin: str) -> None:
    services: ApiServices = scope["app"].state.services
    address = client_address(HTTPConnection(scope), services.options.trusted_proxies)
    # What the other site can choose is in the target, which does not make an entry one of another kind.
    target = f"{scope['path']} from {origin}"
    await services.auditing.add(
        Deed("", None, "ask for a change", target, Outcome.REFUSED, address, "by a page of another site")
    )


def _has_api_key(headers: Headers) -> bool:
    return "x-api-key" in headers or headers.get("authorization", "").lower().startswith("bearer ")


def _is_own(origin: str, host: str) -> bool:
    # The scheme is not compared: a proxy that ends TLS talks http to us while the browser's origin is https.
    try:
        theirs, ours = urlsplit(origin), urlsplit(f"//{host}")
        default = _DEFAULT_PORTS.get(theirs.scheme)
        their_port, our_port = theirs.port or default, ours.port or default
    except ValueError:
        return False
    return theirs.hostname is not None and (theirs.hostname, their_port) == (ours.hostname, our_port)
