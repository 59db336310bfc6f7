"""The RTP packets of a stream, made once for all who watch it by RTSP or WebRTC."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from lightnvr.live.errors import CameraUnavailable
from lightnvr.live.output import OutputKind
from lightnvr.live.rtp.access_units import AccessUnits
from lightnvr.live.rtp.frames import RtpFrame
from lightnvr.live.rtp.packetizer import Packetizer, packetizer_for
from lightnvr.live.rtp.payload import Track
from lightnvr.live.rtp.timeline import Timeline
from lightnvr.live.rtp.tracks import rtp_tracks
from lightnvr.media.packets import MediaItem, MediaPacket, TracksChanged

GOP_BYTES = 16 * 1024 * 1024
"""A GOP that is larger is not kept: who comes then begins with the next one."""


class TimedFrame(NamedTuple):
    """The RTP packets of one frame and when it belongs.

    `timestamp` is in ticks of the track's RTP clock; it is not cut to 32 bits and does not begin at random. `captured`
    is in seconds since 1970 UTC.
    """

    frame: RtpFrame
    timestamp: int
    captured: float


class RtpConsumer(Protocol):
    """One who sends the packets on. Nothing here may block or raise."""

    def tracks_changed(self, tracks: tuple[Track, ...]) -> None:
        """The camera is gone (no tracks), or what follows has these tracks and begins with a keyframe.

        Tracks that equal the ones before mean that the camera is back as it was: timestamps go on.
        """
        ...

    def frame(self, timed: TimedFrame) -> None:
        """Send a frame on. Its `track` is the place in the tracks."""
        ...

    def ended(self) -> None:
        """Nothing more will come from this output."""
        ...


class RtpOutput:
    """Packetises what a camera sends and keeps the latest GOP, so that who comes begins with a picture.

    Implements Output. A consumer that detaches, itself or another one, while it is called is fine.
    """

    def __init__(self, timeline: Timeline | None = None) -> None:
        self._timeline = timeline or Timeline()
        self._consumers: list[RtpConsumer] = []
        self._outlets: dict[int, _Outlet] = {}
        self._gop: deque[TimedFrame] = deque()
        self._gop_bytes = 0
        self._started = asyncio.Event()
        self._closed = False
        self.tracks: tuple[Track, ...] = ()
        """What is sent now, video first; empty while the camera is gone."""

    @property
    def gop(self) -> Sequence[TimedFrame]:
        """The frames from the latest keyframe on; empty before the first, and when there were too many to keep."""
        return self._gop

    async def wait_for_tracks(self, timeout_s: float) -> tuple[Track, ...]:
        """Return the tracks as soon as there is a keyframe. Raises CameraUnavailable."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._started.wait()
        except TimeoutError:
            raise CameraUnavailable("The camera sends no pictures yet.") from None
        if self._closed:
            raise CameraUnavailable("The live view was stopped.")
        return self.tracks

    def attach(self, consumer: RtpConsumer, *, from_keyframe: bool = True) -> None:
        """Tell a consumer the tracks, hand it the latest GOP, then all that comes.

        Without `from_keyframe` it gets only what comes, beginning anywhere.
        """
        if self._closed:
            consumer.ended()
            return
        self._consumers.append(consumer)
        if self.tracks:
            consumer.tracks_changed(self.tracks)
        if from_keyframe:
            for timed in tuple(self._gop):
                consumer.frame(timed)

    def detach(self, consumer: RtpConsumer) -> None:
        """Hand nothing more to a consumer; no error when it is not attached."""
        self._consumers = [other for other in self._consumers if other is not consumer]

    def take(self, items: Sequence[MediaItem]) -> None:
        """See Output. Raises av.FFmpegError when FFmpeg cannot packetise the video."""
        for item in items:
            if isinstance(item, TracksChanged):
                self._change(item)
            elif (outlet := self._outlets.get(item.track.index)) is not None:
                self._send(outlet, item)

    def close(self) -> None:
        """See Output."""
        self._closed = True
        self._started.set()
        for consumer in tuple(self._consumers):
            consumer.ended()
        self._consumers.clear()
        self._forget_gop()

    def _change(self, change: TracksChanged) -> None:
        pairs = rtp_tracks(change.tracks)
        self.tracks = tuple(track for _, track in pairs)
        self._outlets = {
            camera.index: _Outlet(AccessUnits(camera, track), packetizer_for(track, index), track.is_video)
            for index, (camera, track) in enumerate(pairs)
        }
        self._timeline.begin({camera.index: (camera, track.clock_rate) for camera, track in pairs})
        self._forget_gop()
        self._started.clear()
        for consumer in tuple(self._consumers):
            consumer.tracks_changed(self.tracks)

    def _send(self, outlet: "_Outlet", packet: MediaPacket) -> None:
        timestamp, captured = self._timeline.place(packet)
        is_keyframe = packet.is_keyframe and outlet.is_video
        frame = outlet.packetizer.packetize(outlet.access_units.coded(packet), keyframe=is_keyframe)
        timed = TimedFrame(frame, timestamp, captured)
        self._keep(timed)
        for consumer in tuple(self._consumers):
            consumer.frame(timed)

    def _keep(self, timed: TimedFrame) -> None:
        if timed.frame.keyframe:
            self._forget_gop()
            self._started.set()
        elif not self._gop:
            return
        self._gop.append(timed)
        self._gop_bytes += len(timed.frame.data)
        if self._gop_bytes > GOP_BYTES:
            self._forget_gop()

    def _forget_gop(self) -> None:
        self._gop.clear()
        self._gop_bytes = 0


@dataclass(frozen=True, slots=True)
class _Outlet:
    access_units: AccessUnits
    packetizer: Packetizer
    is_video: bool


RTP: OutputKind[RtpOutput] = OutputKind("rtp", RtpOutput)
"""The kind to hand to `Channel.use`: RTSP and WebRTC share it."""
