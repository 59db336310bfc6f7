"""Looks at the space of the storages, and says how much is to be freed."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from lightnvr.recording.service import Archive, Volume
from lightnvr.storage.fill_rate import FillRate
from lightnvr.storage.pressure import Pressure, PressureRules, Space, bytes_to_free, pressure
from lightnvr.storage.relief import Relief

_LONGEST_S = 15.0
_SHORTEST_S = 1.0
_LOOKS_UNTIL_FULL = 10
_LOOKS_AHEAD = 8
_LEARNING = 5
_LEARNING_S = 2.0

log = logging.getLogger(__name__)


class Volumes:
    """The storages' file systems, as they were when they were looked at last.

    `interval_s` is when to look again: every 15 s, and sooner when the disk could be full soon.
    """

    def __init__(self, archive: Archive, rules: PressureRules, monotonic_s: Callable[[], float]) -> None:
        self._archive = archive
        self._rules = rules
        self._monotonic_s = monotonic_s
        self._looked_s = monotonic_s()
        self._relief: dict[int, Relief] = {}
        self._levels: dict[int, Pressure] = {}
        self.fill_rate = FillRate()
        self.seen: tuple[Volume, ...] = ()
        self.interval_s = _LEARNING_S

    async def look(self, freed: Mapping[int, int]) -> dict[int, int]:
        """Return how many bytes are to be freed of each storage that is there, by its id.

        `freed` is what was deleted since the last look.
        """
        before = {volume.storage_id: volume for volume in self.seen if not volume.error}
        self.seen = await self._archive.volumes()
        now_s, used_bytes = self._monotonic_s(), await self._archive.used_bytes()
        self.fill_rate.note(now_s, sum(used_bytes.values()) + self._archive.removed_bytes)
        written = int(self.fill_rate.bytes_per_s * (now_s - self._looked_s))
        self._looked_s = now_s
        present = {volume.storage_id: volume for volume in self.seen if not volume.error}
        self.interval_s = self._interval(present)
        rules = replace(self._rules, lookahead_s=min(self._rules.lookahead_s, _LOOKS_AHEAD * self.interval_s))
        to_free: dict[int, int] = {}
        for storage_id, volume in present.items():
            relief = self._relief.setdefault(storage_id, Relief())
            if storage_id in before:
                gained = volume.free_bytes - before[storage_id].free_bytes
                if freed.get(storage_id):
                    relief.deleted(now_s, freed[storage_id], gained + written)
                else:
                    relief.gained(gained)
            self._tell(volume)
            wanted = bytes_to_free(space_of(volume), rules, self.fill_rate.bytes_per_s)
            to_free[storage_id] = relief.allowance(now_s, wanted)
        return to_free

    @property
    def pauses(self) -> bool:
        """Whether deleting frees nothing on any storage."""
        return any(relief.pauses(self._monotonic_s()) for relief in self._relief.values())

    def fullest(self) -> Volume | None:
        """Return the storage with the least free space of those that are there."""
        present = [volume for volume in self.seen if not volume.error]
        return min(present, key=lambda volume: space_of(volume).free_pct, default=None)

    def _interval(self, present: Mapping[int, Volume]) -> float:
        rate = self.fill_rate.bytes_per_s
        longest = _LEARNING_S if self.fill_rate.samples < _LEARNING else _LONGEST_S
        free_bytes = min((volume.free_bytes for volume in present.values()), default=0)
        if not rate or not present:
            return longest
        return max(_SHORTEST_S, min(longest, free_bytes / rate / _LOOKS_UNTIL_FULL))

    def _tell(self, volume: Volume) -> None:
        space = space_of(volume)
        level, was = pressure(space, self._rules), self._levels.get(volume.storage_id, Pressure.NORMAL)
        self._levels[volume.storage_id] = level
        if level is not was:
            severity = logging.WARNING if level > max(was, Pressure.WARNING) else logging.INFO
            log.log(severity, "%s: %.1f %% of the disk is free (%s)", volume.root, space.free_pct, level.name.lower())


def space_of(volume: Volume) -> Space:
    """Return the space of a storage."""
    return Space(volume.total_bytes, volume.free_bytes)
