"""Which requests go into the audit log, and what is said of them there: never a value, never a secret."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Request, Response

from lightnvr.accounts.audit import Deed, Outcome
from lightnvr.accounts.audit_writer import AuditWriter
from lightnvr.accounts.limiter import network_of
from lightnvr.accounts.model import LastAdministrator, PasswordLocked, TooManyAttempts, User

AUDITED: Mapping[str, str] = {
    "POST /api/auth/login": "log in",
    "POST /api/auth/login/totp": "log in with code",
    "POST /api/auth/logout": "log out",
    "GET /logout": "log out",
    "POST /api/auth/users": "add user",
    "PUT /api/auth/users/{id}": "change user",
    "DELETE /api/auth/users/{id}": "delete user",
    "POST /api/auth/users/{id}/api-key": "generate API key",
    "PUT /api/auth/users/{id}/password": "change password",
    "PUT /api/auth/users/{id}/password-lock": "lock password",
    "POST /api/auth/users/{id}/login-lockout/clear": "clear lockout",
    "DELETE /api/auth/users/{id}/sessions": "log user out",
    "POST /api/auth/users/{id}/totp/setup": "set up authenticator",
    "POST /api/auth/users/{id}/totp/verify": "enable authenticator",
    "POST /api/auth/users/{id}/totp/disable": "remove authenticator",
    "POST /api/auth/users/{id}/totp/recovery-codes": "make recovery codes",
    "DELETE /api/auth/sessions/{session_id}": "end session",
    "DELETE /api/auth/trusted-devices/{device_id}": "forget device",
    "POST /api/streams": "add stream",
    "PUT /api/streams/{name}": "change stream",
    "DELETE /api/streams/{name}": "delete stream",
    "PUT /api/streams/{name}/retention": "change retention",
    "POST /api/streams/{stream_name}/ticket": "issue ticket",
    "DELETE /api/recordings/{id}": "delete recording",
    "PUT /api/recordings/{id}/protect": "protect recording",
    "PUT /api/recordings/{id}/retention": "keep recording",
    "POST /api/recordings/batch-protect": "protect recordings",
    "POST /api/recordings/batch-delete": "delete recordings",
    "DELETE /api/recordings/files": "delete file",
    "PUT /api/recordings/{id}/tags": "tag recording",
    "POST /api/recordings/batch-tags": "tag recordings",
    "POST /api/recordings/sync": "compare with disks",
    "POST /api/recordings/batch-download": "download",
    "GET /api/recordings/batch-download/result/{token}": "download",
    "GET /api/streams/{name}/export": "export",
    "POST /api/streams/{name}/recording": "record by hand",
    "POST /api/motion/trigger": "trigger motion",
    "POST /api/motion/test/{stream_name}": "test motion",
    "POST /api/storage/cleanup": "clean up",
    "POST /api/settings": "change settings",
    "POST /api/system/logs/clear": "clear logs",
    "POST /api/system/restart": "restart",
    "POST /api/system/shutdown": "shut down",
    "GET /api/recordings/download/{id}": "download",
    "POST /api/system/backup": "make backup",
    "DELETE /api/system/backups/{filename}": "delete backup",
    "GET /backups/{filename}": "download backup",
    "POST /api/system/restore": "restore backup",
    "DELETE /api/system/restore": "cancel restore",
    "POST /api/webhooks": "add webhook",
    "PUT /api/webhooks/{id}": "change webhook",
    "DELETE /api/webhooks/{id}": "delete webhook",
    "POST /api/webhooks/{id}/test": "test webhook",
    "POST /api/setup/status": "note first steps",
    "GET /api/recordings/play/{id}": "play back",
    "GET /api/timeline/manifest": "play back",
    "GET /api/timeline/play": "play back",
    "GET /api/timeline/media/{id}.mp4": "play back",
    "POST /api/streams/test": "try camera",
    "POST /api/streams/{name}/refresh": "reconnect stream",
    "POST /api/streams/{name}/zones": "change zones",
    "DELETE /api/streams/{name}/zones": "delete zones",
}
"""By method and path, as in the table of permissions."""

_REPEATED = frozenset({"download", "export", "play back", "trigger motion"})
"""A player asks for many parts, a sensor sees the wind: one entry in ten minutes says it all."""
_SILENCE_S = 600.0
_STRANGER_SILENCE_S = 60.0
_REMEMBERED = 1024
_MOST_MEMBERS = 20
TOO_MANY = "too many attempts"
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(slots=True)
class AuditNote:
    """What a handler adds to the entry of its request: who it was, when that was not known before; about what."""

    actor: User | None = None
    target: str = ""
    detail: str = ""
    refused: bool = False
    """For an answer whose status does not say so: a redirect back to the login."""


class Auditing:
    """Adds the entry of a request to the log. A log that cannot be written to does not stop the request."""

    def __init__(self, audit: AuditWriter, monotonic: Callable[[], float]) -> None:
        self._audit = audit
        self._parts, self._strangers = _Lately(_SILENCE_S, monotonic), _Lately(_STRANGER_SILENCE_S, monotonic)

    async def add(self, deed: Deed) -> None:
        """Add an entry, unless it repeats one of a moment ago that needs no repeating."""
        if deed.action in _REPEATED and self._parts.repeats(deed.actor, deed.action, deed.target, deed.outcome.value):
            return
        # Whoever is not known could fill the disk with entries, and hold up the recorder's own writing.
        if _is_of_a_stranger(deed) and self._strangers.repeats(
            network_of(deed.address), deed.action, deed.outcome.value, deed.detail
        ):
            return
        await self._audit.add(deed)


class _Lately:
    """What was kept within the last seconds. Bounded."""

    def __init__(self, silence_s: float, monotonic: Callable[[], float]) -> None:
        self._silence_s = silence_s
        self._monotonic = monotonic
        self._kept: OrderedDict[tuple[str, ...], float] = OrderedDict()

    def repeats(self, *key: str) -> bool:
        """Whether this was kept a moment ago; if not, it is now."""
        now, last = self._monotonic(), self._kept.get(key)
        if last is not None and now - last < self._silence_s:
            return True
        self._kept[key] = now
        self._kept.move_to_end(key)
        while len(self._kept) > _REMEMBERED:
            self._kept.popitem(last=False)
        return False


def _is_of_a_stranger(deed: Deed) -> bool:
    """Whether anybody could have this written as often as they like. Wrong passwords have a limit of their own."""
    if deed.detail == TOO_MANY:
        return True
    return deed.actor_id is None and not (deed.action == "log in" and deed.outcome is Outcome.REFUSED)


def note_of(request: Request) -> AuditNote:
    """Return what the entry of this request will say, to be added to."""
    note = getattr(request.state, "audit_note", None)
    if not isinstance(note, AuditNote):
        note = request.state.audit_note = AuditNote()
    return note


async def deed_of(
    request: Request, action: str, address: str, outcome: Response | BaseException, caller: User | None
) -> Deed:
    """Return the entry of a request that was answered or went wrong."""
    note = note_of(request)
    actor = note.actor or caller
    target = note.target or ", ".join(str(value) for value in request.path_params.values())
    return Deed(
        actor="" if actor is None else actor.username,
        actor_id=None if actor is None else actor.id,
        action=action,
        target=target or request.query_params.get("stream", ""),
        outcome=Outcome.REFUSED if note.refused else _outcome(outcome),
        address=address,
        detail=TOO_MANY if isinstance(outcome, TooManyAttempts) else note.detail or await _members(request),
    )


def _outcome(outcome: Response | BaseException) -> Outcome:
    if isinstance(outcome, Response):
        if outcome.status_code in _REFUSED:
            return Outcome.REFUSED
        return Outcome.DONE if outcome.status_code < HTTPStatus.BAD_REQUEST else Outcome.FAILED
    refusals = (PasswordLocked, LastAdministrator, TooManyAttempts)
    is_refusal = isinstance(outcome, refusals) or type(outcome).__name__ in {"Forbidden", "Unauthorized"}
    return Outcome.REFUSED if is_refusal else Outcome.FAILED


async def _members(request: Request) -> str:
    """Return the names of what a JSON body changes. Values may be secret."""
    if request.method not in {"PUT", "POST"} or "json" not in request.headers.get("content-type", ""):
        return ""
    # A body that was not read stays unread: what is refused before is not looked at.
    if not hasattr(request, "_body"):
        return ""
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        return ""
    if not isinstance(body, dict):
        return ""
    names = [name for name in sorted(body) if isinstance(name, str) and name.isidentifier() and len(name) <= 64]
    return ", ".join(names[:_MOST_MEMBERS])
