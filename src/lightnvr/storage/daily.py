"""How much was recorded day by day, and what keeping it takes: for charts, and for choosing a disk."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from lightnvr.recording.service import RecordedDay, RecordedDays
from lightnvr.storage.forecast import Pace, needed_bytes, pace_of
from lightnvr.storage.retention import Rules


@dataclass(frozen=True, slots=True)
class StreamUse:
    """One stream: its days that have recordings, how it records now, and what its rules make of that.

    `retention_days` 0 is without limit. `needed_bytes` is what it takes in the long run, None without limit.
    """

    stream_name: str
    days: tuple[RecordedDay, ...]
    pace: Pace
    retention_days: int
    quota_bytes: int
    needed_bytes: float | None


class DailyUse(Protocol):
    """Tells how much was recorded."""

    async def between(self, first_day: int, last_day: int, stream_name: str | None = None) -> tuple[StreamUse, ...]:
        """Return one stream, or all that have recordings in this span, by name. Days count from 1970-01-01 UTC."""
        ...


class RecordedUse:
    """Implements `DailyUse` on what is counted as recordings come and go."""

    def __init__(self, days: RecordedDays, rules: Callable[[], Awaitable[Rules]], today: Callable[[], int]) -> None:
        """`today` gives the present day, counted from 1970-01-01 UTC."""
        self._days = days
        self._rules = rules
        self._today = today

    async def between(self, first_day: int, last_day: int, stream_name: str | None = None) -> tuple[StreamUse, ...]:
        """See DailyUse."""
        of_stream: dict[str, list[RecordedDay]] = defaultdict(list)
        for day in await self._days.between(first_day, last_day, stream_name):
            of_stream[day.stream_name].append(day)
        rules, today = await self._rules(), self._today()
        return tuple(_use(name, days, rules, today) for name, days in sorted(of_stream.items()))


def _use(stream_name: str, days: list[RecordedDay], rules: Rules, today: int) -> StreamUse:
    pace, of_stream = pace_of(days, today), rules.of(stream_name)
    return StreamUse(
        stream_name,
        tuple(days),
        pace,
        of_stream.retention_days,
        of_stream.quota_bytes,
        needed_bytes(pace, of_stream),
    )
