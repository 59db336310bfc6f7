"""/api/settings: settings of the server, read and changed while it runs."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from lightnvr.accounts.model import Role
from lightnvr.api.access import ADMIN, GuardedRoute, Viewer
from lightnvr.api.answers import json_answer
from lightnvr.api.errors import declared
from lightnvr.api.services import Services
from lightnvr.api.settings_models import LiveViewSettings, SettingsChanged
from lightnvr.config.members import FOR_EVERYBODY, MEMBERS, ServerSettings

router = APIRouter(prefix="/api/settings", tags=["Settings"], route_class=GuardedRoute)

_MOST_NAMED = 100
_CHANGE_EXAMPLE = {"retention_days": 14, "storage_min_free_pct": 15, "turn_password": "********"}


@router.get(
    "",
    response_model=ServerSettings | LiveViewSettings,
    responses=declared(400, 401, 429),
    summary="Get settings",
)
async def get_settings(services: Services, caller: Viewer) -> Response:
    """Administrators see all settings, other users those that pages need to show streams.

    A member that is in force only after a restart is shown as it will be then.
    """
    names = MEMBERS if caller.role is Role.ADMIN else FOR_EVERYBODY
    values = services.system.settings.shown(names)
    return JSONResponse(values, headers={"Cache-Control": "no-store"})


@router.post(
    "",
    response_model=SettingsChanged,
    responses=declared(400, 401, 403, 413, 429),
    dependencies=[ADMIN],
    summary="Change settings",
    openapi_extra={"requestBody": {"content": {"application/json": {"example": _CHANGE_EXAMPLE}}}},
)
async def change_settings(body: ServerSettings, services: Services) -> Response:
    """Changes the members that are sent: all of them, or none when one is not allowed. Those that are not known are
    named in `unknown_members`.

    What is changed is in force at once unless `restart_required` is true. It is kept in the database, over what
    lightnvr.ini says; what an environment variable or an option sets cannot be changed here. Sending back what was
    read changes nothing.
    """
    unknown = sorted(body.model_extra or ())
    sent = {name: getattr(body, name) for name in body.model_fields_set.difference(unknown)}
    change = await services.system.settings.change(sent)
    waiting = sorted(change.after_restart)
    verb = "takes" if len(waiting) == 1 else "take"
    message = f"{' and '.join(waiting)} {verb} effect after a restart." if waiting else ""
    answer = SettingsChanged(
        restart_required=bool(waiting),
        restart_required_message=message,
        restart_required_members=waiting,
        unknown_members=unknown[:_MOST_NAMED],
    )
    return json_answer(answer)
