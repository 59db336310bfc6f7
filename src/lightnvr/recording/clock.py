"""The time that recordings carry."""

import threading
import time
from collections.abc import Callable

_STEP_US = 500_000
_SLEW = 0.05
_MOST_SLEWED_US = 24 * 3600 * 1_000_000


class WallClock:
    """Wall-clock time that never runs backwards, so that recordings neither overlap nor change their order.

    It follows the monotonic clock and corrects itself by the system clock: a system clock that jumps ahead is followed
    at once; one that is set back is approached by running 5 % slow, because the hour that seems to come again has been
    recorded already. Only a step back by more than a day is followed at once: then the earlier time was nonsense.
    `epoch` grows with each step, so that a segment can be ended there. Thread-safe.
    """

    def __init__(
        self,
        *,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        system_ns: Callable[[], int] = time.time_ns,
        not_before_us: int = 0,
        unstored_us: int = 0,
        on_step: Callable[[float], None] | None = None,
    ) -> None:
        """`not_before_us` is the end of the last recording that exists; `on_step` is told of steps in seconds.

        `unstored_us` is how much later that recording may really end, when a crash kept its end from being stored. It
        counts when the system clock is behind that end: else more time than that has passed.
        """
        self._monotonic_ns = monotonic_ns
        self._system_ns = system_ns
        self._on_step = on_step
        self._lock = threading.Lock()
        self._offset_us = self._system_offset_us()
        self._checked_us = self._monotonic_us()
        behind_us = not_before_us - (self._checked_us + self._offset_us)
        if 0 < behind_us < _MOST_SLEWED_US:
            self._offset_us += behind_us + unstored_us
        self.epoch = 0

    def now_us(self) -> int:
        """Microseconds since 1970-01-01 UTC, now."""
        return self.wall_us(self._monotonic_ns())

    def wall_us(self, monotonic_ns: int) -> int:
        """The wall-clock time of a moment of the monotonic clock, which should be recent."""
        with self._lock:
            step_us = self._correct()
            wall_us = monotonic_ns // 1000 + self._offset_us
        if step_us and self._on_step is not None:
            self._on_step(step_us / 1e6)
        return wall_us

    @property
    def ahead_s(self) -> float:
        """How far recordings are labelled ahead of the system clock, in seconds; 0 when it was not set back."""
        with self._lock:
            self._correct()
            return max(0.0, (self._offset_us - self._system_offset_us()) / 1e6)

    def _correct(self) -> int:
        now_us = self._monotonic_us()
        elapsed_us, self._checked_us = max(0, now_us - self._checked_us), max(now_us, self._checked_us)
        difference_us = self._system_offset_us() - self._offset_us
        if difference_us >= 0:
            self._offset_us += difference_us
            return self._stepped(difference_us) if difference_us > _STEP_US else 0
        if difference_us < -_MOST_SLEWED_US:
            self._offset_us += difference_us
            return self._stepped(difference_us)
        self._offset_us -= min(-difference_us, int(elapsed_us * _SLEW))
        return 0

    def _stepped(self, step_us: int) -> int:
        self.epoch += 1
        return step_us

    def _monotonic_us(self) -> int:
        return self._monotonic_ns() // 1000

    def _system_offset_us(self) -> int:
        return self._system_ns() // 1000 - self._monotonic_us()
