"""How long to wait before a camera is tried again."""

import random
from collections.abc import Callable

_FIRST_S = 1.0
_LONGEST_S = 30.0


class Backoff:
    """Exponential waiting times from 1 s to 30 s, shortened by up to a half so that cameras do not come in step."""

    def __init__(self, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._uniform = uniform
        self._next_s = _FIRST_S

    def next_s(self) -> float:
        """Return how many seconds to wait now."""
        wait_s = max(_FIRST_S, self._next_s * self._uniform(0.5, 1.0))
        self._next_s = min(_LONGEST_S, self._next_s * 2)
        return wait_s

    def reset(self) -> None:
        """Begin again with the shortest."""
        self._next_s = _FIRST_S
