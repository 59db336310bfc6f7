"""One viewer's session: which tracks go where, and whether it plays (RFC 2326, appendix A)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from lightnvr.live.rtp.frames import RtpBatch
from lightnvr.live.rtsp.datagrams import DatagramPair
from lightnvr.live.rtsp.mount import Mount


@dataclass(frozen=True, slots=True)
class Channels:
    """Where an interleaved track goes in the RTSP connection."""

    rtp: int
    rtcp: int


class Session:
    """Delivers frames to one viewer, over its own RTSP connection or by datagrams.

    `max_backlog` bytes may wait for a viewer that reads too slowly; beyond that its connection is cut and
    `on_dropped` is called once.
    """

    def __init__(
        self,
        identifier: str,
        mount: Mount,
        path: str,
        *,
        connection: asyncio.WriteTransport,
        max_backlog: int,
        on_dropped: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self.identifier = identifier
        self.path = path
        self.playing = False
        self.tracks: dict[int, Channels | DatagramPair] = {}
        self._mount = mount
        self._connection = connection
        self._max_backlog = max_backlog
        self._on_dropped = on_dropped
        self._clock = clock
        self._heard = clock()

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
        return self._connection.get_write_buffer_size()

    def heard(self) -> None:
        """The viewer has shown that it lives."""
        self._heard = self._clock()

    def play(self) -> None:
        if not self.playing:
            self.playing = True
            self._mount.attach(self)

    def pause(self) -> None:
        if self.playing:
            self.playing = False
            self._mount.detach(self)

    def end(self) -> None:
        """Stops delivery and gives the ports back."""
        self.pause()
        for track in self.tracks.values():
            if isinstance(track, DatagramPair):
                track.close()
        self.tracks.clear()

    def deliver(self, batch: RtpBatch) -> None:
        track = self.tracks.get(batch.track)
        if isinstance(track, Channels):
            self._write(batch.interleaved(track.rtp))
        elif track is not None:
            for packet in batch.packets():
                track.send_rtp(packet)

    def deliver_report(self, track: int, packet: bytes) -> None:
        target = self.tracks.get(track)
        if isinstance(target, Channels):
            self._write(bytes((0x24, target.rtcp)) + len(packet).to_bytes(2, "big") + packet)
        elif target is not None:
            target.send_rtcp(packet)

    def close(self) -> None:
        self._connection.close()

    def _write(self, data: bytes | bytearray) -> None:
        if self._connection.is_closing():
            return
        self._connection.write(data)
        if self._connection.get_write_buffer_size() > self._max_backlog:
            self._connection.abort()
            self._on_dropped()
