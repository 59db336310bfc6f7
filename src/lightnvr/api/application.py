"""Puts the API together."""

from fastapi import FastAPI

from lightnvr.api import (
    auth,
    health,
    ice_servers,
    recording_care,
    recordings,
    storage,
    stream_retention,
    streams,
    tickets,
    timeline,
)
from lightnvr.api.errors import answer_errors
from lightnvr.api.guards import BodyLimit, SameOrigin, SecurityHeaders
from lightnvr.api.openapi import check_roles, complete_openapi
from lightnvr.api.pages import pages_router
from lightnvr.api.services import ApiServices

_MAX_BODY = 1024 * 1024


def create_api(services: ApiServices) -> FastAPI:
    """Return the ASGI application. Raises RouteWithoutRole when a route does not say who may call it."""
    app = FastAPI(
        title="LightNVR",
        version=services.options.version,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    for router in (
        auth.router,
        streams.router,
        stream_retention.router,
        tickets.router,
        recording_care.router,
        recordings.router,
        storage.router,
        timeline.router,
        health.router,
        ice_servers.router,
        pages_router(),
    ):
        app.include_router(router)
    answer_errors(app)
    app.add_middleware(BodyLimit, max_bytes=_MAX_BODY)
    app.add_middleware(SameOrigin)
    app.add_middleware(SecurityHeaders)
    check_roles(app)
    complete_openapi(app)
    return app
