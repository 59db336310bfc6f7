"""What a stream is doing at this moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lightnvr.media.errors import Fault
from lightnvr.recording.model import CaptureMethod


class StreamState(StrEnum):
    """The state of a stream's connection to its camera, as it really is."""

    CONNECTED = "connected"
    CONNECTING = "connecting"
    RECONNECTING = "reconnecting"
    ERROR = "error"
    STOPPED = "stopped"


class RecordingState(StrEnum):
    """Whether what arrives from the camera reaches the disk."""

    OFF = "off"
    WAITING = "waiting"
    RECORDING = "recording"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """A snapshot of one stream. Times are seconds since 1970 UTC; rates are measured over the last seconds.

    `last_error` and `recording_error` are sentences a person can act on, without credentials, or empty. Codec names are
    FFmpeg's (`h264`, `hevc`, `av1`, `mjpeg`; `aac`, `pcm_alaw`); sizes and rates are 0 until they are known.
    """

    state: StreamState = StreamState.STOPPED
    last_error: str = ""
    connected_since: float | None = None
    last_packet_at: float | None = None
    reconnects: int = 0
    codec: str = ""
    audio_codec: str = ""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    bitrate_bps: int = 0
    keyframe_interval_s: float = 0.0
    recording: RecordingState = RecordingState.OFF
    recording_error: str = ""
    dropped_packets: int = 0
    frames: int = 0
    """Pictures that came since the camera was set up like this, or the start."""
    connect_s: float = 0.0
    """Seconds from connecting to the first picture, the last time."""
    faults: Mapping[Fault, int] = field(default_factory=dict)
    """How often it could not be connected to or was lost, and why."""
    waiting_packets: int = 0
    """What the recorder has not written yet."""
    kept_bytes: int = 0
    """What is kept in memory of what came lately, for the beginning of clips and of live view."""
    shortened: int = 0
    """How many GOPs were kept for a shorter time than clips need, because there were too many bytes."""
    recording_why: CaptureMethod | None = None
    """Why it is to be recorded at this moment; None when it is not."""
