"""Whether the system clock can be believed when ages are told by it."""

from collections.abc import Callable

_STEP_S = 3600.0


class SteadyClock:
    """Tells the time only when the system clock has run for a while without jumping ahead.

    Right after the start, or after somebody set it, a clock may be years ahead for some minutes, until it is set by the
    network: every recording would look too old.
    """

    def __init__(self, system_us: Callable[[], int], monotonic_s: Callable[[], float], steady_s: float) -> None:
        """`system_us` gives microseconds since 1970 UTC. `steady_s` is how long the clock is watched, in seconds."""
        self._system_us = system_us
        self._monotonic_s = monotonic_s
        self._steady_s = steady_s
        self._since_s = monotonic_s()
        self._stepped = False
        self._offset_s = self._offset()

    def now_us(self, *, asked: bool = False) -> int | None:
        """Return microseconds since 1970 UTC, None when the clock cannot be believed yet. To be called often.

        When a person has asked for it (`asked`), only a jump makes it doubtful, not that it was just started.
        """
        offset_s = self._offset()
        if offset_s - self._offset_s > _STEP_S:
            self._since_s, self._stepped = self._monotonic_s(), True
        self._offset_s = offset_s
        steady = self._monotonic_s() - self._since_s >= self._steady_s
        return self._system_us() if steady or (asked and not self._stepped) else None

    def _offset(self) -> float:
        return self._system_us() / 1e6 - self._monotonic_s()
