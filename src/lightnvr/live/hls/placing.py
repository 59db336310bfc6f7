"""Where packets belong on the time line that all outputs share, and on the calendar."""

from collections.abc import Callable

from lightnvr.media.packets import MediaPacket, Track

_STEP_US = 1_000_000
_SLEW = 0.1


class Placing:
    """Moves the times of one run of a camera to the monotonic clock at which its first picture came.

    So times go on over a lost connection, and those of a main and a sub-stream agree, as variants have to.
    """

    def __init__(self, first: MediaPacket) -> None:
        self._arrival_ns = first.arrival_ns
        self._first_time = first.time

    def shift(self, track: Track) -> int:
        """What to add to the times of this track, in its time base."""
        return round((self._arrival_ns / 10**9 - self._first_time) / track.time_base)


class ProgramDates:
    """The dates of segments: microseconds since 1970 UTC at which their first picture came.

    Pictures do not come evenly, but the dates of segments have to agree with their lengths: so they follow the lengths
    and are drawn to the time of arrival little by little. `wall_us` gives the date of a moment of the monotonic clock,
    in nanoseconds.
    """

    def __init__(self, wall_us: Callable[[int], int]) -> None:
        self._wall_us = wall_us
        self._expected_us: int | None = None

    def begin(self, first: MediaPacket, *, new_run: bool) -> int:
        """Return the date of a segment that begins with this picture."""
        came_us = self._wall_us(first.arrival_ns)
        if new_run or self._expected_us is None or abs(came_us - self._expected_us) > _STEP_US:
            return came_us
        return self._expected_us + int((came_us - self._expected_us) * _SLEW)

    def end(self, date_us: int, duration_s: float) -> None:
        """The segment of this date ended after so many seconds."""
        self._expected_us = date_us + round(duration_s * 1e6)
