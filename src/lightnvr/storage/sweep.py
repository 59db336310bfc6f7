"""Deletes what the rules want deleted, some at a time."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping

from lightnvr.recording.model import DAY_US
from lightnvr.recording.service import Archive, Candidate
from lightnvr.storage.planning import plan
from lightnvr.storage.retention import Deletion, Rules
from lightnvr.storage.tally import Cleanup, Tally

_OF_A_PLAN = 100
"""So many deletions of a plan are carried out; then it is made anew."""

_AT_ONCE = 50
_MOST_SKIPPED = 2000
_RETRY_S = 600.0
_LONGEST_PAUSE_S = 0.2

Measure = Callable[[Mapping[int, int]], Awaitable[Mapping[int, int]]]
"""Gets what was freed since it was asked last, gives what is to be freed: both in bytes by the id of the storage."""


class Sweep:
    """Carries out plans. A recording whose file cannot be removed is left alone for ten minutes."""

    def __init__(
        self,
        archive: Archive,
        rules: Callable[[], Awaitable[Rules]],
        monotonic_s: Callable[[], float],
        same_disk: Callable[[], Mapping[int, int]],
    ) -> None:
        """`rules` gives those that are in force, `same_disk` which storages share a disk, as `plan` wants it."""
        self._archive = archive
        self._rules = rules
        self._monotonic_s = monotonic_s
        self._same_disk = same_disk
        self._retry_at: dict[int, float] = {}
        self.left_bytes = 0
        """What all recordings take when the last plan is carried out."""

    @property
    def undeletable(self) -> int:
        """How many recordings should have been deleted and cannot be."""
        return len(self._retry_at)

    async def run(self, *, now_us: int | None, measure: Measure, budget_s: float) -> Cleanup:
        """Delete until nothing is to go any more, or the time is over. `now_us` None leaves out what is too old."""
        tally, ends_s = Tally(), self._monotonic_s() + budget_s
        freed: Mapping[int, int] = {}
        finished = True
        try:
            while wanted := (await self._plan(now_us, await measure(freed)))[:_OF_A_PLAN]:
                if self._monotonic_s() >= ends_s:
                    finished = False
                    break
                before = tally.count
                freed = await self._carry_out(wanted, tally)
                if tally.count == before:
                    break
        finally:
            tally.tell()
        return tally.cleanup(finished=finished)

    async def prune_detections(self, now_us: int) -> int:
        """Delete what was detected when recordings that could show it are gone. Returns how many detections."""
        rules = await self._rules()

        def aged_us(stream_name: str) -> int:
            days = rules.of(stream_name).detection_retention_days
            return now_us - days * DAY_US if days else 0

        return await self._archive.prune_detections(aged_us)

    async def _plan(self, now_us: int | None, to_free: Mapping[int, int]) -> list[Deletion]:
        rules, used_bytes = await self._rules(), await self._archive.used_bytes()
        now_s = self._monotonic_s()
        self._retry_at = {key: at_s for key, at_s in self._retry_at.items() if at_s > now_s}
        limit = _OF_A_PLAN + min(len(self._retry_at), _MOST_SKIPPED)
        candidates: list[Candidate] = []
        for stream_name in sorted(used_bytes):
            some = await self._archive.candidates(stream_name, limit, now_us or 0)
            candidates += [each for each in some if each.id not in self._retry_at]
        # Sorting thousands takes a while.
        wanted = await asyncio.to_thread(
            plan,
            candidates,
            rules,
            now_us=now_us,
            used_bytes=used_bytes,
            to_free=to_free,
            same_disk=dict(self._same_disk()),
        )
        self.left_bytes = sum(used_bytes.values()) - sum(deletion.recording.size_bytes for deletion in wanted)
        return wanted

    async def _carry_out(self, wanted: list[Deletion], tally: Tally) -> Mapping[int, int]:
        freed: defaultdict[int, int] = defaultdict(int)
        for at in range(0, len(wanted), _AT_ONCE):
            batch = wanted[at : at + _AT_ONCE]
            began_s = self._monotonic_s()
            removed = await self._archive.remove([deletion.recording.id for deletion in batch])
            tally.add(batch, removed.recordings, sum(removed.freed.values()))
            for storage_id, freed_bytes in removed.freed.items():
                freed[storage_id] += freed_bytes
            for recording_id, reason in removed.failed.items():
                tally.failed(recording_id, reason)
                self._retry_at[recording_id] = self._monotonic_s() + _RETRY_S
            # Recorders and requests get as much of the database and the disk as this took.
            await asyncio.sleep(min(_LONGEST_PAUSE_S, self._monotonic_s() - began_s))
        return freed
