"""One time line for all tracks of a stream, across every connection to its camera."""

import time
from collections.abc import Callable
from fractions import Fraction

from av.stream import Stream

from lightnvr.media.packets import MediaPacket, Track

_NS = 1_000_000_000
_LEAST_STEP_NS = 40_000_000
_DRIFT_DIVISOR = 1024
"""A camera's clock that runs slow is followed by this part of the difference with each packet."""


class Timeline:
    """Turns a packet's times into RTP timestamps that continue when the camera comes back with a clock of its own.

    All tracks are shifted by the same time, so sound and pictures stay together. Not thread-safe.
    """

    def __init__(
        self, *, monotonic_ns: Callable[[], int] = time.monotonic_ns, system_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._monotonic_ns = monotonic_ns
        self._system_ns = system_ns
        self._scales: dict[int, _Scale] = {}
        self._shift_ns = 0
        self._templates: tuple[Stream, ...] = ()
        self._begins = True
        self._latest_ns: int | None = None
        self._latest_arrival_ns = 0
        self._delay_ns: int | None = None

    def begin(self, tracks: dict[int, tuple[Track, int]]) -> None:
        """What follows has these tracks, each with its RTP clock in ticks per second, by the camera's track index."""
        self._scales = {index: _Scale(track.time_base, clock) for index, (track, clock) in tracks.items()}
        templates = tuple(track.template for track, _ in tracks.values())
        # The clock lives as long as the connection, and so do the templates (see TrackClock).
        if not any(template is known for template in templates for known in self._templates):
            self._begins = True
        self._templates = templates

    def place(self, packet: MediaPacket) -> tuple[int, float]:
        """Return the RTP timestamp, unbounded, and when the picture was taken or the sound heard.

        The latter in seconds since 1970 UTC. It is known from the time of arrival of the packets that came fastest, so
        it grows as evenly as the camera's own clock.
        """
        scale = self._scales[packet.track.index]
        decoded_ns = scale.ns(packet.dts)
        if self._begins:
            self._connect(decoded_ns, packet.arrival_ns)
        shown_ns = scale.ns(packet.pts) + self._shift_ns
        if self._latest_ns is None or shown_ns >= self._latest_ns:
            self._latest_ns, self._latest_arrival_ns = shown_ns, packet.arrival_ns
        self._follow(packet.arrival_ns - decoded_ns - self._shift_ns)
        to_system_ns = self._system_ns() - self._monotonic_ns()
        captured_ns = shown_ns + (self._delay_ns or 0) + to_system_ns
        return scale.ticks(packet.pts) + self._shift_ns * scale.clock // _NS, captured_ns / _NS

    def _connect(self, decoded_ns: int, arrival_ns: int) -> None:
        """Shift the times of a new connection so that the gap is as long as it was."""
        self._begins = False
        if self._latest_ns is None:
            return
        elapsed_ns = max(_LEAST_STEP_NS, arrival_ns - self._latest_arrival_ns)
        self._shift_ns = self._latest_ns + elapsed_ns - decoded_ns
        self._delay_ns = None

    def _follow(self, delay_ns: int) -> None:
        if self._delay_ns is None or delay_ns < self._delay_ns:
            self._delay_ns = delay_ns
        else:
            self._delay_ns += (delay_ns - self._delay_ns) // _DRIFT_DIVISOR


class _Scale:
    """From a track's time base to nanoseconds and to its RTP clock, exactly."""

    def __init__(self, time_base: Fraction, clock: int) -> None:
        self.clock = clock
        self._to_ns = (time_base * _NS).as_integer_ratio()
        self._to_ticks = (time_base * clock).as_integer_ratio()

    def ns(self, time: int) -> int:
        return time * self._to_ns[0] // self._to_ns[1]

    def ticks(self, time: int) -> int:
        numerator, denominator = self._to_ticks
        return (2 * time * numerator + denominator) // (2 * denominator)
