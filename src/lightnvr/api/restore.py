"""/api/system/restore: what restoring a backup would do, and doing it at the next start."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from lightnvr.api.access import ADMIN, GuardedRoute
from lightnvr.api.answers import json_answer
from lightnvr.api.auditing import note_of
from lightnvr.api.errors import declared
from lightnvr.api.seen import EVERYTHING
from lightnvr.api.services import Services
from lightnvr.api.times import iso
from lightnvr.backup.restoring import RestorePlan
from lightnvr.streams.settings import YesNo

router = APIRouter(tags=["Backup"], route_class=GuardedRoute)

_FILENAME = "lightnvr_backup_20260801_120000_manual_9f86d081884c7d65.zip"


class RestoreBody(BaseModel):
    """Which backup, and whether it is to be done."""

    model_config = ConfigDict(
        title="RestoreRequest", json_schema_extra={"example": {"filename": _FILENAME, "confirm": False}}
    )

    filename: Annotated[str, Field(min_length=1, max_length=255, description="The name of a backup, from the list.")]
    confirm: YesNo = Field(False, description="False only tells what would be done.")


class RestoredFileItem(BaseModel):
    """A file that is written."""

    role: str = Field(examples=["database"], description="What it is.")
    path: str = Field(examples=["/var/lib/lightnvr/lightnvr.db"], description="Where on the server.")
    size_bytes: int = Field(examples=[12_582_912])
    replaces: bool = Field(examples=[True], description="Whether there is one, which is then kept beside it.")


class RestoreAnswer(BaseModel):
    """What is in the backup, which was read as a whole, and what is replaced by it."""

    success: Literal[True] = True
    message: str = Field(examples=["Nothing was changed. Ask again with confirm, then restart."])
    prepared: bool = Field(examples=[False], description="Whether it is done at the next start.")
    restart_required: bool = Field(examples=[False])
    created_at: str = Field(examples=["2026-08-01T12:00:00Z"], description="When the backup was made.")
    version: str = Field(examples=["1.0.0"], description="Of LightNVR, which made it.")
    revision: str = Field(examples=["0010"], description="Of the tables of the database; empty without one.")
    rows: dict[str, int] = Field(examples=[{"users": 2, "streams": 4, "recordings": 2976}])
    files: list[RestoredFileItem]


class RestoreCancelled(BaseModel):
    """Nothing is restored at the next start."""

    success: Literal[True] = True


@router.post(
    "/api/system/restore",
    response_model=RestoreAnswer,
    responses=declared(400, 401, 403, 404, 409, 413, 429),
    dependencies=[ADMIN, EVERYTHING],
    summary="Restore a backup",
)
async def restore(body: RestoreBody, request: Request, services: Services) -> Response:
    """Tells what is in a backup and what would be replaced; with `confirm` prepares it for the next start.

    Until then everything stays as it is. What is replaced is kept, recordings are not touched, and those made since are
    found again. Everybody has to log in again, with the passwords of then. `lightnvr restore` takes other files.
    """
    note = note_of(request)
    note.target, note.detail = body.filename, "prepared" if body.confirm else "only asked"
    plan = await (services.restores.prepare if body.confirm else services.restores.plan)(body.filename)
    return json_answer(_answer(plan, prepared=body.confirm))


@router.delete(
    "/api/system/restore",
    response_model=RestoreCancelled,
    responses=declared(401, 403, 409, 429),
    dependencies=[ADMIN, EVERYTHING],
    summary="Cancel a restore",
)
async def cancel_restore(services: Services) -> Response:
    """Forgets what was prepared for the next start, if anything was."""
    await services.restores.cancel()
    return json_answer(RestoreCancelled())


def _answer(plan: RestorePlan, *, prepared: bool) -> RestoreAnswer:
    manifest = plan.manifest
    return RestoreAnswer(
        message="The backup is restored at the next start."
        if prepared
        else "Nothing was changed. Ask again with confirm, then restart.",
        prepared=prepared,
        restart_required=prepared,
        created_at=iso(manifest.created_at),
        version=manifest.version,
        revision=manifest.database.revision,
        rows=manifest.database.rows,
        files=[
            RestoredFileItem(
                role=each.file.role.value, path=str(each.target), size_bytes=each.file.size, replaces=each.replaces
            )
            for each in plan.files
        ],
    )
