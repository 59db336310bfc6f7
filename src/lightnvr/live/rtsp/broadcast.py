"""One live RTP presentation sent to all who watch it."""

import random
from collections.abc import Callable

from lightnvr.live.rtp.frames import RtpBatch, RtpFrame, RtpSender
from lightnvr.live.rtp.payload import Track
from lightnvr.live.rtsp.mount import Viewer

REPORT_INTERVAL = 5.0
"""Seconds of media between two sender reports of a track (RFC 3550, section 6.2)."""


class Broadcast:
    """Stamps each frame once and hands it to every viewer.

    A viewer gets its first packets at a video keyframe, so that it can decode from the start, unless
    `wait_for_keyframe` is False or there is no video. `on_audience` is told how many viewers there are when that
    changes. All methods belong to one event loop.
    """

    def __init__(
        self,
        tracks: tuple[Track, ...],
        *,
        rng: random.Random,
        wait_for_keyframe: bool = True,
        on_audience: Callable[[int], None] = lambda viewers: None,
    ) -> None:
        self._tracks = tracks
        self._rng = rng
        self._waits = wait_for_keyframe and any(track.is_video for track in tracks)
        self._on_audience = on_audience
        self._waiting: list[Viewer] = []
        self._watching: list[Viewer] = []
        self._senders = self._fresh_senders()
        self._latest: dict[int, tuple[float, int]] = {}
        self._reported: dict[int, float] = {}

    @property
    def viewers(self) -> tuple[Viewer, ...]:
        return (*self._watching, *self._waiting)

    @property
    def watched(self) -> bool:
        """Whether anybody gets the frames that are sent now, rather than waiting for a keyframe."""
        return bool(self._watching)

    def attach(self, viewer: Viewer) -> None:
        (self._waiting if self._waits else self._watching).append(viewer)
        self._reported.clear()
        self._on_audience(len(self.viewers))

    def detach(self, viewer: Viewer) -> None:
        for group in (self._waiting, self._watching):
            if viewer in group:
                group.remove(viewer)
                self._on_audience(len(self.viewers))

    def send(self, frame: RtpFrame, timestamp: int, captured: float) -> RtpBatch:
        """Sends a frame: RTP timestamp in ticks of its track's clock, capture time as UTC seconds since 1970."""
        if self._waiting and frame.keyframe:
            self._watching += self._waiting
            self._waiting.clear()
            # Newcomers need the relation of the tracks' clocks at once, not at the next interval.
            self._reported.clear()
        batch = self._senders[frame.track].stamp(frame, timestamp)
        self._latest[frame.track] = (captured, timestamp)
        if self._watching:
            if captured - self._reported.get(frame.track, 0.0) >= REPORT_INTERVAL:
                self.report(frame.track)
            for viewer in tuple(self._watching):
                viewer.deliver(batch)
        return batch

    def report(self, track: int) -> None:
        """Sends the sender report of a track now; nothing before its first frame."""
        if track not in self._latest:
            return
        captured, timestamp = self._latest[track]
        self._reported[track] = captured
        packet = self._senders[track].report(captured, timestamp)
        for viewer in tuple(self._watching):
            viewer.deliver_report(track, packet)

    def renumber(self) -> None:
        """Continues with new sources and sequence numbers, as a camera does after a reboot."""
        self._senders = self._fresh_senders()
        self._reported.clear()

    def close_viewers(self) -> None:
        """Ends every viewer's connection."""
        for viewer in self.viewers:
            viewer.close()

    def _fresh_senders(self) -> list[RtpSender]:
        return [RtpSender(self._rng.getrandbits(32), self._rng.getrandbits(15)) for _ in self._tracks]
