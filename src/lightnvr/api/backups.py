"""/api/system/backup and /backups: making, listing, downloading and deleting backups."""

import pathlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from lightnvr.api.access import ADMIN, GuardedRoute
from lightnvr.api.answers import json_answer
from lightnvr.api.auditing import note_of
from lightnvr.api.errors import Responses, declared
from lightnvr.api.files import file_answer
from lightnvr.api.seen import EVERYTHING
from lightnvr.api.services import Services
from lightnvr.api.times import iso
from lightnvr.backup.model import BackupNotFound, StoredBackup
from lightnvr.recording.model import RecordingFileMissing

router = APIRouter(tags=["Backup"], route_class=GuardedRoute)

_EXAMPLE = "lightnvr_backup_20260801_120000_manual_9f86d081884c7d65.zip"
_MADE = "Backup created successfully"
_MADE_WITHOUT_DATABASE = (
    "Settings and keys were backed up. The database is PostgreSQL: back it up with its own tools, such as pg_dump."
)

Filename = Annotated[
    str, Path(min_length=1, max_length=255, description="The name of a backup, from the list.", examples=[_EXAMPLE])
]


class BackupItem(BaseModel):
    """One backup."""

    filename: str = Field(examples=[_EXAMPLE])
    url: str = Field(examples=[f"/backups/{_EXAMPLE}"], description="Where it can be downloaded.")
    created_at: str = Field(examples=["2026-08-01T12:00:00Z"])
    created_at_unix: int = Field(examples=[1785585600])
    reason: str = Field(
        examples=["manual"],
        description="`manual`, `scheduled`, or `upgrade-from-` and the revision that the tables had then.",
    )
    size_bytes: int = Field(examples=[12_582_912])


class BackupMade(BaseModel):
    """The backup that was made. It was read again and is whole."""

    success: Literal[True] = True
    message: str = Field(examples=[_MADE])
    backupUrl: str = Field(examples=[f"/backups/{_EXAMPLE}"], description="Where it can be downloaded.")  # noqa: N815
    filename: str = Field(examples=[_EXAMPLE])
    size_bytes: int = Field(examples=[12_582_912])


class BackupList(BaseModel):
    """All backups, the newest first."""

    backups: list[BackupItem]
    folder: str = Field(examples=["/var/lib/lightnvr/backups"], description="Where they are on the server.")
    database_included: bool = Field(description="False with PostgreSQL, which is backed up with its own tools.")
    problems: list[str] = Field(examples=[[]], description="What went wrong with the last one, in sentences.")


class BackupDeleted(BaseModel):
    """It is not there any more."""

    success: Literal[True] = True


@router.post(
    "/api/system/backup",
    response_model=BackupMade,
    responses=declared(401, 403, 409, 429, 503),
    dependencies=[ADMIN, EVERYTHING],
    summary="Make a backup",
)
async def make_backup(request: Request, services: Services) -> Response:
    """Puts database, settings and keys into one file, reads it again, and answers when that is done.

    Recording goes on meanwhile. Recordings are not in it. Whoever has it can read the passwords of cameras.
    """
    made = await services.backups.make()
    note_of(request).target = made.filename
    answer = BackupMade(
        message=_MADE if services.backups.has_database else _MADE_WITHOUT_DATABASE,
        backupUrl=_url(made),
        filename=made.filename,
        size_bytes=made.size_bytes,
    )
    return json_answer(answer)


@router.get(
    "/api/system/backups",
    response_model=BackupList,
    responses=declared(401, 403, 429, 503),
    dependencies=[ADMIN, EVERYTHING],
    summary="List the backups",
)
async def list_backups(services: Services) -> Response:
    """Those that were made by hand, by schedule and before upgrades. All of them are whole."""
    backups = services.backups
    answer = BackupList(
        backups=[_shown(backup) for backup in await backups.every()],
        folder=str(backups.folder),
        database_included=backups.has_database,
        problems=list(backups.problems()),
    )
    return json_answer(answer)


@router.delete(
    "/api/system/backups/{filename}",
    response_model=BackupDeleted,
    responses=declared(400, 401, 403, 404, 429, 503),
    dependencies=[ADMIN, EVERYTHING],
    summary="Delete a backup",
)
async def delete_backup(filename: Filename, services: Services) -> Response:
    """Deletes one file. The newest ones are kept by themselves, see the settings in `[database]`."""
    await services.backups.remove(filename)
    return json_answer(BackupDeleted())


@dataclass(frozen=True, slots=True)
class _File:
    path: pathlib.Path
    length: int
    etag: str
    modified_s: float
    read: None = None


_DOWNLOAD: Responses = {HTTPStatus.OK.value: {"content": {"application/zip": {}}, "description": "The file, a ZIP."}}


@router.get(
    "/backups/{filename}",
    response_class=Response,
    responses=declared(400, 401, 403, 404, 416, 429, 503) | _DOWNLOAD,
    dependencies=[ADMIN, EVERYTHING],
    summary="Download a backup",
)
async def download_backup(filename: Filename, request: Request, services: Services) -> Response:
    """The file as it is; parts of it with `Range`. `lightnvr restore` takes it."""
    backup = await services.backups.find(filename)
    file = _File(backup.path, backup.size_bytes, f'"{backup.filename}"', float(backup.created_at))
    try:
        return await file_answer(request, file, {"Content-Disposition": f'attachment; filename="{backup.filename}"'})
    except RecordingFileMissing:
        raise BackupNotFound(filename) from None


router.head(
    "/backups/{filename}",
    response_class=Response,
    responses=declared(400, 401, 403, 404, 416, 429, 503) | _DOWNLOAD,
    dependencies=[ADMIN, EVERYTHING],
    summary="Look at a backup",
)(download_backup)


def _url(backup: StoredBackup) -> str:
    return f"/backups/{backup.filename}"


def _shown(backup: StoredBackup) -> BackupItem:
    return BackupItem(
        filename=backup.filename,
        url=_url(backup),
        created_at=iso(backup.created_at),
        created_at_unix=backup.created_at,
        reason=backup.reason,
        size_bytes=backup.size_bytes,
    )
