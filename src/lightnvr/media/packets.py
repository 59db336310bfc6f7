"""What passes from a source to its consumers."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple, TypeAlias, cast

import av
from av.packet import Packet
from av.stream import Stream

CodedPacket: TypeAlias = "Packet[Stream]"
"""A packet of FFmpeg, of whatever stream."""

TrackKind = Literal["video", "audio"]


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One elementary stream of a camera, as a muxer needs it.

    `template` carries FFmpeg's codec parameters and belongs to a container that is never written, so it outlives the
    connection to the camera. `extradata` (parameter sets, AudioSpecificConfig...) and the size in pixels are those in
    force now: when a camera changes them in mid-stream it gets a new Track.
    """

    index: int
    kind: TrackKind
    codec: str
    time_base: Fraction
    template: Stream
    extradata: bytes
    width: int = 0
    height: int = 0
    sample_rate: int = 0
    container: object = None
    """Keeps the container of `template` alive."""


class MediaPacket(NamedTuple):
    """One coded frame. Never changed after it was published, so that any number of consumers can share it.

    `dts`, `pts` and `duration` are in the track's time base, `dts` grows strictly within a track for as long as the
    source lives. `arrival_ns` is the monotonic clock, in nanoseconds, when it came from the camera.
    """

    track: Track
    payload: CodedPacket
    dts: int
    pts: int
    duration: int
    is_keyframe: bool
    arrival_ns: int
    size: int

    @property
    def time(self) -> Fraction:
        """The dts in seconds."""
        return self.dts * self.track.time_base


class TracksChanged(NamedTuple):
    """What follows is coded with these tracks: a muxer has to begin a new file with the next keyframe."""

    tracks: tuple[Track, ...]


def without_sound(tracks: tuple[Track, ...]) -> tuple[Track, ...]:
    """Return those of these tracks that are pictures."""
    return tuple(track for track in tracks if track.kind == "video")


def coded_packet(content: "CodedPacket | memoryview | bytes") -> CodedPacket:
    """Return a new packet that shares these bytes, without timestamps.

    PyAV takes any buffer and copies nothing; its type stub knows only bytes.
    """
    return av.Packet(cast("bytes", content))


MediaItem = MediaPacket | TracksChanged
