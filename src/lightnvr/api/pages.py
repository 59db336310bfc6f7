"""The web page and its files, and the page that shows the API's documentation."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from lightnvr.api.access import PUBLIC, GuardedRoute

_ROOT = Path(__file__).resolve().parent.parent / "static"
_OPENAPI = "/api/openapi.json"
_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}


def pages_router() -> APIRouter:
    """Return routes for the pages and, one by one, for each file they are made of.

    There is no route that takes a path, so no path can lead out of the folder.
    """
    router = APIRouter(route_class=GuardedRoute, include_in_schema=False)
    for address, name in _files().items():
        router.add_api_route(address, _sender(_ROOT / name), methods=["GET", "HEAD"], dependencies=[PUBLIC])
    router.add_api_route(_OPENAPI, _openapi, methods=["GET", "HEAD"], dependencies=[PUBLIC])
    return router


def page_addresses() -> frozenset[str]:
    """Return the addresses of the pages and of what they are made of."""
    return frozenset({*_files(), _OPENAPI})


def _files() -> dict[str, str]:
    found = [*_ROOT.iterdir(), *_ROOT.glob("vendor/*")]
    names = [path.relative_to(_ROOT).as_posix() for path in sorted(found) if path.suffix in _MEDIA_TYPES]
    return {"/": "index.html", "/api/docs": "docs.html", **{f"/{name}": name for name in names}}


def _sender(path: Path) -> Callable[[], Awaitable[Response]]:
    headers = {"Content-Type": _MEDIA_TYPES[path.suffix], "Cache-Control": "no-cache"}

    async def send() -> Response:
        return Response(await anyio.to_thread.run_sync(path.read_bytes), headers=headers)

    return send


async def _openapi(request: Request) -> Response:
    return JSONResponse(request.app.openapi())
