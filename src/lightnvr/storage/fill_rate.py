"""How fast recordings grow."""

from collections import deque

_WINDOW_S = 120.0


class FillRate:
    """Measures over the last two minutes how fast a number of bytes grows that never gets smaller."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def note(self, at_s: float, recorded_bytes: int) -> None:
        """Take a sample; `at_s` is a moment of the monotonic clock in seconds."""
        self._samples.append((at_s, recorded_bytes))
        while len(self._samples) > 2 and self._samples[1][0] <= at_s - _WINDOW_S:
            self._samples.popleft()

    @property
    def samples(self) -> int:
        """How many samples the rate is made of."""
        return len(self._samples)

    @property
    def bytes_per_s(self) -> float:
        """Bytes a second; 0 when nothing grows or it is not known yet."""
        if len(self._samples) < 2:
            return 0.0
        (began_s, first), (ended_s, last) = self._samples[0], self._samples[-1]
        return max(0.0, (last - first) / (ended_s - began_s)) if ended_s > began_s else 0.0
