"""Keeps the disk from filling up, and recordings no longer than they are wanted."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from lightnvr.recording.service import Archive, Volume
from lightnvr.storage.pressure import Pressure, PressureRules, pressure, seconds_to_target
from lightnvr.storage.report import StorageReport, VolumeReport
from lightnvr.storage.retention import Reason, Rules
from lightnvr.storage.steady_clock import SteadyClock
from lightnvr.storage.sweep import Sweep
from lightnvr.storage.tally import Cleanup
from lightnvr.storage.volumes import Volumes, space_of

_SWEEP_S = 60.0
_RUN_S = 10.0
_SOON_S = 0.1

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeeperOptions:
    """How the disk is kept from filling up.

    `steady_s` is how long the clock must have run without a jump before anything counts as too old, in seconds.
    """

    pressure: PressureRules
    auto_delete_oldest: bool = True
    steady_s: float = 600.0


class Keeper:
    """Implements `StorageKeeper`. `run` is a task of the composition root, which cancels it."""

    def __init__(
        self,
        archive: Archive,
        rules: Callable[[], Awaitable[Rules]],
        options: KeeperOptions,
        *,
        system_us: Callable[[], int],
        monotonic_s: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`rules` gives those in force; `system_us` microseconds since 1970 UTC."""
        self._archive = archive
        self._options = options
        self._system_us = system_us
        self._monotonic_s = monotonic_s
        self._sleep = sleep
        self._clock = SteadyClock(system_us, monotonic_s, options.steady_s)
        self._volumes = Volumes(archive, options.pressure, monotonic_s)
        self._rules = rules
        self._total_bytes = 0
        self._sweep = Sweep(archive, self._rules_in_force, monotonic_s, lambda: self._volumes.same_disk)
        self._sweep_at = monotonic_s()
        self._lock = asyncio.Lock()
        self._short = False
        self._checked_at = 0
        self._cleaned_at = 0
        self._last = Cleanup()
        self._deleted = dict.fromkeys(Reason, 0)
        self._freed_bytes = 0

    def take(self, options: KeeperOptions) -> None:
        """Use other options from the next look on; `steady_s` stays as it is."""
        self._options = options
        self._volumes.rules = options.pressure

    async def run(self) -> None:
        """Look at the disks and delete what has to go, until cancelled."""
        while True:
            try:
                pause_s = await self.turn()
            except Exception:
                # A disk that nobody watches fills up.
                log.exception("looking after the disks failed")
                pause_s = self._volumes.interval_s
            await self._sleep(pause_s)

    async def turn(self) -> float:
        """Do what is due now. Returns after how many seconds to look again."""
        async with self._lock:
            await self._archive.finish_removals()
            now_us = self._clock.now_us()
            due = self._monotonic_s() >= self._sweep_at
            if not due and not any((await self._look({})).values()):
                return self._volumes.interval_s
            cleanup = await self._sweep.run(now_us=now_us, measure=self._look, budget_s=_RUN_S)
            self._note(cleanup)
            if not cleanup.finished or (now_us is not None and await self._sweep.prune_detections(now_us)):
                return _SOON_S
            self._sweep_at = self._monotonic_s() + _SWEEP_S
            return self._volumes.interval_s

    async def clean(self, *, aggressive: bool) -> Cleanup:
        """See StorageKeeper."""
        async with self._lock:
            now_us = self._clock.now_us(asked=True)
            measure = self._look if aggressive else self._look_only
            cleanup = await self._sweep.run(now_us=now_us, measure=measure, budget_s=_RUN_S)
            self._note(cleanup)
            return cleanup

    async def report(self) -> StorageReport:
        """See StorageKeeper."""
        if not self._checked_at:
            async with self._lock:
                await self._look({})
        rules, volume = self._options.pressure, self._volumes.fullest()
        space = None if volume is None else space_of(volume)
        rate = 0.0 if volume is None else self._volumes.rate_bps(volume.storage_id)
        return StorageReport(
            pressure=None if space is None else pressure(space, rules),
            total_bytes=0 if space is None else space.total_bytes,
            free_bytes=0 if space is None else space.free_bytes,
            error=" ".join(each.error for each in self._volumes.seen if each.error),
            checked_at=self._checked_at,
            fill_rate_bps=rate,
            seconds_to_target=-1.0 if space is None else seconds_to_target(space, rules, rate),
            cleaned_at=self._cleaned_at,
            last_cleanup=self._last,
            deleted=dict(self._deleted),
            freed_bytes=self._freed_bytes,
            undeletable=self._sweep.undeletable,
            min_free_pct=rules.min_free_pct,
            auto_delete_oldest=self._options.auto_delete_oldest,
            problems=self.problems(),
            volumes=tuple(self._of_volume(each) for each in self._volumes.seen),
        )

    def _of_volume(self, volume: Volume) -> VolumeReport:
        space, rate = space_of(volume), self._volumes.rate_bps(volume.storage_id)
        return VolumeReport(
            storage_id=volume.storage_id,
            name=volume.name,
            root=volume.root,
            error=volume.error,
            pressure=None if volume.error else pressure(space, self._options.pressure),
            total_bytes=volume.total_bytes,
            free_bytes=volume.free_bytes,
            fill_rate_bps=rate,
            seconds_to_target=-1.0 if volume.error else seconds_to_target(space, self._options.pressure, rate),
        )

    async def _rules_in_force(self) -> Rules:
        rules = await self._rules()
        self._total_bytes = rules.total_bytes
        return rules if self._options.auto_delete_oldest else replace(rules, total_bytes=0)

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong, in sentences for a person; empty when all is well."""
        found: list[str] = []
        volume = self._volumes.fullest()
        level = Pressure.NORMAL if volume is None else pressure(space_of(volume), self._options.pressure)
        if self._volumes.pauses:
            found.append(
                "Deleting recordings does not free space, so no more are deleted for some minutes. Look whether"
                " snapshots of the file system hold them."
            )
        elif level >= Pressure.CRITICAL and not self._options.auto_delete_oldest:
            found.append("The disk is almost full, and old recordings stay because auto_delete_oldest is false.")
        elif level >= Pressure.CRITICAL and self._short:
            found.append("The disk is almost full, and there is no recording that may be deleted.")
        elif level is Pressure.EMERGENCY:
            found.append("The disk is almost full.")
        if 0 < self._total_bytes < self._sweep.left_bytes:
            found.append(
                "All recordings together take more than max_total_size, and there is none that may be deleted."
                if self._options.auto_delete_oldest
                else "All recordings together take more than max_total_size, and old ones stay because "
                "auto_delete_oldest is false."
            )
        if self._sweep.undeletable:
            found.append(f"{self._sweep.undeletable} recordings should be deleted and cannot be; the log says why.")
        return tuple(found)

    async def _look(self, freed: Mapping[int, int]) -> Mapping[int, int]:
        to_free = await self._volumes.look(freed)
        self._checked_at = self._system_us() // 1_000_000
        if not self._options.auto_delete_oldest:
            to_free = dict.fromkeys(to_free, 0)
        self._short = any(to_free.values())
        return to_free

    async def _look_only(self, freed: Mapping[int, int]) -> Mapping[int, int]:
        return dict.fromkeys(await self._look(freed), 0)

    def _note(self, cleanup: Cleanup) -> None:
        self._cleaned_at = self._system_us() // 1_000_000
        if cleanup.count or cleanup.failed:
            self._last = cleanup
        for reason, count in cleanup.deleted.items():
            self._deleted[reason] += count
        self._freed_bytes += cleanup.freed_bytes
