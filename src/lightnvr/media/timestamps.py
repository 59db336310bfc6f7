"""Making sense of the timestamps of cameras.

Muxers need a dts that grows strictly, cameras send what they like: clocks that are set in mid-stream, 32-bit counters
that wrap (RFC 3550 section 5.1), packets without a pts, dts that repeat. Each track has one clock that turns what
arrives into a time line without jumps, measured against the time of arrival.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

_JUMP_S = 5.0
"""A step that differs from the time of arrival by more than this is a clock that was set, not a late packet."""

_BACKWARD_S = 1.0
"""A step back by more than this is a clock that was set, not two packets out of order."""

_APART_S = 2.5
"""Sound and pictures that come together but claim to be further apart than this have clocks that do not agree yet."""

_USUAL_REORDERING_S = 0.5
"""A dts that is not known is at most this far before the pts."""

_MOST_REORDERING_S = 5.0
"""A pts this far after its dts is nonsense: no camera keeps B-frames back that long."""


_GATHERED_NS = 1_000_000
"""Packets that come closer together than this had been waiting."""


class Times(NamedTuple):
    """dts and pts of one packet on the continuous time line, in the track's time base."""

    dts: int
    pts: int


class Present(NamedTuple):
    """The time that a track has at a moment, in seconds: at least `latest`, that of its last packet.

    It is `expected` when the next packet is on its way. After a connection that stood still it is anything between:
    what was held back then comes all at once, and long after it was sent.
    """

    latest: float
    expected: float


Around = Callable[[int], Present | None]
"""Gives the time that another track has at a moment of the monotonic clock, in nanoseconds; None before it began."""


class TrackClock:
    """The time line of one track. Not thread-safe."""

    def __init__(self, time_base: Fraction, least_step: int = 1, around: Around | None = None) -> None:
        """`least_step` is how far two packets are apart at least, in units of the time base.

        `around` tells of another track of the same camera. A camera relates its tracks to each other only with its
        first sender report (RFC 3550 section 6.4.1); until then a track that begins late would begin at zero.
        """
        self._least_step = least_step
        self._around = around
        self._apart = int(_APART_S / time_base)
        self._ticks_per_s = float(1 / time_base)
        self._jump = int(_JUMP_S * self._ticks_per_s)
        self._backward = int(_BACKWARD_S * self._ticks_per_s)
        self._usual_reordering = int(_USUAL_REORDERING_S * self._ticks_per_s)
        self._most_reordering = int(_MOST_REORDERING_S * self._ticks_per_s)
        self._offset = 0
        self._last_dts: int | None = None
        self._last_arrival_ns = 0
        self.jumps = 0
        """How often the camera's clock was found to have been set."""

    def place(self, dts: int | None, pts: int | None, arrival_ns: int) -> Times:
        """Return where a packet belongs. `arrival_ns` is monotonic, in nanoseconds."""
        last = self._last_dts
        raw = dts if dts is not None else pts
        elapsed = int((arrival_ns - self._last_arrival_ns) * self._ticks_per_s / 1e9)
        if last is None:
            placed = self._first(raw, arrival_ns)
        elif raw is None:
            placed = last + max(self._least_step, elapsed)
        else:
            placed = raw + self._offset
            step = placed - last
            if step - elapsed > self._jump or step < -self._backward:
                placed = last + max(self._least_step, elapsed)
                self._offset = placed - raw
                self.jumps += 1
            elif dts is None:
                # FFmpeg knows no dts before it has seen how B-frames are ordered; a pts in its place would push the
                # times of those that follow.
                placed = max(last + self._least_step, placed - self._usual_reordering)
            elif step < self._least_step:
                placed = last + self._least_step
            elif (expected := self._expected(placed, arrival_ns)) is not None:
                placed = max(last + self._least_step, expected)
                self._offset = placed - raw
                self.jumps += 1
        self._last_dts = placed
        self._last_arrival_ns = arrival_ns
        if pts is None:
            return Times(placed, placed)
        shown = pts + self._offset
        if shown < placed or shown - placed > self._most_reordering:
            shown = placed
        return Times(placed, shown)

    def present(self, moment_ns: int) -> Present | None:
        """Return the time at a moment of the monotonic clock; None before the first packet."""
        if self._last_dts is None:
            return None
        latest = self._last_dts / self._ticks_per_s
        return Present(latest, latest + max(0, moment_ns - self._last_arrival_ns) / 1e9)

    def _first(self, raw: int | None, arrival_ns: int) -> int:
        expected = self._expected(raw, arrival_ns)
        if expected is None:
            return raw if raw is not None else 0
        expected = max(0, expected)
        self._offset = expected - raw if raw is not None else 0
        return expected

    def _expected(self, placed: int | None, arrival_ns: int) -> int | None:
        """Return where a packet belongs by the other track; None when it may be where it is."""
        other = self._around(arrival_ns) if self._around is not None else None
        if other is None:
            return None
        latest, expected = int(other.latest * self._ticks_per_s), int(other.expected * self._ticks_per_s)
        if placed is not None and latest - self._apart <= placed <= expected + self._apart:
            return None
        return expected


class ArrivalClock:
    """The time line of a track without timestamps, such as MJPEG over HTTP: a picture belongs where it came.

    Those that FFmpeg gathered before the first that was waited for are `nominal_step` apart. All in units of the time
    base. Not thread-safe.
    """

    def __init__(self, time_base: Fraction, nominal_step: int) -> None:
        self._ticks_per_s = float(1 / time_base)
        self._nominal_step = nominal_step
        self._last: int | None = None
        self._last_arrival_ns = 0
        self._offset: int | None = None

    def place(self, arrival_ns: int) -> int:
        """Return where a packet belongs. `arrival_ns` is monotonic, in nanoseconds."""
        arrived = int(arrival_ns * self._ticks_per_s / 1e9)
        if self._last is None:
            placed = 0
        elif self._offset is None and arrival_ns - self._last_arrival_ns < _GATHERED_NS:
            placed = self._last + self._nominal_step
        else:
            if self._offset is None:
                self._offset = self._last - int(self._last_arrival_ns * self._ticks_per_s / 1e9)
            placed = max(self._last + 1, arrived + self._offset)
        self._last, self._last_arrival_ns = placed, arrival_ns
        return placed
