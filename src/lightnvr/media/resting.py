"""When a source may rest, and for how long."""

from fractions import Fraction

_LATE_NS = 20_000_000
"""Packets come a little later than they should."""

_SHORTEST_NS = 10_000_000
_MOST_GATHERED_BITS = 256 * 1024 * 8
"""No more than this gathers in the socket: a camera that TCP makes wait has little room of its own."""

_MOST_GATHERED_OUT_OF_STEP_BITS = 32 * 1024 * 8
"""Half of the receive window with which Linux begins, 64 KB: a camera that sends twice as fast as was measured is not
held back."""

_OVERDUE_NS = 100_000_000

_DRAINED_NS = 2_000_000_000
_COMPARED_NS = 400_000_000
_FAST = 1.2
"""A camera that sends so much faster than its timestamps say, or whose packets wait to be read."""

_OUT_OF_STEP_REST_S = 0.1

_SET_NS = 2_000_000_000
"""A step of more than this between two pictures is a clock that was set, or a loss."""


class Resting:
    """Lets packets gather until the picture comes that completes a batch, and keeps step with who cuts fragments.

    A batch begins with a keyframe or with the picture that completed the one before: the rule by which fragments are
    cut, so that a fragment is read when it has just become complete. Waking up for every packet of every camera, and
    taking the interpreter's lock each time, costs more than recording.

    Times are of the monotonic clock in nanoseconds, `dts` in the time base of the video. Not thread-safe.
    """

    def __init__(self, time_base: Fraction) -> None:
        self._ns_per_tick = float(time_base * 1_000_000_000)
        self._began = 0
        self._latest = 0
        self._latest_came_ns = 0
        self._step = 0
        self._batch_ns = 0
        self._longest_ns = 0
        self._drained_ns = 0
        self._compared = 0
        self._compared_ns: int | None = None
        self._is_settled = False
        self._is_behind = False

    def is_overdue(self, late_ns: int) -> bool:
        """Take note of how late a packet came that had to be waited for; return whether there is more to read.

        More waits when it was the interpreter's lock that took long; or a receive window that is full keeps the camera
        from sending what it has. A long rest would hold it back for ever: the bit rate that is measured is that of
        reading, and seems to allow it. Without any, a busy machine would become busier.
        """
        self._is_behind = late_ns - self._step * self._ns_per_tick > _OVERDUE_NS
        return self._is_behind

    def drained(self, moment_ns: int) -> None:
        """All that had come has been read, because there was a packet that had to be waited for.

        On a busy machine that may be wrong, and at first it is not known when pictures came. Rests are short until
        pictures have come as fast as their timestamps say for a while.
        """
        self._drained_ns = moment_ns
        if self._compared_ns is None:
            self._compared, self._compared_ns = self._latest, moment_ns
        elif (elapsed_ns := moment_ns - self._compared_ns) > _COMPARED_NS:
            self._is_settled = (self._latest - self._compared) * self._ns_per_tick <= _FAST * elapsed_ns
            self._compared, self._compared_ns = self._latest, moment_ns

    def allow(self, batch_s: float, longest_s: float, bits_per_s: int) -> None:
        """Set how long a batch lasts, how long packets may gather at most, and how many bits of them come.

        What shortens a rest leaves the batches alone: they have to stay in step with the fragments.
        """
        self._batch_ns = int(batch_s * 1e9)
        most_bits = _MOST_GATHERED_BITS
        if self._is_behind or not self._is_settled:
            most_bits, longest_s = _MOST_GATHERED_OUT_OF_STEP_BITS, min(longest_s, _OUT_OF_STEP_REST_S)
        longest_s = min(longest_s, most_bits / max(bits_per_s, 1))
        self._longest_ns = int(longest_s * 1e9)

    def completes(self, dts: int | None, came_ns: int, *, keyframe: bool) -> bool:
        """Take note of a picture, and return whether it completes a batch after which to rest.

        At least every two seconds, and after the camera's clock was set, only `drained` tells that it is time: more may
        have come than the timestamps say.
        """
        if dts is None:
            return False
        self._step = max(0, dts - self._latest)
        if not 0 <= (dts - self._latest) * self._ns_per_tick < _SET_NS:
            self._is_settled, self._compared_ns = False, None
        self._latest, self._latest_came_ns = dts, came_ns
        if not keyframe and 0 <= (dts - self._began) * self._ns_per_tick < self._batch_ns:
            return False
        self._began = dts
        return self._is_settled and came_ns - self._drained_ns < _DRAINED_NS

    def rest_ns(self, now_ns: int) -> int:
        """Return how long to rest: until the picture has come that completes the batch, but not for too long.

        0 is not at all.
        """
        ahead_ns = self._batch_ns - (self._latest - self._began) * self._ns_per_tick
        step_ns = min(self._step * self._ns_per_tick, self._batch_ns)
        if step_ns:
            ahead_ns = -(-ahead_ns // step_ns) * step_ns
        due_ns = self._latest_came_ns + int(ahead_ns) + _LATE_NS
        rest_ns = min(due_ns - now_ns, self._batch_ns + int(step_ns) + _LATE_NS)
        if self._longest_ns < self._batch_ns:
            rest_ns = min(rest_ns, self._longest_ns)
        return rest_ns if rest_ns >= _SHORTEST_NS else 0
