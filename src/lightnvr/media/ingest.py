"""From FFmpeg's packets to ours: one small class for each kind of track, with the quirks of cameras in it."""

import io
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Protocol

import av
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from lightnvr.media.audio import (
    COPIED,
    TRANSCODED,
    AacTranscoder,
    adts_header_size,
    audio_specific_config,
    opus_head,
)
from lightnvr.media.errors import CameraError, Fault
from lightnvr.media.jpeg import jpeg_size
from lightnvr.media.packets import CodedPacket, MediaPacket, Track, coded_packet
from lightnvr.media.parameter_sets import (
    in_band_parameter_sets,
    is_complete,
    other_codec,
    picture_size,
    sequence_sets,
)
from lightnvr.media.timestamps import Around, ArrivalClock, Present, TrackClock

VIDEO_CODECS = frozenset(("h264", "hevc", "av1", "mjpeg"))
UNKNOWN_VIDEO = "The camera sends video of an unknown kind: choose H.264, H.265, AV1 or MJPEG."
_MOST_AUDIO_FAILURES = 50

_ARRIVAL_TIME_BASE = Fraction(1, 90_000)


class VideoIngest:
    """The video of one connection.

    `track` is None until a keyframe came that can be decoded; `on_track` is called with each new Track before its
    first packet. Not thread-safe.
    """

    def __init__(self, stream: VideoStream, on_track: Callable[[Track], None], *, timed: bool = True) -> None:
        """`timed` is whether packets carry times. Raises CameraError when the codec is none that is recorded."""
        codec = stream.codec_context.codec.canonical_name
        if codec not in VIDEO_CODECS:
            raise CameraError(
                Fault.UNSUPPORTED,
                f"The camera sends {codec}, which is not recorded: choose H.264, H.265, AV1 or MJPEG.",
            )
        container = av.open(io.BytesIO(), "w", format="mp4")
        template = container.add_stream_from_template(stream, opaque=True)
        self._draft = Track(
            index=stream.index,
            kind="video",
            codec=codec,
            time_base=_time_base(stream) if timed else _ARRIVAL_TIME_BASE,
            template=template,
            extradata=bytes(stream.codec_context.extradata or b""),
            width=stream.codec_context.width,
            height=stream.codec_context.height,
            container=container,
        )
        self._clock = TrackClock(self._draft.time_base)
        self._nominal_step = round(_time_base(stream) / _ARRIVAL_TIME_BASE)
        self._arrivals = None if timed else ArrivalClock(_ARRIVAL_TIME_BASE, self._nominal_step)
        self._on_track = on_track
        self._sequence = b""
        self.track: Track | None = None

    @property
    def jumps(self) -> int:
        """How often the camera's clock was set."""
        return self._clock.jumps

    def present(self, moment_ns: int) -> Present | None:
        """Return the time that the pictures have at a moment of the monotonic clock; None when nothing tells."""
        return self._clock.present(moment_ns)

    def accept(self, packet: CodedPacket, arrival_ns: int) -> MediaPacket | None:
        """Return the packet to publish, or None while nothing can be decoded yet.

        Raises CameraError when the camera has changed to another codec: it has to be opened anew.
        """
        keyframe = packet.is_keyframe
        if keyframe:
            self._look_for_changes(packet)
        track = self.track
        if track is None:
            return None
        if self._arrivals is not None:
            dts = self._arrivals.place(arrival_ns)
            return MediaPacket(track, packet, dts, dts, self._nominal_step, keyframe, arrival_ns, packet.size)
        dts, pts = self._clock.place(packet.dts, packet.pts, arrival_ns)
        return MediaPacket(track, packet, dts, pts, packet.duration or 0, keyframe, arrival_ns, packet.size)

    def _look_for_changes(self, packet: CodedPacket) -> None:
        codec = self._draft.codec
        if codec == "mjpeg" and self.track is not None:
            self._look_at_size(packet, self.track)
            return
        extradata = in_band_parameter_sets(codec, packet)
        if not (extradata and is_complete(codec, extradata)) and (other := other_codec(codec, packet)):
            raise CameraError(Fault.ENDED, f"The camera changed from {codec} to {other}.")
        if extradata and not is_complete(codec, extradata):
            extradata = b""
        if not extradata and packet.has_sidedata("new_extradata"):
            extradata = bytes(packet.get_sidedata("new_extradata"))
        if self.track is None:
            self._begin(packet, extradata)
            return
        # Only a new sequence counts: cameras that alternate picture parameter sets must not get a file each.
        if extradata and (sequence := sequence_sets(codec, extradata)) != self._sequence:
            self._sequence = sequence
            width, height = picture_size(codec, extradata, packet)
            self._announce(replace(self.track, extradata=extradata, width=width or 1, height=height or 1))

    def _look_at_size(self, packet: CodedPacket, track: Track) -> None:
        # JPEG has no parameter sets: each picture tells its size.
        width, height = jpeg_size(memoryview(packet))
        if width and height and (width, height) != (track.width, track.height):
            self._announce(replace(track, width=width, height=height))

    def _begin(self, packet: CodedPacket, extradata: bytes) -> None:
        draft = replace(self._draft, extradata=extradata or self._draft.extradata)
        if draft.codec in ("h264", "hevc") and not draft.extradata:
            return
        if not draft.width or not draft.height:
            width, height = picture_size(draft.codec, draft.extradata, packet)
            if not width:
                return
            draft = replace(draft, width=width, height=height)
        self._sequence = sequence_sets(draft.codec, extradata) if extradata else b""
        if not self._sequence:
            self._sequence = sequence_sets(draft.codec, draft.extradata)
        self._announce(draft)

    def _announce(self, track: Track) -> None:
        self.track = track
        self._on_track(track)


