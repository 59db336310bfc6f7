"""What recordings will take: bytes a day, days from a disk, a disk from days. Pure arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass

from lightnvr.recording.service import RecordedDay
from lightnvr.storage.retention import StreamRules

_DAY_S = 86_400
_LATEST_DAYS = 7


@dataclass(frozen=True, slots=True)
class Pace:
    """How a stream records: bytes a day, seconds recorded of a day, and bits a second while it is recorded."""

    bytes_per_day: float = 0.0
    seconds_per_day: float = 0.0

    @property
    def bits_per_second(self) -> float:
        """The mean bit rate of what is recorded; 0 when nothing is."""
        return self.bytes_per_day * 8 / self.seconds_per_day if self.seconds_per_day else 0.0


def pace_of(days: Sequence[RecordedDay], today: int) -> Pace:
    """Return how one stream records now, from its days in ascending order; `today` counts from 1970-01-01 UTC.

    The mean of the last seven whole days on which anything was recorded. Before there is one, today's bit rate for the
    whole day: how long it will record on a day cannot be known then.
    """
    whole = [day for day in days if day.day < today and day.recorded_us > 0][-_LATEST_DAYS:]
    if whole:
        return Pace(
            sum(day.size_bytes for day in whole) / len(whole),
            min(_DAY_S, sum(day.recorded_us for day in whole) / 1e6 / len(whole)),
        )
    recorded_s = sum(day.recorded_us for day in days) / 1e6
    if not recorded_s:
        return Pace()
    return Pace(sum(day.size_bytes for day in days) / recorded_s * _DAY_S, _DAY_S)


def needed_bytes(pace: Pace, rules: StreamRules) -> float | None:
    """Return what the recordings of a stream take once the oldest are deleted as fast as new ones come.

    Recordings count as ordinary ones: of the tier `standard`, not protected. None when they are kept without limit.
    """
    by_age = pace.bytes_per_day * rules.retention_days if rules.retention_days else None
    if not rules.quota_bytes:
        return by_age
    return float(rules.quota_bytes) if by_age is None else min(by_age, float(rules.quota_bytes))


def disk_bytes(bytes_per_day: float, days: float, kept_free_pct: float) -> float:
    """Return how large a disk has to be to hold so many days with this share of it kept free."""
    return bytes_per_day * days / (1 - kept_free_pct / 100)


def days_held(size_bytes: float, bytes_per_day: float, kept_free_pct: float) -> float:
    """Return how many days a disk holds with this share of it kept free; infinite when nothing is recorded."""
    return size_bytes * (1 - kept_free_pct / 100) / bytes_per_day if bytes_per_day else float("inf")
