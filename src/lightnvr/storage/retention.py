"""What is deleted, in which order, and why. Pure rules: they read no clock, no disk and no database."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lightnvr.recording.model import DAY_US, Tier

_LEAST_FIRST = {tier: place for place, tier in enumerate(Tier)}


class Reason(StrEnum):
    """Why a recording is deleted."""

    AGE = "age"
    QUOTA = "quota"
    TOTAL = "total"
    """All recordings together take more than they may."""
    SPACE = "space"


@dataclass(frozen=True, slots=True)
class Kept:
    """A recording as the rules see it. Times are microseconds since 1970 UTC.

    `override_days` is the recording's own age, 0 for ever, None when the stream's counts.
    """

    id: int
    stream_name: str
    start_us: int
    size_bytes: int
    tier: Tier = Tier.STANDARD
    by_detection: bool = False
    override_days: int | None = None
    is_protected: bool = False
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class StreamRules:
    """How long a stream's recordings are kept.

    Days of 0 are for ever. A tier that is not in `multipliers` counts once. `quota_bytes` 0 is no quota.
    `storage_priority` is 1 to 10; recordings of the highest are kept longest when space runs out.
    """

    retention_days: int = 0
    detection_retention_days: int = 0
    multipliers: Mapping[Tier, float] = field(default_factory=dict)
    quota_bytes: int = 0
    storage_priority: int = 5


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of all streams; those of a stream that is not there any more are `others`.

    `total_bytes` is what all recordings may take together; 0 is no limit.
    """

    streams: Mapping[str, StreamRules]
    others: StreamRules = field(default_factory=StreamRules)
    total_bytes: int = 0

    def of(self, stream_name: str) -> StreamRules:
        """Return the rules of one stream."""
        return self.streams.get(stream_name, self.others)


@dataclass(frozen=True, slots=True)
class Deletion:
    """One recording that is to go."""

    recording: Kept
    reason: Reason


def deletions(
    recordings: Iterable[Kept],
    rules: Rules,
    *,
    now_us: int,
    used_bytes: Mapping[str, int],
    bytes_to_free: int = 0,
) -> list[Deletion]:
    """Return what has to go, in the order in which to delete it.

    First what is older than its time, the oldest first. Then, for each stream over its quota, what matters least until
    it is within it. Then, of everything, what matters least until all is within the total; and then until
    `bytes_to_free` are freed in all. `used_bytes` is what each stream takes now, of which `recordings` may be only a
    part. Protected and open recordings never go.
    """
    mortal = [each for each in recordings if not each.is_protected and not each.is_open]
    gone: dict[int, Deletion] = {}
    for each in sorted(mortal, key=lambda each: (each.start_us, each.id)):
        if expires_us(each, rules.of(each.stream_name)) <= now_us:
            gone[each.id] = Deletion(each, Reason.AGE)
    _within_quotas(mortal, rules, used_bytes, gone)
    if rules.total_bytes:
        _free(mortal, rules, sum(used_bytes.values()) - rules.total_bytes, gone, Reason.TOTAL)
    _free(mortal, rules, bytes_to_free, gone, Reason.SPACE)
    return list(gone.values())


def _free(mortal: list[Kept], rules: Rules, wanted_bytes: int, gone: dict[int, Deletion], reason: Reason) -> None:
    """Have so much deleted in all, with what is gone already, of what matters least."""
    freed = sum(deletion.recording.size_bytes for deletion in gone.values())
    if freed >= wanted_bytes:
        return
    for each in _over(mortal, rules, wanted_bytes - freed, gone):
        gone[each.id] = Deletion(each, reason)


def expires_us(recording: Kept, rules: StreamRules) -> int:
    """Return when a recording is too old, a time that never comes when it is kept for ever.

    Its own number of days counts if it has one; else the stream's, times what the tier is worth.
    """
    days: float
    if recording.override_days is not None:
        days = recording.override_days
    else:
        whole = rules.detection_retention_days if recording.by_detection else rules.retention_days
        days = whole * (rules.multipliers.get(recording.tier) or 1.0)
    return recording.start_us + int(days * DAY_US) if days > 0 else _NEVER_US


_NEVER_US = 2**63 - 1


def _within_quotas(mortal: list[Kept], rules: Rules, used_bytes: Mapping[str, int], gone: dict[int, Deletion]) -> None:
    by_stream: defaultdict[str, list[Kept]] = defaultdict(list)
    for each in mortal:
        by_stream[each.stream_name].append(each)
    for stream_name, of_stream in by_stream.items():
        quota_bytes = rules.of(stream_name).quota_bytes
        if not quota_bytes:
            continue
        left = used_bytes.get(stream_name, 0) - sum(each.size_bytes for each in of_stream if each.id in gone)
        for each in _over(of_stream, rules, left - quota_bytes, gone):
            gone[each.id] = Deletion(each, Reason.QUOTA)


def _over(recordings: list[Kept], rules: Rules, surplus: int, gone: Mapping[int, Deletion]) -> Iterator[Kept]:
    for each in sorted(recordings, key=lambda each: _importance(each, rules)):
        if surplus <= 0:
            return
        if each.id not in gone:
            surplus -= each.size_bytes
            yield each


def _importance(recording: Kept, rules: Rules) -> tuple[int, int, bool, bool, int, int]:
    return (
        rules.of(recording.stream_name).storage_priority,
        _LEAST_FIRST[recording.tier],
        recording.override_days is not None,
        recording.by_detection,
        recording.start_us,
        recording.id,
    )
