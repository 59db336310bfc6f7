"""Every route with the roles that may use it. The server does not start when this is not what the routes declare.

docs/permissions.md is made of it, and a test walks all of it with every kind of caller.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from lightnvr.accounts.model import Role
from lightnvr.api.access import GuardedRoute, GuardedSocketRoute, Level, RouteWithoutRole
from lightnvr.api.auditing import AUDITED
from lightnvr.api.pages import page_addresses
from lightnvr.api.rights import RIGHTS


class About(StrEnum):
    """What a route is about, which decides how the tags of a user limit it."""

    SERVER = "the server"
    """Nothing of any stream is in it."""
    STREAM = "one stream"
    """A stream that the caller may not see is answered like one that does not exist."""
    RECORDING = "one recording"
    """The same for a recording of such a stream."""
    STREAMS = "streams"
    """Streams that the caller may not see are left out."""
    ACCOUNT = "one account"
    """The account that `{id}` names."""
    OWN = "what the caller began"
    """Logins and live views of the caller, whatever role."""


@dataclass(frozen=True, slots=True)
class Permission:
    """What a route asks of its caller, and what it is about."""

    level: Level
    about: About


ROLES: Mapping[Level, frozenset[Role]] = {
    Level.PUBLIC: frozenset(Role),
    Level.ANYBODY: frozenset(Role),
    Level.VIEWER: frozenset(Role),
    Level.EDITOR: frozenset({Role.ADMIN, Role.USER, Role.API}),
    Level.ADMIN: frozenset({Role.ADMIN}),
    Level.OWNER: frozenset({Role.ADMIN}),
    Level.OWNER_USER: frozenset({Role.ADMIN}),
}
"""Which roles may use a route of each level, whatever account it is about."""

OWN_ACCOUNT: Mapping[Level, frozenset[Role]] = {
    Level.OWNER: frozenset(Role),
    Level.OWNER_USER: frozenset({Role.ADMIN, Role.USER}),
}
"""Which roles may use it for their own account."""

PERMISSIONS: Mapping[str, Permission] = {
    "POST /api/auth/login": Permission(Level.PUBLIC, About.SERVER),
    "POST /api/auth/login/totp": Permission(Level.PUBLIC, About.SERVER),
    "GET /logout": Permission(Level.PUBLIC, About.SERVER),
    "POST /api/auth/logout": Permission(Level.PUBLIC, About.SERVER),
    "GET /api/auth/verify": Permission(Level.ANYBODY, About.SERVER),
    "GET /api/auth/login/config": Permission(Level.PUBLIC, About.SERVER),
    "GET /api/audit": Permission(Level.ADMIN, About.SERVER),
    "GET /api/auth/users": Permission(Level.ADMIN, About.SERVER),
    "POST /api/auth/users": Permission(Level.ADMIN, About.SERVER),
    "GET /api/auth/users/{id}": Permission(Level.ADMIN, About.ACCOUNT),
    "PUT /api/auth/users/{id}": Permission(Level.OWNER, About.ACCOUNT),
    "DELETE /api/auth/users/{id}": Permission(Level.ADMIN, About.ACCOUNT),
    "POST /api/auth/users/{id}/api-key": Permission(Level.OWNER_USER, About.ACCOUNT),
    "PUT /api/auth/users/{id}/password": Permission(Level.OWNER, About.ACCOUNT),
    "PUT /api/auth/users/{id}/password-lock": Permission(Level.ADMIN, About.ACCOUNT),
    "POST /api/auth/users/{id}/login-lockout/clear": Permission(Level.ADMIN, About.ACCOUNT),
    "GET /api/auth/users/{id}/sessions": Permission(Level.ADMIN, About.ACCOUNT),
    "DELETE /api/auth/users/{id}/sessions": Permission(Level.ADMIN, About.ACCOUNT),
    "POST /api/auth/users/{id}/totp/setup": Permission(Level.OWNER, About.ACCOUNT),
    "POST /api/auth/users/{id}/totp/verify": Permission(Level.OWNER, About.ACCOUNT),
    "POST /api/auth/users/{id}/totp/disable": Permission(Level.OWNER, About.ACCOUNT),
    "GET /api/auth/users/{id}/totp/status": Permission(Level.OWNER, About.ACCOUNT),
    "POST /api/auth/users/{id}/totp/recovery-codes": Permission(Level.OWNER, About.ACCOUNT),
    "GET /api/auth/sessions": Permission(Level.VIEWER, About.OWN),
    "DELETE /api/auth/sessions/{session_id}": Permission(Level.VIEWER, About.OWN),
    "GET /api/auth/trusted-devices": Permission(Level.VIEWER, About.OWN),
    "DELETE /api/auth/trusted-devices/{device_id}": Permission(Level.VIEWER, About.OWN),
    "GET /api/streams": Permission(Level.VIEWER, About.STREAMS),
    "POST /api/streams": Permission(Level.EDITOR, About.STREAMS),
    "POST /api/streams/test": Permission(Level.EDITOR, About.SERVER),
    "GET /api/streams/{name}": Permission(Level.VIEWER, About.STREAM),
    "GET /api/streams/{name}/full": Permission(Level.VIEWER, About.STREAM),
    "PUT /api/streams/{name}": Permission(Level.EDITOR, About.STREAM),
    "DELETE /api/streams/{name}": Permission(Level.EDITOR, About.STREAM),
    "POST /api/streams/{name}/refresh": Permission(Level.VIEWER, About.STREAM),
    "GET /api/streams/{name}/retention": Permission(Level.VIEWER, About.STREAM),
    "PUT /api/streams/{name}/retention": Permission(Level.EDITOR, About.STREAM),
    "GET /api/streams/{name}/recording": Permission(Level.VIEWER, About.STREAM),
    "POST /api/streams/{name}/recording": Permission(Level.EDITOR, About.STREAM),
    "GET /api/detection/models": Permission(Level.VIEWER, About.SERVER),
    "POST /api/motion/trigger": Permission(Level.EDITOR, About.STREAMS),
    "POST /api/motion/test/{stream_name}": Permission(Level.EDITOR, About.STREAM),
    "GET /api/streams/{name}/export": Permission(Level.VIEWER, About.STREAM),
    "HEAD /api/streams/{name}/export": Permission(Level.VIEWER, About.STREAM),
    "GET /api/evidence/key": Permission(Level.VIEWER, About.SERVER),
    "POST /api/streams/{stream_name}/ticket": Permission(Level.VIEWER, About.STREAM),
    "GET /api/stream.mp4": Permission(Level.VIEWER, About.STREAM),
    "HEAD /api/stream.mp4": Permission(Level.VIEWER, About.STREAM),
    "GET /go2rtc/api/stream.mp4": Permission(Level.VIEWER, About.STREAM),
    "HEAD /go2rtc/api/stream.mp4": Permission(Level.VIEWER, About.STREAM),
    "GET /api/stream.ts": Permission(Level.VIEWER, About.STREAM),
    "HEAD /api/stream.ts": Permission(Level.VIEWER, About.STREAM),
    "GET /go2rtc/api/stream.ts": Permission(Level.VIEWER, About.STREAM),
    "HEAD /go2rtc/api/stream.ts": Permission(Level.VIEWER, About.STREAM),
    "GET /go2rtc/api/streams": Permission(Level.VIEWER, About.STREAMS),
    "GET /api/recordings/tags": Permission(Level.VIEWER, About.STREAMS),
    "DELETE /api/recordings/tags": Permission(Level.VIEWER, About.STREAMS),
    "GET /api/recordings/detection-labels": Permission(Level.VIEWER, About.STREAMS),
    "DELETE /api/recordings/detection-labels": Permission(Level.VIEWER, About.STREAMS),
    "POST /api/recordings/batch-tags": Permission(Level.EDITOR, About.STREAMS),
    "GET /api/recordings/batch-tags": Permission(Level.VIEWER, About.STREAMS),
    "DELETE /api/recordings/batch-tags": Permission(Level.VIEWER, About.STREAMS),
    "GET /api/recordings/{id}/tags": Permission(Level.VIEWER, About.RECORDING),
    "PUT /api/recordings/{id}/tags": Permission(Level.EDITOR, About.RECORDING),
    "POST /api/recordings/batch-delete": Permission(Level.EDITOR, About.STREAMS),
    "GET /api/recordings/batch-delete": Permission(Level.VIEWER, About.STREAMS),
    "DELETE /api/recordings/batch-delete": Permission(Level.VIEWER, About.STREAMS),
    "GET /api/recordings/batch-delete/progress/{job_id}": Permission(Level.VIEWER, About.OWN),
    "POST /api/recordings/batch-download": Permission(Level.VIEWER, About.STREAMS),
    "GET /api/recordings/batch-download": Permission(Level.VIEWER, About.STREAMS),
    "DELETE /api/recordings/batch-download": Permission(Level.VIEWER, About.STREAMS),
    "GET /api/recordings/batch-download/status/{token}": Permission(Level.VIEWER, About.OWN),
    "GET /api/recordings/batch-download/result/{token}": Permission(Level.VIEWER, About.OWN),
    "GET /api/recordings/files/check": Permission(Level.ADMIN, About.SERVER),
    "DELETE /api/recordings/files": Permission(Level.ADMIN, About.SERVER),
    "GET /api/recordings/files": Permission(Level.VIEWER, About.SERVER),
    "GET /api/recordings/thumbnail/{id}/{index}": Permission(Level.VIEWER, About.RECORDING),
    "POST /api/recordings/sync": Permission(Level.EDITOR, About.SERVER),
    "GET /api/recordings/sync": Permission(Level.VIEWER, About.SERVER),
    "DELETE /api/recordings/sync": Permission(Level.VIEWER, About.SERVER),
    "GET /api/recordings/protected": Permission(Level.VIEWER, About.STREAMS),
    "POST /api/recordings/batch-protect": Permission(Level.EDITOR, About.STREAMS),
    "GET /api/recordings/batch-protect": Permission(Level.VIEWER, About.STREAMS),
    "DELETE /api/recordings/batch-protect": Permission(Level.VIEWER, About.STREAMS),
    "DELETE /api/recordings/protected": Permission(Level.VIEWER, About.STREAMS),
    "PUT /api/recordings/{id}/protect": Permission(Level.EDITOR, About.RECORDING),
    "PUT /api/recordings/{id}/retention": Permission(Level.EDITOR, About.RECORDING),
    "GET /api/recordings": Permission(Level.VIEWER, About.STREAMS),
    "GET /api/recordings/play/{id}": Permission(Level.VIEWER, About.RECORDING),
    "HEAD /api/recordings/play/{id}": Permission(Level.VIEWER, About.RECORDING),
    "GET /api/recordings/download/{id}": Permission(Level.VIEWER, About.RECORDING),
    "HEAD /api/recordings/download/{id}": Permission(Level.VIEWER, About.RECORDING),
    "GET /api/recordings/{id}": Permission(Level.VIEWER, About.RECORDING),
    "DELETE /api/recordings/{id}": Permission(Level.EDITOR, About.RECORDING),
    "GET /api/storage/daily": Permission(Level.VIEWER, About.STREAMS),
    "GET /api/storage/health": Permission(Level.VIEWER, About.SERVER),
    "POST /api/storage/cleanup": Permission(Level.ADMIN, About.SERVER),
    "GET /api/timeline/segments": Permission(Level.VIEWER, About.STREAM),
    "GET /api/timeline/segments-by-ids": Permission(Level.VIEWER, About.STREAMS),
    "POST /api/timeline/segments-by-ids": Permission(Level.VIEWER, About.STREAMS),
    "GET /api/timeline/manifest": Permission(Level.VIEWER, About.STREAM),
    "GET /api/timeline/init/{id}.mp4": Permission(Level.VIEWER, About.RECORDING),
    "GET /api/timeline/media/{id}.mp4": Permission(Level.VIEWER, About.RECORDING),
    "HEAD /api/timeline/media/{id}.mp4": Permission(Level.VIEWER, About.RECORDING),
    "GET /api/timeline/play": Permission(Level.VIEWER, About.STREAM),
    "GET /api/timeline/density": Permission(Level.VIEWER, About.STREAM),
    "GET /api/health": Permission(Level.ANYBODY, About.STREAMS),
    "GET /api/health/hls": Permission(Level.ANYBODY, About.STREAMS),
    "GET /api/metrics": Permission(Level.VIEWER, About.STREAMS),
    "GET /api/system": Permission(Level.ADMIN, About.SERVER),
    "GET /api/system/info": Permission(Level.ADMIN, About.SERVER),
    "GET /api/system/status": Permission(Level.PUBLIC, About.SERVER),
    "GET /api/system/logs": Permission(Level.ADMIN, About.SERVER),
    "POST /api/system/logs/clear": Permission(Level.ADMIN, About.SERVER),
    "SOCKET /api/system/logs/ws": Permission(Level.ADMIN, About.SERVER),
    "POST /api/system/restart": Permission(Level.ADMIN, About.SERVER),
    "POST /api/system/shutdown": Permission(Level.ADMIN, About.SERVER),
    "GET /api/settings": Permission(Level.VIEWER, About.SERVER),
    "POST /api/settings": Permission(Level.ADMIN, About.SERVER),
    "GET /api/ice-servers": Permission(Level.VIEWER, About.SERVER),
    "POST /go2rtc/api/webrtc": Permission(Level.VIEWER, About.STREAM),
    "POST /api/webrtc": Permission(Level.VIEWER, About.STREAM),
    "OPTIONS /go2rtc/api/webrtc": Permission(Level.VIEWER, About.OWN),
    "PATCH /go2rtc/api/webrtc/{session_id}": Permission(Level.VIEWER, About.OWN),
    "DELETE /go2rtc/api/webrtc/{session_id}": Permission(Level.VIEWER, About.OWN),
    "OPTIONS /api/webrtc": Permission(Level.VIEWER, About.OWN),
    "PATCH /api/webrtc/{session_id}": Permission(Level.VIEWER, About.OWN),
    "DELETE /api/webrtc/{session_id}": Permission(Level.VIEWER, About.OWN),
    "GET /hls/{stream}/index.m3u8": Permission(Level.VIEWER, About.STREAM),
    "HEAD /hls/{stream}/index.m3u8": Permission(Level.VIEWER, About.STREAM),
    "GET /hls/{stream}/segment_{number}.ts": Permission(Level.VIEWER, About.STREAM),
    "HEAD /hls/{stream}/segment_{number}.ts": Permission(Level.VIEWER, About.STREAM),
    "GET /hls/{stream}/ll.m3u8": Permission(Level.VIEWER, About.STREAM),
    "HEAD /hls/{stream}/ll.m3u8": Permission(Level.VIEWER, About.STREAM),
    "GET /hls/{stream}/init_{number}.mp4": Permission(Level.VIEWER, About.STREAM),
    "HEAD /hls/{stream}/init_{number}.mp4": Permission(Level.VIEWER, About.STREAM),
    "GET /hls/{stream}/part_{number}.{part}.m4s": Permission(Level.VIEWER, About.STREAM),
    "HEAD /hls/{stream}/part_{number}.{part}.m4s": Permission(Level.VIEWER, About.STREAM),
    "GET /hls/{stream}/seg_{number}.m4s": Permission(Level.VIEWER, About.STREAM),
    "HEAD /hls/{stream}/seg_{number}.m4s": Permission(Level.VIEWER, About.STREAM),
    "GET /hls/{stream}/master.m3u8": Permission(Level.VIEWER, About.STREAM),
    "HEAD /hls/{stream}/master.m3u8": Permission(Level.VIEWER, About.STREAM),
    "GET /api/stream.m3u8": Permission(Level.VIEWER, About.STREAM),
    "GET /go2rtc/api/stream.m3u8": Permission(Level.VIEWER, About.STREAM),
    "GET /go2rtc/api/frame.jpeg": Permission(Level.VIEWER, About.STREAM),
    "GET /api/frame.jpeg": Permission(Level.VIEWER, About.STREAM),
    "GET /api/streams/{stream_name}/snapshot": Permission(Level.VIEWER, About.STREAM),
    "GET /go2rtc/api/stream.mjpeg": Permission(Level.VIEWER, About.STREAM),
    "HEAD /go2rtc/api/stream.mjpeg": Permission(Level.VIEWER, About.STREAM),
    "GET /api/stream.mjpeg": Permission(Level.VIEWER, About.STREAM),
    "HEAD /api/stream.mjpeg": Permission(Level.VIEWER, About.STREAM),
    "POST /api/system/backup": Permission(Level.ADMIN, About.SERVER),
    "GET /api/system/backups": Permission(Level.ADMIN, About.SERVER),
    "DELETE /api/system/backups/{filename}": Permission(Level.ADMIN, About.SERVER),
    "GET /backups/{filename}": Permission(Level.ADMIN, About.SERVER),
    "HEAD /backups/{filename}": Permission(Level.ADMIN, About.SERVER),
    "POST /api/system/restore": Permission(Level.ADMIN, About.SERVER),
    "DELETE /api/system/restore": Permission(Level.ADMIN, About.SERVER),
    "GET /api/setup/status": Permission(Level.ANYBODY, About.SERVER),
    "POST /api/setup/status": Permission(Level.ADMIN, About.SERVER),
    "GET /api/webhooks": Permission(Level.ADMIN, About.SERVER),
    "POST /api/webhooks": Permission(Level.ADMIN, About.SERVER),
    "GET /api/webhooks/{id}": Permission(Level.ADMIN, About.SERVER),
    "PUT /api/webhooks/{id}": Permission(Level.ADMIN, About.SERVER),
    "DELETE /api/webhooks/{id}": Permission(Level.ADMIN, About.SERVER),
    "POST /api/webhooks/{id}/test": Permission(Level.ADMIN, About.SERVER),
    "GET /api/streams/{name}/zones": Permission(Level.VIEWER, About.STREAM),
    "POST /api/streams/{name}/zones": Permission(Level.EDITOR, About.STREAM),
    "DELETE /api/streams/{name}/zones": Permission(Level.EDITOR, About.STREAM),
    "GET /api/detection/results/{stream_name}": Permission(Level.VIEWER, About.STREAM),
    "GET /api/snapshots/{stream}/{file}": Permission(Level.VIEWER, About.STREAM),
    "GET /api/events": Permission(Level.VIEWER, About.STREAMS),
    "GET /api/events/stream": Permission(Level.VIEWER, About.STREAMS),
    "GET /api/events/{event_id}": Permission(Level.VIEWER, About.STREAMS),
    "SOCKET /api/ws": Permission(Level.VIEWER, About.STREAM),
    "SOCKET /go2rtc/api/ws": Permission(Level.VIEWER, About.STREAM),
}
"""By method and path; a socket is `SOCKET`. The files of the pages are public and not named one by one."""


def declared_levels(app: FastAPI) -> Iterator[tuple[str, Level]]:
    """Yield each route of an application as it is named in the table, with the level that it declares."""
    pages = page_addresses()
    for context in iter_route_contexts(app.routes):
        route, path = context.original_route, context.path_format or context.path or ""
        if isinstance(route, GuardedSocketRoute):
            yield f"SOCKET {path}", route.level
        elif isinstance(route, GuardedRoute) and not (path in pages and route.level is Level.PUBLIC):
            for method in context.methods or ():
                yield f"{method} {path}", route.level


def check_table(app: FastAPI, table: Mapping[str, Permission] = PERMISSIONS) -> None:
    """Raise RouteWithoutRole unless the table has each route of the application, and no other, as it is declared."""
    declared = dict(declared_levels(app))
    wrong = [name for name, level in declared.items() if name not in table or table[name].level is not level]
    others = AUDITED.keys() | RIGHTS.keys() if table is PERMISSIONS else frozenset[str]()
    _refuse(others - table.keys(), "does not have, but the audit log or the table of rights does:")
    _refuse(wrong, "does not have, or has with another level")
    _refuse(table.keys() - declared.keys(), "has, but the API does not:")


def _refuse(names: Collection[str], problem: str) -> None:
    if names:
        raise RouteWithoutRole(f"The table of permissions {problem} {', '.join(sorted(names))}.")