class AudioIngest(Protocol):
    """The audio of one connection: a track, and what to publish for each packet."""

    track: Track

    def accept(self, packet: CodedPacket, arrival_ns: int) -> Iterator[MediaPacket]:
        """Yield the packets to publish. Raises av.FFmpegError for audio that cannot be used."""
        ...


class CopiedAudio:
    """AAC, Opus and MP3, as they come."""

    def __init__(self, stream: AudioStream, around: Around | None = None) -> None:
        """Raises ValueError when too little is known to write it."""
        context = stream.codec_context
        codec = context.codec.canonical_name
        if not context.sample_rate:
            raise ValueError("the camera does not say the sample rate of its audio")
        extradata = bytes(context.extradata or b"")
        if codec == "opus" and not extradata.startswith(b"OpusHead"):
            extradata = opus_head(context.channels)
        container = av.open(io.BytesIO(), "w", format="mp4")
        template = container.add_stream_from_template(stream, opaque=True)
        self.track = Track(
            index=stream.index,
            kind="audio",
            codec=codec,
            time_base=_time_base(stream),
            template=template,
            extradata=extradata or _implied_config(codec, context.sample_rate, context.channels),
            sample_rate=context.sample_rate,
            container=container,
        )
        # A step must not vanish when FFmpeg counts in samples, as its MP4 muxer does.
        self._clock = TrackClock(
            self.track.time_base, math.ceil(1 / (context.sample_rate * self.track.time_base)), around
        )
        self._may_be_adts = codec == "aac"

    def accept(self, packet: CodedPacket, arrival_ns: int) -> Iterator[MediaPacket]:
        """Yield the packet itself, without its ADTS header where it has one."""
        payload: CodedPacket = packet
        if self._may_be_adts and (header := adts_header_size(memoryview(packet)[:9])):
            payload = coded_packet(memoryview(packet)[header:])
        dts, pts = self._clock.place(packet.dts, packet.pts, arrival_ns)
        yield MediaPacket(self.track, payload, dts, pts, packet.duration or 0, True, arrival_ns, payload.size)


class TranscodedAudio:
    """G.711, G.722, G.726 and PCM, made AAC."""

    def __init__(self, stream: AudioStream, around: Around | None = None) -> None:
        self._transcoder = AacTranscoder(stream)
        self._source_time_base = stream.time_base
        self._clock = TrackClock(stream.time_base or self._transcoder.time_base, around=around)
        self.track = Track(
            index=stream.index,
            kind="audio",
            codec="aac",
            time_base=self._transcoder.time_base,
            template=self._transcoder.template,
            extradata=self._transcoder.extradata,
            sample_rate=self._transcoder.sample_rate,
            container=self._transcoder,
        )

    def accept(self, packet: CodedPacket, arrival_ns: int) -> Iterator[MediaPacket]:
        """Yield the AAC frames that this packet completes."""
        dts, _ = self._clock.place(packet.dts, packet.pts, arrival_ns)
        begins = round(dts * (self._source_time_base or self.track.time_base) / self.track.time_base)
        for coded in self._transcoder.encode(packet, begins):
            yield MediaPacket(
                self.track, coded.payload, coded.pts, coded.pts, coded.duration, True, arrival_ns, coded.payload.size
            )


class GuardedAudio:
    """Keeps audio from ever costing the video: what fails is counted, and after too much of it audio is given up."""

    def __init__(self, ingest: AudioIngest) -> None:
        self._ingest = ingest
        self._failures_in_a_row = 0
        self.failures = 0
        self.track = ingest.track

    @property
    def given_up(self) -> bool:
        """Whether this audio is beyond use."""
        return self._failures_in_a_row >= _MOST_AUDIO_FAILURES

    def accept(self, packet: CodedPacket, arrival_ns: int) -> list[MediaPacket]:
        """Return the packets to publish, none when the audio is broken."""
        if self.given_up:
            return []
        try:
            packets = list(self._ingest.accept(packet, arrival_ns))
        except (av.FFmpegError, ValueError):
            self.failures += 1
            self._failures_in_a_row += 1
            return []
        if packets:
            self._failures_in_a_row = 0
        return packets


def audio_ingest(stream: AudioStream, around: Around | None = None) -> GuardedAudio | None:
    """Return what handles this audio, None when it is of no kind that can be recorded.

    `around` tells of the pictures; see TrackClock.
    """
    codec = stream.codec_context.codec.canonical_name
    try:
        if codec in COPIED:
            return GuardedAudio(CopiedAudio(stream, around))
        if codec in TRANSCODED or codec.startswith("pcm_"):
            return GuardedAudio(TranscodedAudio(stream, around))
    except (av.FFmpegError, ValueError):
        return None
    return None


def _implied_config(codec: str, sample_rate: int, channels: int) -> bytes:
    if codec != "aac":
        return b""
    rates = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
    index = rates.index(sample_rate)
    return audio_specific_config(
        memoryview(bytes((0xFF, 0xF1, 1 << 6 | index << 2 | channels >> 2 & 1, (channels & 3) << 6)))
    )


def _time_base(stream: VideoStream | AudioStream) -> Fraction:
    if stream.time_base is None:
        raise ValueError("the stream has no time base")
    return stream.time_base
