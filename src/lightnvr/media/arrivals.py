"""When a packet came that was read later."""

from fractions import Fraction

_WINDOW_NS = 10_000_000_000
_SET_NS = 2_000_000_000


class Arrivals:
    """Tells by the camera's timestamps when packets came that had gathered before they were read.

    The least time between a packet's timestamp and its reading, over the last seconds, is that of a packet that did not
    have to wait; the clocks may drift apart. Times are of the monotonic clock in nanoseconds. Not thread-safe.
    """

    def __init__(self, time_base: Fraction) -> None:
        self._ns_per_tick = float(time_base * 1_000_000_000)
        self._since_ns = 0
        self._least_ns: int | None = None
        self._least_before_ns = 0
        self._window_ends_ns = 0
        self.due_ns = 0
        """When the packet of which note was taken last would have come had it been the most punctual."""

    def taken_until(self, moment_ns: int) -> None:
        """All that had come at this moment has been read: what is read from now on came later."""
        self._since_ns = max(self._since_ns, moment_ns)

    def note(self, dts: int | None, read_ns: int) -> None:
        """Take note of when the next packet of the video was read."""
        if dts is None:
            self.due_ns = read_ns
            return
        stamped_ns = int(dts * self._ns_per_tick)
        apart_ns = read_ns - stamped_ns
        least_ns = self._least_ns
        if least_ns is None or stamped_ns + least_ns < self._since_ns - _SET_NS:
            # The first, or the camera's clock was set back.
            least_ns = self._least_before_ns = apart_ns
            self._window_ends_ns = read_ns + _WINDOW_NS
        elif read_ns > self._window_ends_ns:
            self._least_before_ns, least_ns = least_ns, apart_ns
            self._window_ends_ns = read_ns + _WINDOW_NS
        self._least_ns = min(least_ns, apart_ns)
        self.due_ns = stamped_ns + min(self._least_ns, self._least_before_ns)

    def came_ns(self, read_ns: int) -> int:
        """Return when the packet came of which note was taken last; the answers do not go back."""
        self._since_ns = max(self._since_ns, min(self.due_ns, read_ns))
        return self._since_ns
