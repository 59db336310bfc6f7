"""When a source may rest, and for how long."""

from fractions import Fraction

_LATE_NS = 20_000_000
"""Packets come a little later than they should."""

_SHORTEST_NS = 10_000_000
_MOST_GATHERED_BITS = 256 * 1024 * 8
"""No more than this gathers in the socket: a camera that TCP makes wait has little room of its own."""

_DRAINED_NS = 5_000_000_000


class Resting:
    """Lets packets gather until the picture comes that completes a batch, and keeps step with who cuts fragments.

    A batch begins with a keyframe or with the picture that completed the one before, and lasts as long as the consumers
    allow: the rule by which fragments are cut, so that a fragment is read when it has just become complete. Waking up
    for every packet of every camera, and taking the interpreter's lock each time, costs more than recording.

    Times are of the monotonic clock in nanoseconds, `dts` in the time base of the video. Not thread-safe.
    """

    def __init__(self, time_base: Fraction) -> None:
        self._ns_per_tick = float(time_base * 1_000_000_000)
        self._began = 0
        self._latest = 0
        self._latest_came_ns = 0
        self._step = 0
        self._longest_ns = 0
        self._room_ns = 0
        self._drained_ns = 0

    def drained(self, moment_ns: int) -> None:
        """All that had come has been read, because there was a packet that had to be waited for."""
        self._drained_ns = moment_ns

    def allow(self, longest_s: float, bits_per_s: int) -> None:
        """Set how long packets may gather, and how many come.

        Many packets shorten the rests, not the batches: those have to stay in step.
        """
        self._longest_ns = int(longest_s * 1e9)
        self._room_ns = int(_MOST_GATHERED_BITS / bits_per_s * 1e9) if bits_per_s else self._longest_ns

    def completes(self, dts: int | None, came_ns: int, *, keyframe: bool) -> bool:
        """Take note of a picture, and return whether it completes a batch after which to rest.

        Every few seconds, and when the camera sends faster than it claims, only `drained` tells that it is time.
        """
        if dts is None:
            return False
        self._step = max(0, dts - self._latest)
        self._latest, self._latest_came_ns = dts, came_ns
        if not keyframe and 0 <= (dts - self._began) * self._ns_per_tick < self._longest_ns:
            return False
        self._began = dts
        return came_ns - self._drained_ns < _DRAINED_NS

    def rest_ns(self, now_ns: int) -> int:
        """Return how long to rest: until the picture has come that completes the batch, or until there is no room.

        0 is not at all.
        """
        if not self._longest_ns:
            return 0
        ahead_ns = self._longest_ns - (self._latest - self._began) * self._ns_per_tick
        step_ns = min(self._step * self._ns_per_tick, self._longest_ns)
        if step_ns:
            ahead_ns = -(-ahead_ns // step_ns) * step_ns
        due_ns = self._latest_came_ns + int(ahead_ns) + _LATE_NS
        rest_ns = min(due_ns - now_ns, self._longest_ns + int(step_ns) + _LATE_NS, max(self._room_ns, _SHORTEST_NS))
        return rest_ns if rest_ns >= _SHORTEST_NS else 0
