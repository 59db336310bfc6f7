"""Players on pages of other sites (the CORS protocol of the Fetch standard)."""

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PREFIXES = ("/hls/", "/api/stream.m3u8", "/go2rtc/api/stream.m3u8")
_METHODS = "GET, HEAD, OPTIONS"


class CrossOriginPlayers:
    """Lets pages of the sites that an administrator named read HLS playlists and segments; nobody else.

    Cookies are not allowed along: a page of another site brings a ticket, or an API key in a header, so that no page
    can watch with the login of whoever happens to look at it.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with headers added for a named origin; answer OPTIONS."""
        if scope["type"] != "http" or not scope["path"].startswith(_PREFIXES):
            await self._app(scope, receive, send)
            return
        request = Headers(scope=scope)
        origin = request.get("origin", "")
        is_named = origin in self._origins
        if scope["method"] == "OPTIONS":
            headers = {"Allow": _METHODS, "Vary": "Origin"}
            if is_named:
                headers |= {
                    "Access-Control-Allow-Origin": origin,
                    "Access-Control-Allow-Methods": _METHODS,
                    "Access-Control-Allow-Headers": "Authorization, X-API-Key, Range",
                    "Access-Control-Max-Age": "600",
                }
            await Response(status_code=204, headers=headers)(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.append("Vary", "Origin")
                if is_named:
                    headers["Access-Control-Allow-Origin"] = origin
                    headers["Access-Control-Expose-Headers"] = "Content-Length, Content-Range, Date, Retry-After"
                    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            await send(message)

        await self._app(scope, receive, send_with_headers)
