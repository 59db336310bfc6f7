"""Looks at the space of the storages, and says how much is to be freed."""

import logging
from collections.abc import Callable, Iterable, Mapping
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
    `rules` may be replaced.
    """

    def __init__(self, archive: Archive, rules: PressureRules, monotonic_s: Callable[[], float]) -> None:
        self._archive = archive
        self.rules = rules
        self._monotonic_s = monotonic_s
        self._looked_s = monotonic_s()
        self._relief: dict[int, Relief] = {}
        self._levels: dict[int, Pressure] = {}
        self._rates: dict[int, FillRate] = {}
        self.seen: tuple[Volume, ...] = ()
        self.same_disk: dict[int, int] = {}
        """The first of all storages on the same disk, by the id of each that is there."""
        self.interval_s = _LEARNING_S

    async def look(self, freed: Mapping[int, int]) -> dict[int, int]:
        """Return how many bytes are to be freed of each storage that is there, by its id.

        Of several on one disk it is all of the first of them; see `same_disk`.

        `freed` is what was deleted since the last look.
        """
        before = {volume.storage_id: volume for volume in self.seen if not volume.error}
        self.seen = await self._archive.volumes()
        now_s, written_bytes = self._monotonic_s(), self._archive.written_bytes()
        for volume in self.seen:
            rate = self._rates.setdefault(volume.storage_id, FillRate())
            rate.note(now_s, written_bytes.get(volume.storage_id, 0))
        elapsed_s, self._looked_s = now_s - self._looked_s, now_s
        present = {volume.storage_id: volume for volume in self.seen if not volume.error}
        self.interval_s = self._interval(present)
        rules = replace(self.rules, lookahead_s=min(self.rules.lookahead_s, _LOOKS_AHEAD * self.interval_s))
        self.same_disk = _same_disk(present.values())
        to_free = dict.fromkeys(present, 0)
        for storage_id, volume in present.items():
            self._tell(volume)
            if self.same_disk[storage_id] != storage_id:
                continue
            on_disk = [other for other, first in self.same_disk.items() if first == storage_id]
            rate_bps, gone = sum(map(self.rate_bps, on_disk)), sum(freed.get(other, 0) for other in on_disk)
            relief = self._relief.setdefault(storage_id, Relief())
            if storage_id in before:
                gained = volume.free_bytes - before[storage_id].free_bytes
                if gone:
                    relief.deleted(now_s, gone, gained + int(rate_bps * elapsed_s))
                else:
                    relief.gained(gained)
            to_free[storage_id] = relief.allowance(now_s, bytes_to_free(space_of(volume), rules, rate_bps))
        return to_free

    def rate_bps(self, storage_id: int) -> float:
        """How fast the recordings on a storage grow, in bytes a second."""
        rate = self._rates.get(storage_id)
        return 0.0 if rate is None else rate.bytes_per_s

    @property
    def pauses(self) -> bool:
        """Whether deleting frees nothing on any storage."""
        return any(relief.pauses(self._monotonic_s()) for relief in self._relief.values())

    def fullest(self) -> Volume | None:
        """Return the storage with the least free space of those that are there."""
        present = [volume for volume in self.seen if not volume.error]
        return min(present, key=lambda volume: space_of(volume).free_pct, default=None)

    def _interval(self, present: Mapping[int, Volume]) -> float:
        learning = any(self._rates[storage_id].samples < _LEARNING for storage_id in present)
        longest = _LEARNING_S if learning or not present else _LONGEST_S
        filling = [(volume, self.rate_bps(storage_id)) for storage_id, volume in present.items()]
        full_s = min((volume.free_bytes / rate for volume, rate in filling if rate), default=None)
        return longest if full_s is None else max(_SHORTEST_S, min(longest, full_s / _LOOKS_UNTIL_FULL))

    def _tell(self, volume: Volume) -> None:
        space = space_of(volume)
        level, was = pressure(space, self.rules), self._levels.get(volume.storage_id, Pressure.NORMAL)
        self._levels[volume.storage_id] = level
        if level is not was:
            severity = logging.WARNING if level > max(was, Pressure.WARNING) else logging.INFO
            log.log(severity, "%s: %.1f %% of the disk is free (%s)", volume.root, space.free_pct, level.name.lower())


def space_of(volume: Volume) -> Space:
    """Return the space of a storage."""
    return Space(volume.total_bytes, volume.free_bytes)


def _same_disk(volumes: Iterable[Volume]) -> dict[int, int]:
    first: dict[int, int] = {}
    return {
        volume.storage_id: volume.storage_id
        if volume.device is None
        else first.setdefault(volume.device, volume.storage_id)
        for volume in volumes
    }
