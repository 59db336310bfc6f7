"""An archive in memory, on a disk of any size, and a clock that is moved by hand."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lightnvr.recording.model import DAY_US, CaptureMethod, Recording, Tier
from lightnvr.recording.service import Candidate, Removed, Volume

START_US = 20_000 * DAY_US


@dataclass(slots=True)
class Clock:
    """Both clocks. `step_s` is by how much the system clock was set."""

    seconds: float = 1000.0
    step_s: float = 0.0

    def monotonic_s(self) -> float:
        """The monotonic clock."""
        return self.seconds

    def system_us(self) -> int:
        """The system clock, microseconds since 1970 UTC."""
        return START_US + int((self.seconds + self.step_s) * 1e6)


@dataclass(slots=True)
class MemoryArchive:
    """Implements `Archive`. Recordings whose id is in `stuck` cannot be removed."""

    total_bytes: int = 10_000
    other_bytes: int = 0
    error: str = ""
    frees: bool = True
    recordings: dict[int, Candidate] = field(default_factory=dict)
    protected: set[int] = field(default_factory=set)
    stuck: set[int] = field(default_factory=set)
    gone: list[int] = field(default_factory=list)
    removed_bytes: int = 0
    held_bytes: int = 0
    finished: int = 0
    asked: list[int] = field(default_factory=list)
    detecting: tuple[str, ...] = ()
    detections_before: dict[str, int] = field(default_factory=dict)

    def add(
        self,
        stream_name: str,
        start_us: int,
        size_bytes: int = 100,
        *,
        tier: Tier = Tier.STANDARD,
        capture_method: CaptureMethod = CaptureMethod.CONTINUOUS,
        override_days: int | None = None,
    ) -> int:
        """Put a recording there and return its id."""
        key = len(self.recordings) + len(self.gone) + 1
        self.recordings[key] = Candidate(key, stream_name, 1, start_us, size_bytes, capture_method, tier, override_days)
        return key

    @property
    def free_bytes(self) -> int:
        """What is free on the disk."""
        kept = sum(each.size_bytes for each in self.recordings.values())
        return self.total_bytes - self.other_bytes - kept - self.held_bytes

    async def volumes(self) -> tuple[Volume, ...]:
        """See Archive."""
        if self.error:
            return (Volume(1, Path("/storage"), error=self.error),)
        return (Volume(1, Path("/storage"), self.total_bytes, self.free_bytes),)

    def written_bytes(self) -> Mapping[int, int]:
        """See Archive."""
        return {1: sum(each.size_bytes for each in self.recordings.values()) + self.removed_bytes}

    async def used_bytes(self) -> Mapping[str, int]:
        """See Archive."""
        used: defaultdict[str, int] = defaultdict(int)
        for each in self.recordings.values():
            used[each.stream_name] += each.size_bytes
        return used

    async def candidates(self, stream_name: str, limit: int, now_us: int) -> tuple[Candidate, ...]:
        """See Archive."""
        kinds: defaultdict[tuple[object, ...], list[Candidate]] = defaultdict(list)
        for each in sorted(self.recordings.values(), key=lambda each: (each.start_us, each.id)):
            if each.stream_name == stream_name and each.id not in self.protected:
                kinds[each.tier, each.capture_method, each.override_days is None].append(each)
        return tuple(each for kind in kinds.values() for each in kind[:limit])

    async def remove(self, recording_ids: Sequence[int]) -> Removed:
        """See Archive."""
        self.asked += recording_ids
        if self.error:
            return Removed(failed=dict.fromkeys(recording_ids, self.error))
        assert len(recording_ids) <= 50
        gone = [key for key in recording_ids if key in self.recordings and key not in self.stuck | self.protected]
        removed = [self.recordings.pop(key) for key in gone]
        freed = sum(each.size_bytes for each in removed)
        self.gone += gone
        self.removed_bytes += freed
        if not self.frees:
            self.held_bytes += freed
        failed = dict.fromkeys(sorted(self.stuck & set(recording_ids)), "Read-only file system")
        return Removed(tuple(map(_recording, removed)), {1: freed}, failed)

    async def finish_removals(self) -> int:
        """See Archive."""
        self.finished += 1
        return 0

    async def prune_detections(self, aged_us: Callable[[str], int]) -> int:
        """See Archive."""
        self.detections_before = {name: aged_us(name) for name in self.detecting}
        return 0


def _recording(each: Candidate) -> Recording:
    ends = each.start_us + 1
    facts = each.id, each.stream_name, 1, f"{each.id}.mp4", each.start_us, ends, each.size_bytes, True
    return Recording(*facts, "h264", 16, 16, 15.0, each.capture_method, False, False, "", each.tier)
