"""Making sense of the timestamps of cameras.

Muxers need a dts that grows strictly, cameras send what they like: clocks that are set in mid-stream, 32-bit counters
that wrap (RFC 3550 section 5.1), packets without a pts, dts that repeat. Each track has one clock that turns what
arrives into a time line without jumps, measured against the time of arrival.
"""

from fractions import Fraction
from typing import NamedTuple

_JUMP_S = 5.0
"""A step that differs from the time of arrival by more than this is a clock that was set, not a late packet."""

_BACKWARD_S = 1.0
"""A step back by more than this is a clock that was set, not two packets out of order."""

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


class TrackClock:
    """The time line of one track. Not thread-safe."""

    def __init__(self, time_base: Fraction, least_step: int = 1) -> None:
        """`least_step` is how far two packets are apart at least, in units of the time base."""
        self._least_step = least_step
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
            placed = raw if raw is not None else 0
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
        self._last_dts = placed
        self._last_arrival_ns = arrival_ns
        if pts is None:
            return Times(placed, placed)
        shown = pts + self._offset
        if shown < placed or shown - placed > self._most_reordering:
            shown = placed
        return Times(placed, shown)


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
