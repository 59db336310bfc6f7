"""Keeps something from being done again too soon, whoever asks."""

import math

REFRESH_COOLDOWN_S = 30.0
"""How long a camera that was connected anew is left alone, in seconds."""

_REMEMBERED = 1024


class Cooldown:
    """Remembers when something was done last, by a number. Times are seconds of any clock that only goes forward."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._done: dict[int, float] = {}

    def begin(self, number: int, now_s: float) -> int:
        """Return 0 and count it as done now; or, when that was too short a time ago, after how many seconds."""
        left_s = self._done.get(number, -math.inf) + self._seconds - now_s
        if left_s > 0:
            return math.ceil(left_s)
        if len(self._done) >= _REMEMBERED:
            self._done = {each: at for each, at in self._done.items() if now_s - at < self._seconds}
        self._done[number] = now_s
        return 0
