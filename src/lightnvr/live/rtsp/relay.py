"""The RTP packets of one stream, stamped once for all RTSP viewers."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from lightnvr.live.audience import Viewer as Counted
from lightnvr.live.rtp.frames import RtpBatch, RtpSender
from lightnvr.live.rtp.payload import Track
from lightnvr.live.rtp_output import GOP_BYTES, RtpOutput, TimedFrame
from lightnvr.live.rtsp.broadcast import REPORT_INTERVAL
from lightnvr.live.rtsp.mount import Viewer


@dataclass(slots=True, eq=False)
class Watcher:
    """A session that plays, and what is counted of it. `tracks` are those that it was told of."""

    viewer: Viewer
    counted: Counted
    tracks: tuple[Track, ...]
    _sent_bytes: int = 0
    _lost_packets: int = 0

    def deliver(self, batch: RtpBatch) -> None:
        """Send a frame."""
        self.viewer.deliver(batch)
        self.count()

    def count(self) -> None:
        """Bring the counts up to date."""
        sent, lost = self.viewer.sent_bytes, self.viewer.lost_packets
        if sent != self._sent_bytes:
            self.counted.sent(sent - self._sent_bytes)
            self._sent_bytes = sent
        if lost != self._lost_packets:
            self.counted.lost(lost - self._lost_packets)
            self._lost_packets = lost


class Relay:
    """Takes the packets of an output while anybody watches. Implements RtpConsumer. Belongs to the event loop.

    A viewer begins with the latest GOP, unless that is too large to be kept, and the reports that relate its tracks.
    One that was told of other tracks than those that come is sent away, so that it asks again.
    """

    def __init__(self, output: RtpOutput, rng: random.Random, on_deserted: Callable[[], None]) -> None:
        self._output = output
        self._rng = rng
        self._on_deserted = on_deserted
        self._watchers: list[Watcher] = []
        self._tracks: tuple[Track, ...] = ()
        self._senders: list[RtpSender] = []
        self._latest: dict[int, TimedFrame] = {}
        self._reported: dict[int, float] = {}
        self._gop: list[RtpBatch] = []
        self._gop_bytes = 0

    def add(self, watcher: Watcher) -> None:
        """Begin to deliver."""
        if not self._watchers:
            self._output.attach(self)
        self._watchers.append(watcher)
        if self._output.tracks and watcher.tracks != self._output.tracks:
            self.dismiss(watcher)
            return
        for track in self._latest:
            watcher.viewer.deliver_report(track, self._report(track))
        if self._output.tracks:
            watcher.viewer.catch_up(self._gop)
            watcher.count()

    def remove(self, watcher: Watcher) -> None:
        """Deliver nothing more."""
        self._watchers.remove(watcher)
        if not self._watchers:
            self._output.detach(self)
            self._on_deserted()

    def dismiss(self, watcher: Watcher) -> None:
        """Say goodbye to a viewer and end its connection."""
        for track in self._latest:
            watcher.viewer.deliver_report(track, self._report(track) + self._senders[track].bye())
        watcher.viewer.close()

    def tracks_changed(self, tracks: tuple[Track, ...]) -> None:
        """See RtpConsumer."""
        self._forget_gop()
        if not tracks or tracks == self._tracks:
            return
        for watcher in tuple(self._watchers):
            if watcher.tracks != tracks:
                self.dismiss(watcher)
        self._tracks = tracks
        self._latest.clear()
        self._reported.clear()
        self._senders = [RtpSender(self._rng.getrandbits(32), self._rng.getrandbits(15)) for _ in tracks]

    def frame(self, timed: TimedFrame) -> None:
        """See RtpConsumer."""
        frame = timed.frame
        if not frame.offsets:
            return
        batch = self._senders[frame.track].stamp(frame, timed.timestamp)
        self._keep(batch)
        self._latest[frame.track] = timed
        if abs(timed.captured - self._reported.get(frame.track, 0.0)) >= REPORT_INTERVAL:
            self._reported[frame.track] = timed.captured
            report = self._report(frame.track)
            for watcher in tuple(self._watchers):
                watcher.viewer.deliver_report(frame.track, report)
        for watcher in tuple(self._watchers):
            watcher.deliver(batch)

    def ended(self) -> None:
        """See RtpConsumer."""
        for watcher in tuple(self._watchers):
            self.dismiss(watcher)

    def _keep(self, batch: RtpBatch) -> None:
        if batch.keyframe:
            self._forget_gop()
        elif not self._gop:
            return
        self._gop.append(batch)
        self._gop_bytes += len(batch.data)
        if self._gop_bytes > GOP_BYTES:
            self._forget_gop()

    def _forget_gop(self) -> None:
        self._gop.clear()
        self._gop_bytes = 0

    def _report(self, track: int) -> bytes:
        latest = self._latest[track]
        return self._senders[track].report(latest.captured, latest.timestamp)
