"""The sound of a stream as Opus, made once for all who hear it by WebRTC."""

import asyncio
import logging
import queue
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from lightnvr.live.output import OutputKind
from lightnvr.live.rtp.frames import frame_of
from lightnvr.live.rtp.timeline import Timeline
from lightnvr.live.rtp_output import TimedFrame
from lightnvr.media.packets import CodedPacket, MediaItem, MediaPacket, Track, TracksChanged, coded_packet

RATE = 48_000
"""The RTP clock of Opus, whatever it was recorded with (RFC 7587, section 4.1)."""

_FRAME_SAMPLES = 960
_BITS_PER_CHANNEL = 40_000
_FOLLOWED_GAP = RATE // 25
_TOO_EARLY = RATE // 5
_STALE_NS = 300_000_000
_MOST_WAITING = 256

log = logging.getLogger(__name__)

Listener = Callable[[TimedFrame], None]


class _Sound(NamedTuple):
    """A coded frame, when it begins in ticks of 1/48000 s, and in seconds since 1970 UTC."""

    payload: bytes
    timestamp: int
    captured: float


class OpusOutput:
    """Passes Opus on and makes Opus of everything else, in a thread of its own. Implements Output.

    Listeners are called on the event loop. The GOP that the output begins with holds old sound, which is left out.
    """

    def __init__(
        self, timeline: Timeline | None = None, *, monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._timeline = timeline or Timeline()
        self._monotonic_ns = monotonic_ns
        self._loop = asyncio.get_running_loop()
        self._listeners: list[Listener] = []
        self._track: Track | None = None
        self._encoding: _Encoding | None = None

    def attach(self, listener: Listener) -> None:
        """Call this for each packet from now on."""
        self._listeners.append(listener)

    def detach(self, listener: Listener) -> None:
        """Call this no more."""
        self._listeners = [other for other in self._listeners if other != listener]

    def take(self, items: Sequence[MediaItem]) -> None:
        """See Output."""
        for item in items:
            if isinstance(item, TracksChanged):
                self._change(item.tracks)
                continue
            # Pictures too, for the time line to be the same as that of the RTP packets.
            timestamp, captured = self._timeline.place(item)
            is_fresh = self._monotonic_ns() - item.arrival_ns < _STALE_NS
            if self._track is not None and item.track.index == self._track.index and is_fresh:
                self._hear(item, timestamp, captured)

    def close(self) -> None:
        """See Output."""
        self._stop_encoding()
        self._listeners.clear()

    def _change(self, tracks: Sequence[Track]) -> None:
        sound = next((track for track in tracks if track.kind == "audio"), None)
        clocks = {track.index: (track, RATE if track.kind == "audio" else 90_000) for track in tracks}
        self._timeline.begin(clocks)
        if sound is not None and self._track is not None and _is_same(sound, self._track):
            self._track = sound
            return
        self._stop_encoding()
        self._track = sound
        if sound is not None and sound.codec != "opus":
            self._encoding = _Encoding(sound, self._encoded)

    def _hear(self, packet: MediaPacket, timestamp: int, captured: float) -> None:
        sound = _Sound(bytes(packet.payload), timestamp, captured)
        if self._encoding is None:
            self._emit(sound)
        else:
            self._encoding.push(sound)

    def _encoded(self, sounds: Sequence[_Sound]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._emit, *sounds)
        except RuntimeError:
            log.debug("the event loop is closed; nobody listens any more")

    def _emit(self, *sounds: _Sound) -> None:
        for sound in sounds:
            # Blank numbers, as in the frames of the packetisers; the payload type is the viewer's.
            packet = struct.pack(">BBHII", 0x80, 0, 0, 0, 0) + sound.payload
            timed = TimedFrame(frame_of(1, [packet], keyframe=False), sound.timestamp, sound.captured)
            for listener in tuple(self._listeners):
                listener(timed)

    def _stop_encoding(self) -> None:
        if self._encoding is not None:
            self._encoding.close()
            self._encoding = None


def _is_same(one: Track, other: Track) -> bool:
    described = [(track.codec, track.extradata, track.sample_rate) for track in (one, other)]
    return described[0] == described[1]


class _Encoding:
    """The thread that encodes one track, until `close`."""

    def __init__(self, track: Track, encoded: Callable[[Sequence[_Sound]], None]) -> None:
        self._waiting: queue.SimpleQueue[_Sound | None] = queue.SimpleQueue()
        self._encoded = encoded
        self._thread = threading.Thread(target=self._run, args=(track,), name="opus", daemon=True)
        self._thread.start()

    def push(self, sound: _Sound) -> None:
        """Encode a frame; it is lost when too many wait."""
        if self._waiting.qsize() < _MOST_WAITING:
            self._waiting.put(sound)

    def close(self) -> None:
        """Let the thread end by itself; it owns nothing but memory."""
        self._waiting.put(None)

    def _run(self, track: Track) -> None:
        try:
            transcoder = OpusTranscoder(track)
        except (av.FFmpegError, ValueError) as error:
            log.warning("the camera's sound cannot be made Opus: %s", error)
            return
        while (sound := self._waiting.get()) is not None:
            try:
                sounds = list(transcoder.encode(sound))
            except av.FFmpegError as error:
                log.debug("a frame of sound cannot be decoded: %s", error)
                continue
            if sounds:
                self._encoded(sounds)


class OpusTranscoder:
    """Decodes AAC or MP3 and encodes 20 ms Opus frames, mono or stereo. Not thread-safe."""

    def __init__(self, track: Track) -> None:
        """Raises av.FFmpegError, ValueError."""
        context = track.template.codec_context
        channels = min(2, context.channels if isinstance(context, AudioCodecContext) else 1) or 1
        layout = "stereo" if channels == 2 else "mono"
        self._decoder = cast("AudioCodecContext", av.CodecContext.create(track.codec, "r"))
        self._decoder.extradata = track.extradata if track.codec == "aac" else None
        self._decoder.sample_rate = track.sample_rate
        self._encoder = av.CodecContext.create("libopus", "w")
        self._encoder.sample_rate = RATE
        self._encoder.layout = layout
        self._encoder.format = "flt"
        self._encoder.bit_rate = _BITS_PER_CHANNEL * channels
        self._encoder.options = {"application": "lowdelay", "frame_duration": "20", "compression_level": "5"}
        self._resampler = av.AudioResampler("flt", layout, RATE, frame_size=_FRAME_SAMPLES)
        self._next: int | None = None

    def encode(self, sound: _Sound) -> Iterator[_Sound]:
        """Yield the frames that this one completes. Raises av.FFmpegError for what cannot be decoded."""
        packet: CodedPacket = coded_packet(sound.payload)
        for decoded in self._decoder.decode(packet):
            # Samples follow each other without a gap; the camera's times are looked at for large gaps only.
            if self._next is None or sound.timestamp - self._next > _FOLLOWED_GAP:
                self._next = sound.timestamp
            elif self._next - sound.timestamp > _TOO_EARLY:
                continue
            decoded.pts = None
            for frame in self._resampler.resample(decoded):
                yield from self._encode(frame, sound)

    def _encode(self, frame: AudioFrame, sound: _Sound) -> Iterator[_Sound]:
        begins = self._next or 0
        self._next = begins + frame.samples
        frame.pts = begins
        for coded in self._encoder.encode(frame):
            yield _Sound(bytes(coded), begins, sound.captured + (begins - sound.timestamp) / RATE)


OPUS: OutputKind[OpusOutput] = OutputKind("opus", OpusOutput)
"""The kind to hand to `Channel.use`."""
