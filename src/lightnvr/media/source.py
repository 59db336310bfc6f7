"""One connection to one camera."""

import errno
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from lightnvr.media.address import SourceAddress
from lightnvr.media.arrivals import Arrivals
from lightnvr.media.backdating import Backdating
from lightnvr.media.errors import CameraError, Fault
from lightnvr.media.hub import Hub
from lightnvr.media.ingest import UNKNOWN_VIDEO, GuardedAudio, VideoIngest, audio_ingest
from lightnvr.media.opening import OpenOptions, Transport, explain, known, open_camera
from lightnvr.media.packets import CodedPacket, Track, TracksChanged
from lightnvr.media.rates import RateMeter
from lightnvr.media.resting import Resting

_LONGEST_WITHOUT_PICTURE_NS = 60_000_000_000
_NO_TIMESTAMPS = 0x0080  # AVFMT_NOTIMESTAMPS (FFmpeg, avformat.h)
_WAITED_NS = 1_000_000
"""A packet that took longer than this was not waiting to be read: all that had come has been taken."""

_SURELY_WAITED_NS = 10_000_000
"""The same when asked to stop: on a busy machine a packet that had come takes some milliseconds too."""

_LAST_NS = 200_000_000
"""How long to read what has gathered when asked to stop."""


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How a camera is read."""

    opening: OpenOptions = field(default_factory=OpenOptions)
    audio: bool = True


class Source:
    """Connects to a camera and publishes its packets to a hub until it is stopped or the camera is lost.

    `run` belongs to one thread; `stop` and the attributes may be used by others. A Source is used once.
    """

    def __init__(
        self,
        address: SourceAddress,
        hub: Hub,
        options: SourceOptions,
        *,
        on_connected: Callable[[], None],
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._address = address
        self._hub = hub
        self._out = Backdating(hub.publish)
        self._options = options
        self._on_connected = on_connected
        self._monotonic_ns = monotonic_ns
        self._stop = threading.Event()
        self._read_until_ns = 0
        self.closed = threading.Event()
        """Set by the owner of the thread once `run` has returned and the connection is closed."""
        self._video: VideoIngest | None = None
        self._audio: GuardedAudio | None = None
        self.meter = RateMeter()
        self.last_packet_ns: int | None = None
        self._first_packet_ns = 0
        self.source_audio_codec = ""
        self.nominal_fps = 0.0
        """What the camera says, before it was measured."""

    @property
    def connected(self) -> bool:
        """Whether pictures have come."""
        return self.last_packet_ns is not None

    @property
    def lasted_s(self) -> float:
        """How long pictures have come, in seconds; a stall after the last one does not count."""
        return 0.0 if self.last_packet_ns is None else (self.last_packet_ns - self._first_packet_ns) / 1e9

    @property
    def video_track(self) -> Track | None:
        """The video track in force."""
        return self._video.track if self._video else None

    def stop(self) -> None:
        """Ask `run` to return; it publishes what has come, and does, at the latest after the stall timeout."""
        self._read_until_ns = self._monotonic_ns() + _LAST_NS
        self._stop.set()
        self._hub.end_rest()

    def run(self) -> None:
        """Connect and publish. Returns when stopped. Raises CameraError when the camera fails or is lost."""
        container = open_camera(self._address, self._options.opening)
        try:
            if not self._stop.is_set():
                self._pump(container)
        except (av.FFmpegError, OSError) as error:
            if self._stop.is_set():
                return
            raise self._lost(error) from error
        finally:
            self._out.caught_up()
            container.close()

    def _pump(self, container: InputContainer) -> None:
        wanted = self._choose(container)
        video_index, audio_index = wanted[0].index, wanted[1].index if len(wanted) > 1 else None
        now_ns, stop, hub = self._monotonic_ns, self._stop, self._hub
        stall_ns = int(self._options.opening.stall_timeout_s * 1e9)
        time_base = wanted[0].time_base or Fraction(1, 90_000)
        arrivals, resting = Arrivals(time_base), Resting(time_base)
        began_ns = last_video_ns = asked_ns = now_ns()
        # Over UDP the system's buffer would overflow meanwhile; TCP makes the camera wait. Without timestamps the time
        # of arrival is all that there is.
        rests = self._options.opening.transport is Transport.TCP and _is_timed(container)
        resting.allow(hub.batch_s, hub.longest_rest_s, 0)
        # Every stream, also those that are not wanted: PyAV would wait for ever while only such packets come.
        for packet in container.demux():
            read_ns = now_ns()
            waited = read_ns - asked_ns > _WAITED_NS
            if stop.is_set() and (read_ns - asked_ns > _SURELY_WAITED_NS or read_ns > self._read_until_ns):
                return
            if not packet.size:
                continue
            is_video = packet.stream_index == video_index
            dts = packet.dts if packet.dts is not None else packet.pts
            if is_video and rests:
                arrivals.note(dts, read_ns)
            drained = waited and not (rests and resting.is_overdue(read_ns - arrivals.due_ns))
            if drained:
                arrivals.taken_until(asked_ns)
                resting.drained(read_ns)
            completes = False
            if is_video:
                arrival_ns = arrivals.came_ns(read_ns) if rests else read_ns
                completes = rests and resting.completes(dts, arrival_ns, keyframe=packet.is_keyframe)
                self._accept_video(packet, arrival_ns, read_ns)
                last_video_ns = read_ns
                if drained:
                    self._out.caught_up()
            else:
                if read_ns - last_video_ns > stall_ns:
                    raise CameraError(Fault.STALLED, f"{self._address} sends audio but no pictures any more.")
                if packet.stream_index == audio_index:
                    self._accept_audio(packet, read_ns)
            if self.last_packet_ns is None and read_ns - began_ns > _LONGEST_WITHOUT_PICTURE_NS:
                raise CameraError(Fault.NO_VIDEO, f"{self._address} sent no picture that can be decoded for a minute.")
            if rests and (waited or completes) and not self._out.holding and not stop.is_set():
                self._rest(resting, arrivals, drained=drained)
            asked_ns = now_ns()
        raise CameraError(Fault.ENDED, f"The camera at {self._address} ended the stream.")

    def _rest(self, resting: Resting, arrivals: Arrivals, *, drained: bool) -> None:
        began_ns = self._monotonic_ns()
        resting.allow(self._hub.batch_s, self._hub.longest_rest_s, self.meter.bitrate_bps(began_ns))
        if rest_ns := resting.rest_ns(began_ns):
            if drained:
                arrivals.taken_until(began_ns)
            self._hub.rest(rest_ns / 1e9)

    def _choose(self, container: InputContainer) -> list[VideoStream | AudioStream]:
        if not container.streams.video:
            raise CameraError(Fault.NO_VIDEO, f"{self._address} has no video.")
        pictures, sounds = known(container.streams.video), known(container.streams.audio)
        if not pictures:
            raise CameraError(Fault.UNSUPPORTED, UNKNOWN_VIDEO)
        wanted: list[VideoStream | AudioStream] = [pictures[0]]
        self._video = VideoIngest(pictures[0], self._announce, timed=_is_timed(container))
        self.nominal_fps = float(pictures[0].average_rate or pictures[0].guessed_rate or 0)
        if self._options.audio and sounds:
            self.source_audio_codec = sounds[0].codec_context.codec.canonical_name
            self._audio = audio_ingest(sounds[0], self._video.present)
            if self._audio is not None:
                wanted.append(sounds[0])
        return wanted

    def _accept_video(self, packet: CodedPacket, arrival_ns: int, read_ns: int) -> None:
        if self._video is None:
            return
        self.meter.count_video(packet.size, arrival_ns, keyframe=packet.is_keyframe)
        item = self._video.accept(packet, arrival_ns)
        if item is None:
            return
        self._out.publish(item)
        if self.last_packet_ns is None:
            self._first_packet_ns = read_ns
            self._on_connected()
        self.last_packet_ns = read_ns

    def _accept_audio(self, packet: CodedPacket, arrival_ns: int) -> None:
        self.meter.count(packet.size)
        if self._audio is None or self.last_packet_ns is None:
            return
        for heard in self._audio.accept(packet, arrival_ns):
            self._out.publish(heard)

    def _announce(self, video: Track) -> None:
        audio = self._audio
        tracks = (video,) if audio is None or audio.given_up else (video, audio.track)
        self._out.publish(TracksChanged(tracks))

    def _lost(self, error: Exception) -> CameraError:
        if self.last_packet_ns is None:
            return explain(self._address, error)
        # FFmpeg reports a wait that was cut short in several ways, and an end without a goodbye as EIO.
        silent_s = (self._monotonic_ns() - self.last_packet_ns) / 1e9
        seconds = self._options.opening.stall_timeout_s
        if isinstance(error, av.error.ExitError | av.error.TimeoutError) or silent_s >= seconds:
            return CameraError(Fault.STALLED, f"{self._address} sent nothing for {seconds:g} s.")
        if isinstance(error, OSError) and error.errno == errno.EIO:
            return CameraError(Fault.ENDED, f"The camera at {self._address} closed the connection.")
        return explain(self._address, error)


def _is_timed(container: InputContainer) -> bool:
    return not container.format.flags & _NO_TIMESTAMPS
