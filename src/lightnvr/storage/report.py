"""How the storages are, for whoever asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lightnvr.storage.pressure import Pressure
from lightnvr.storage.retention import Reason
from lightnvr.storage.tally import Cleanup


@dataclass(frozen=True, slots=True)
class VolumeReport:
    """One storage. `pressure` is None when it is not there; `error` then says why."""

    storage_id: int
    name: str
    root: Path
    error: str
    pressure: Pressure | None
    total_bytes: int
    free_bytes: int
    fill_rate_bps: float
    seconds_to_target: float


@dataclass(frozen=True, slots=True)
class StorageReport:
    """The storage with the least free space, and what was deleted. Times are seconds since 1970 UTC, 0 is never.

    `pressure` is None when no storage is there; `error` then says why. `deleted` counts since the start.
    """

    pressure: Pressure | None
    total_bytes: int
    free_bytes: int
    error: str
    checked_at: int
    fill_rate_bps: float
    seconds_to_target: float
    cleaned_at: int
    last_cleanup: Cleanup
    deleted: Mapping[Reason, int]
    freed_bytes: int
    undeletable: int
    min_free_pct: float
    auto_delete_oldest: bool
    problems: tuple[str, ...]
    volumes: tuple[VolumeReport, ...] = ()


class StorageKeeper(Protocol):
    """Keeps the disk from filling up, and recordings no longer than they are wanted."""

    async def report(self) -> StorageReport:
        """Return how it is, at most some seconds old."""
        ...

    async def clean(self, *, aggressive: bool) -> Cleanup:
        """Delete now what is too old or over a quota; `aggressive` also makes the room that is to be kept free."""
        ...
