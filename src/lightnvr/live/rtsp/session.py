"""One viewer's session: which tracks go where, and whether it plays (RFC 2326, appendix A)."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lightnvr.live.rtp.frames import RtpBatch
from lightnvr.live.rtsp.datagrams import DatagramPair
from lightnvr.live.rtsp.mount import Mount
from lightnvr.live.rtsp.pacer import Pacer

_FAREWELL_S = 2.0
"""How long a connection that is being closed may take to send what waits."""


@dataclass(frozen=True, slots=True)
class Channels:
    """Where an interleaved track goes in the RTSP connection."""

    rtp: int
    rtcp: int


class Session:
    """Delivers frames to one viewer, over its own RTSP connection or by datagrams.

    While more than `max_backlog` bytes wait for a viewer that reads too slowly it loses frames, up to a keyframe at
    which half of that has gone. After `max_lag` seconds without one its connection is cut and `on_dropped` is called.
    """

    def __init__(
        self,
        identifier: str,
        mount: Mount,
        path: str,
        *,
        connection: asyncio.WriteTransport,
        max_backlog: int,
        max_lag: float,
        on_dropped: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self.identifier = identifier
        self.path = path
        self.playing = False
        self.tracks: dict[int, Channels | DatagramPair] = {}
        self.sent_bytes = 0
        self.lost_packets = 0
        self._mount = mount
        self._connection = connection
        self._max_backlog = max_backlog
        self._allowed_backlog = max_backlog
        self._max_lag = max_lag
        self._on_dropped = on_dropped
        self._clock = clock
        self._heard = clock()
        self._pacer = Pacer()
        self._lagging: asyncio.TimerHandle | None = None
        self._farewell: asyncio.TimerHandle | None = None

    @property
    def idle_for(self) -> float:
        """Seconds since the viewer was last heard of."""
        return self._clock() - self._heard

    @property
    def interleaved(self) -> bool:
        """Whether a track goes over the RTSP connection."""
        return any(isinstance(track, Channels) for track in self.tracks.values())

    @property
    def backlog(self) -> int:
        """See Viewer."""
        return self._connection.get_write_buffer_size() + self._pacer.backlog

    def heard(self) -> None:
        """The viewer has shown that it lives."""
        self._heard = self._clock()

    def play(self) -> None:
        """Begin to deliver."""
        if not self.playing:
            self.playing = True
            self._mount.attach(self)

    def pause(self) -> None:
        """Deliver nothing until `play`."""
        if self.playing:
            self.playing = False
            self._mount.detach(self)

    def end(self) -> None:
        """Stops delivery and gives the ports back."""
        self.pause()
        self._pacer.close()
        for timer in (self._lagging, self._farewell):
            if timer is not None:
                timer.cancel()
        for track in self.tracks.values():
            if isinstance(track, DatagramPair):
                track.close()
        self.tracks.clear()

    def catch_up(self, batches: Sequence[RtpBatch]) -> None:
        """See Viewer."""
        for batch in batches:
            self._send(batch)
        self._allowed_backlog = self.backlog + self._max_backlog

    def deliver(self, batch: RtpBatch) -> None:
        """See Viewer."""
        if batch.track in self.tracks and self._keeps_up(batch):
            self._send(batch)

    def deliver_report(self, track: int, packet: bytes) -> None:
        """See Viewer."""
        target = self.tracks.get(track)
        if isinstance(target, Channels):
            if self._lagging is None:
                self._write(bytes((0x24, target.rtcp)) + len(packet).to_bytes(2, "big") + packet)
        elif target is not None:
            target.send_rtcp(packet)

    def close(self) -> None:
        """See Viewer."""
        self._connection.close()
        if self._farewell is None:
            self._farewell = asyncio.get_running_loop().call_later(_FAREWELL_S, self._connection.abort)

    def _send(self, batch: RtpBatch) -> None:
        track = self.tracks.get(batch.track)
        if track is None:
            return
        if isinstance(track, Channels):
            self._write(batch.interleaved(track.rtp))
        else:
            self._pacer.send(track, batch.packets())
        self.sent_bytes += len(batch.data)

    def _write(self, content: bytes | bytearray) -> None:
        if not self._connection.is_closing():
            self._connection.write(content)

    def _keeps_up(self, batch: RtpBatch) -> bool:
        waiting = self.backlog
        if self._lagging is not None:
            if not batch.keyframe or waiting > self._max_backlog // 2:
                self.lost_packets += len(batch.offsets)
                return False
            self._lagging.cancel()
            self._lagging = None
        if waiting <= self._max_backlog:
            self._allowed_backlog = self._max_backlog
        elif waiting > self._allowed_backlog:
            self.lost_packets += len(batch.offsets)
            self._lagging = asyncio.get_running_loop().call_later(self._max_lag, self._drop)
            return False
        return True

    def _drop(self) -> None:
        self._connection.abort()
        self._on_dropped()
