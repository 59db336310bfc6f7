"""Completes the OpenAPI document: how to log in, and what each operation needs."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from lightnvr.api.access import GuardedRoute, GuardedSocketRoute, Level, RouteWithoutRole
from lightnvr.api.openapi_examples import add_examples

_DESCRIPTION = """\
The REST API of LightNVR, a network video recorder.

Log in with `POST /api/auth/login` and keep the cookie, or send an API key in `X-API-Key` or as `Authorization: Bearer`,
or use HTTP Basic. Every answer with a status from 400 up is `{"error": "a sentence"}`. Times are ISO 8601 in UTC.
"""
_SCHEMES: Mapping[str, Mapping[str, str]] = {
    "session": {"type": "apiKey", "in": "cookie", "name": "session", "description": "From POST /api/auth/login."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "From lightnvr user api-key."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same API key."},
    "basic": {"type": "http", "scheme": "basic", "description": "User name and password."},
}
_TAGS: Mapping[str, str] = {
    "Authentication": "Log in and out, and ask who is logged in.",
    "Audit": "Who did what, when and from where.",
    "Users": "Who may log in, and what they may do then.",
    "Streams": "The cameras: what is configured, and what each is doing.",
    "Timeline": "Recorded time as one stretch, whatever files it lies in.",
    "Events": "What happened in front of cameras, stored and as it happens.",
    "Detection": "What looks at pictures, zones, and what was detected where.",
    "Export": "Clips of what was recorded, and evidence.",
    "Live view": "Watching cameras as they are now.",
    "Motion": "Say that something happens in front of a camera.",
    "Storage": "How full the disk is, and making room.",
    "Recordings": "What was recorded: lists, and the files themselves.",
    "System": "The server itself and the machine it runs on; its log, its restart and its end.",
    "Settings": "Settings of the server, changed while it runs.",
    "Health": "Whether the server lives, and how its streams are.",
    "Backup": "Database, settings and keys in one file.",
    "Setup": "The first steps after an installation.",
    "Webhooks": "Other programs that are told of events by HTTP.",
    "ICE servers": "What browsers need for live view from other networks.",
}
_NEEDS = {
    Level.VIEWER: "every user",
    Level.EDITOR: "the roles ADMIN, USER and API",
    Level.ADMIN: "the role ADMIN",
    Level.OWNER: "the role ADMIN, and for every user about the own account",
    Level.OWNER_USER: "the role ADMIN, and for users with the role USER about the own account",
}


def check_roles(app: FastAPI) -> None:
    """Raise RouteWithoutRole when any route of the application could be called without a declared role."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        # A socket is guarded only where `add_socket` put it.
        if not isinstance(route, GuardedRoute) and not (isinstance(route, GuardedSocketRoute) and route in app.routes):
            raise RouteWithoutRole(f"The route {context.path} declares no level of access.")


def complete_openapi(app: FastAPI) -> None:
    """Make the application give the completed document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(title=app.title, version=app.version, description=_DESCRIPTION, routes=app.routes)
    schema.setdefault("components", {})["securitySchemes"] = dict(_SCHEMES)
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)
    levels = _levels(app)
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            operation["responses"].pop("422", None)
            level = levels[path, method.upper()]
            if level in _NEEDS:
                operation["security"] = [{scheme: []} for scheme in _SCHEMES]
                operation["description"] = f"{operation.get('description', '')}\n\nFor {_NEEDS[level]}."
            elif level is Level.ANYBODY:
                operation["security"] = [{}, *({scheme: []} for scheme in _SCHEMES)]
    schema["tags"] = [{"name": name, "description": text} for name, text in _TAGS.items()]
    add_examples(schema)
    return schema


def _levels(app: FastAPI) -> dict[tuple[str, str], Level]:
    levels = {}
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, GuardedRoute):
            for method in context.methods or ():
                levels[context.path_format or "", method] = route.level
    return levels
