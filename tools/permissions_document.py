"""Prints docs/permissions.md: every route with the roles that may use it."""

from lightnvr.accounts.model import Role
from lightnvr.api.access import Level
from lightnvr.api.permissions import OWN_ACCOUNT, PERMISSIONS, ROLES, Permission
from lightnvr.api.rights import RIGHTS

_HEAD = """\
# Permissions

Every address of the API with the roles that may use it. "own": for the account of the caller only. "Nobody" is a
caller without credentials, or with ones that are no longer good.

A user with `allowed_tags` sees only streams that have one of these tags. For such a user a stream without any, and a
recording of one, does not exist: addresses that are about one stream or one recording answer as they do for a name that
was never used, and lists, numbers and metrics leave it out.

`allowed_actions` takes rights from a user that the role has: `live`, `listen`, `playback`, `export`, `change`,
`delete`. Those that need one of them besides the role say so under "Right"; all that shows a stream live needs `live`.
Who has no `listen` gets everything else that the table allows, but without sound.

The files of the pages, `GET /` and what it loads, are public, and so is `GET /api/openapi.json`. `SOCKET` is a
WebSocket.

This page is written by `make docs`. The server does not start when it is not so.

| Address | ADMIN | USER | API | VIEWER | Nobody | About | Right |
|---|---|---|---|---|---|---|---|
"""
_COLUMNS = (Role.ADMIN, Role.USER, Role.API, Role.VIEWER)


def permissions_document() -> str:
    """Return the text of the page, in Markdown."""
    return _HEAD + "".join(_row(name, permission) for name, permission in PERMISSIONS.items())


def _row(name: str, permission: Permission) -> str:
    nobody = {Level.PUBLIC: "yes", Level.ANYBODY: "a part"}.get(permission.level, "")
    right = RIGHTS.get(name, "")
    cells = [f"`{name}`", *(_cell(permission.level, role) for role in _COLUMNS), nobody, permission.about.value, right]
    return "| " + " | ".join(cells) + " |\n"


def _cell(level: Level, role: Role) -> str:
    if role in ROLES[level]:
        return "yes"
    return "own" if role in OWN_ACCOUNT.get(level, ()) else ""


if __name__ == "__main__":
    print(permissions_document(), end="")
