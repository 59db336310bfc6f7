"""/api/storage: how full the disk is, and cleaning up."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from lightnvr.api.access import VIEWER, Administrator, GuardedRoute
from lightnvr.api.answers import json_answer
from lightnvr.api.dialects.storage import InStorageDialect
from lightnvr.api.errors import declared
from lightnvr.api.seen import Sight
from lightnvr.api.services import Services, StorageRoots
from lightnvr.storage.pressure import Pressure
from lightnvr.storage.report import StorageReport, VolumeReport
from lightnvr.storage.tally import Cleanup
from lightnvr.streams.settings import YesNo

router = APIRouter(prefix="/api/storage", tags=["Storage"], route_class=GuardedRoute)

_DAY_S = 86_400
Level = Literal["Normal", "Warning", "Critical", "Emergency", "Unknown"]
_LEVELS: dict[Pressure | None, Level] = {
    None: "Unknown",
    Pressure.NORMAL: "Normal",
    Pressure.WARNING: "Warning",
    Pressure.CRITICAL: "Critical",
    Pressure.EMERGENCY: "Emergency",
}


class Deleted(BaseModel):
    """How many recordings were deleted.

    Too old, over the quota of their stream, over the total that all may take, to make room on the disk.
    """

    age: int = Field(examples=[12])
    quota: int = Field(examples=[0])
    total: int = Field(examples=[0])
    space: int = Field(examples=[0])


class VolumeState(BaseModel):
    """One storage, and how full its disk is."""

    name: str = Field(examples=["main"])
    path: str = Field(examples=["/var/lib/lightnvr/recordings"])
    online: bool = Field(description="Whether it is there; if not, its recordings are offline.")
    error: str = Field(description="Why it is not there or cannot be recorded to, or empty.")
    pressure_level: Literal["Normal", "Warning", "Critical", "Emergency", "Unknown"]
    free_space_pct: float = Field(examples=[41.7])
    free_space_bytes: int = Field(examples=[447_700_000_000])
    total_space_bytes: int = Field(examples=[1_073_741_824_000])
    fill_rate_bytes_per_day: float = Field(examples=[21e9], description="How recordings on it grow now.")
    projected_seconds_to_target: float = Field(examples=[1_400_000.0], description="As above; -1: not known.")


class StorageState(BaseModel):
    """The disk that recordings are written to. With several, the one with the least free space."""

    pressure_level: Literal["Normal", "Warning", "Critical", "Emergency", "Unknown"]
    pressure_level_num: int | None = Field(ge=0, le=3, examples=[0], description="0 to 3; null when it is unknown.")
    free_space_pct: float = Field(examples=[41.7])
    free_space_bytes: int = Field(examples=[447_700_000_000], description="What LightNVR can still write.")
    total_space_bytes: int = Field(examples=[1_073_741_824_000])
    used_space_bytes: int = Field(examples=[626_041_824_000], description="The rest.")
    last_check_time: int = Field(examples=[1785578400], description="Seconds since 1970.")
    last_cleanup_time: int = Field(examples=[1785577900], description="Seconds since 1970; 0: not yet.")
    last_deep_time: int = Field(examples=[1785577900], description="The same: every cleanup is thorough.")
    last_cleanup_deleted: int = Field(examples=[12], description="Recordings deleted when any were deleted last.")
    last_cleanup_freed: int = Field(examples=[1_420_000_000], description="Bytes that these took.")
    capacity_target_free_pct: float = Field(examples=[10.0], description="What is kept free: min_free_pct.")
    fill_rate_bytes_per_day: float = Field(examples=[21e9], description="How recordings grow now; 0: not known yet.")
    projected_seconds_to_target: float = Field(
        examples=[1_400_000.0], description="Until only that much is free, if nothing is deleted; -1: not known."
    )
    auto_delete_oldest: bool = Field(description="Whether old recordings are deleted when space runs out.")
    deleted: Deleted = Field(description="Since the start.")
    freed_bytes: int = Field(examples=[1_420_000_000], description="Since the start.")
    undeletable: int = Field(examples=[0], description="Recordings that should be deleted and cannot be.")
    problems: list[str] = Field(description="What is wrong, in sentences.")
    error: str = Field(description="Why the storage cannot be read, or empty.")
    storages: list[VolumeState] = Field(description="Every storage.")


class CleanupBody(BaseModel):
    """What is to be cleaned up."""

    model_config = ConfigDict(title="Cleanup", json_schema_extra={"example": {"aggressive": False}})

    aggressive: YesNo = Field(
        False,
        description="Also make the room that is kept free (min_free_pct), unless auto_delete_oldest is false.",
    )


class CleanedUp(BaseModel):
    """What was done."""

    success: Literal[True] = True
    aggressive: bool
    message: str = Field(examples=["12 recordings were deleted."])
    deleted_count: int = Field(examples=[12])
    deleted: Deleted
    freed_bytes: int = Field(examples=[1_420_000_000])
    failed_count: int = Field(examples=[0], description="Recordings whose files cannot be removed.")
    finished: bool = Field(description="False when there is more to delete; that goes on in the background.")


@router.get(
    "/health",
    response_model=StorageState,
    responses=declared(400, 401, 429),
    dependencies=[VIEWER],
    summary="Get the state of the disk",
)
async def health(services: Services, seen: Sight, dialect: InStorageDialect) -> Response:
    """How full the disk is, how fast it fills, and what was deleted. At most 15 seconds old.

    In the dialect `lightnvr`, `capacity_target_free_pct` is a whole number.
    """
    report = await services.keeper.report()
    state = _state(report, services.storage_roots)
    if not seen.everything:
        state.problems = []  # they name streams
    return dialect.state(state, report.min_free_pct)


@router.post(
    "/cleanup",
    response_model=CleanedUp,
    responses=declared(400, 401, 403, 413, 429),
    summary="Clean up now",
)
async def clean_up(
    services: Services, seen: Sight, _caller: Administrator, body: CleanupBody | None = None
) -> Response:
    """Deletes now what is too old or takes too much, as happens every minute anyway, and says what was deleted."""
    seen.require_everything()
    aggressive = body is not None and body.aggressive
    cleanup = await services.keeper.clean(aggressive=aggressive)
    answer = CleanedUp(
        aggressive=aggressive,
        message=_message(cleanup),
        deleted_count=cleanup.count,
        deleted=Deleted.model_validate(cleanup.deleted),
        freed_bytes=cleanup.freed_bytes,
        failed_count=cleanup.failed,
        finished=cleanup.finished,
    )
    return json_answer(answer)


def _message(cleanup: Cleanup) -> str:
    if not cleanup.finished:
        return f"{cleanup.count} recordings were deleted so far; the rest follows in the background."
    return f"{cleanup.count or 'No'} recordings were deleted."


def _state(report: StorageReport, roots: StorageRoots) -> StorageState:
    level = report.pressure
    share = report.free_bytes / report.total_bytes if report.total_bytes else 0.0
    return StorageState.model_validate(
        {
            "pressure_level": "Unknown" if level is None else level.name.capitalize(),
            "pressure_level_num": None if level is None else int(level),
            "free_space_pct": round(100 * share, 2),
            "free_space_bytes": report.free_bytes,
            "total_space_bytes": report.total_bytes,
            "used_space_bytes": report.total_bytes - report.free_bytes,
            "last_check_time": report.checked_at,
            "last_cleanup_time": report.cleaned_at,
            "last_deep_time": report.cleaned_at,
            "last_cleanup_deleted": report.last_cleanup.count,
            "last_cleanup_freed": report.last_cleanup.freed_bytes,
            "capacity_target_free_pct": report.min_free_pct,
            "fill_rate_bytes_per_day": report.fill_rate_bps * _DAY_S,
            "projected_seconds_to_target": report.seconds_to_target,
            "auto_delete_oldest": report.auto_delete_oldest,
            "deleted": report.deleted,
            "freed_bytes": report.freed_bytes,
            "undeletable": report.undeletable,
            "problems": list(report.problems),
            "error": report.error,
            "storages": [_volume(volume, roots) for volume in report.volumes],
        }
    )


def _volume(volume: VolumeReport, roots: StorageRoots) -> VolumeState:
    # What is away is known sooner than how full the disks are.
    away = roots.error(volume.storage_id) or volume.error
    level = None if away else volume.pressure
    share = volume.free_bytes / volume.total_bytes if volume.total_bytes else 0.0
    return VolumeState(
        name=volume.name,
        path=str(volume.root),
        online=not away,
        error=away or roots.trouble(volume.storage_id),
        pressure_level=_LEVELS[level],
        free_space_pct=round(100 * share, 2),
        free_space_bytes=volume.free_bytes,
        total_space_bytes=volume.total_bytes,
        fill_rate_bytes_per_day=volume.fill_rate_bps * _DAY_S,
        projected_seconds_to_target=volume.seconds_to_target,
    )
