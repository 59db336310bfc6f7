"""Measuring what a camera sends."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rates:
    """What was measured over the last seconds."""

    fps: float = 0.0
    bitrate_bps: int = 0
    keyframe_interval_s: float = 0.0


class RateMeter:
    """Counts frames and bytes in windows of a few seconds. Written by one thread, `rates` is read by any."""

    def __init__(self, window_s: float = 2.0) -> None:
        self._window_ns = int(window_s * 1e9)
        self._began_ns = 0
        self._bytes = 0
        self._frames = 0
        self._frames_before = 0
        self._keyframe_ns = 0
        self._keyframe_interval_s = 0.0
        self.rates = Rates()

    @property
    def frames(self) -> int:
        """How many video frames were counted since the beginning."""
        return self._frames_before + self._frames

    def bitrate_bps(self, now_ns: int) -> int:
        """Return the bit rate of the last window, or while the first one lasts that of what has come of it."""
        return self.rates.bitrate_bps or self._bytes * 8_000_000_000 // max(1, now_ns - self._began_ns)

    def count(self, size: int) -> None:
        """Count bytes that belong to no video frame."""
        self._bytes += size

    def count_video(self, size: int, arrival_ns: int, *, keyframe: bool) -> None:
        """Count a video frame of `size` bytes."""
        self._bytes += size
        self._frames += 1
        if keyframe:
            if self._keyframe_ns:
                self._keyframe_interval_s = (arrival_ns - self._keyframe_ns) / 1e9
            self._keyframe_ns = arrival_ns
        elapsed = arrival_ns - self._began_ns
        if elapsed >= self._window_ns:
            if self._began_ns:
                seconds = elapsed / 1e9
                self.rates = Rates(self._frames / seconds, int(self._bytes * 8 / seconds), self._keyframe_interval_s)
            self._frames_before += self._frames
            self._began_ns, self._bytes, self._frames = arrival_ns, 0, 0
