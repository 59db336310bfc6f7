"""What a stream's configuration means for the media: the part that a supervisor compares with what runs."""

from dataclasses import dataclass
from typing import Protocol

from lightnvr.media.address import SourceAddress
from lightnvr.media.gop import Since
from lightnvr.media.hub import Hub
from lightnvr.media.source import Source, SourceOptions
from lightnvr.recording.model import CaptureMethod


@dataclass(frozen=True, slots=True)
class ClipPlan:
    """That events are recorded as clips, and in which hours; None is always.

    `pre_s` is how many seconds are kept: what is wanted from before events, and how late one may be told of.
    """

    pre_s: float
    schedule: tuple[bool, ...] | None = None


@dataclass(frozen=True, slots=True)
class RecordingPlan:
    """How a stream is to be recorded, and when.

    `continuous` is whether it is recorded by itself: all the time, or in the hours of `schedule` when it has one.
    `manual` is whether somebody started a recording by hand, which goes on until it is stopped by hand.
    """

    stream_name: str
    folder: str
    segment_duration_s: float
    continuous: bool = True
    schedule: tuple[bool, ...] | None = None
    manual: bool = False
    storage: str = ""
    """Name of the storage that is recorded to, empty for the usual one."""
    clips: ClipPlan | None = None
    """None when events are not recorded."""


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """What should run for one stream. `connect` is false for one that is disabled or private."""

    stream_id: int
    name: str
    connect: bool
    address: SourceAddress
    source: SourceOptions
    recording: RecordingPlan | None
    sub_address: SourceAddress | None = None
    """Where the camera's small stream is; None without one."""

    def needs_reconnect(self, other: "StreamPlan") -> bool:
        """Whether going over to `other` needs a new connection to the camera."""
        return (self.connect, self.address, self.source) != (other.connect, other.address, other.source)


class RunningRecorder(Protocol):
    """A recorder as its supervisor sees it."""

    @property
    def error(self) -> str:
        """Empty, or why nothing can be written at the moment."""
        ...

    @property
    def recording(self) -> bool:
        """Whether a segment is being written."""
        ...

    def change(self, plan: RecordingPlan, why: CaptureMethod) -> None:
        """Go on with another plan or for another reason, without interruption."""
        ...

    def dropped_packets(self) -> int:
        """How many packets the disk was too slow for."""
        ...

    def waiting_packets(self) -> int:
        """How many packets are not written yet."""
        ...

    @property
    def ended_ns(self) -> int | None:
        """When the keyframe came that it ended before, in nanoseconds of the monotonic clock; None before it did."""
        ...

    def end_at_keyframe(self) -> None:
        """Record the GOP to its end, so that what is recorded next can begin without a gap; `stop` is called later."""
        ...

    def go_on(self) -> bool:
        """Take `end_at_keyframe` back. Returns False when it is too late for that."""
        ...

    async def stop(self, timeout_s: float) -> bool:
        """Write what has arrived, end the segment. Returns False when that took longer than this, in seconds."""
        ...


class RecorderFactory(Protocol):
    """Starts recorders; given by the composition root."""

    def __call__(
        self,
        plan: RecordingPlan,
        why: CaptureMethod,
        hub: Hub,
        connection: "ConnectedSource",
        *,
        since: Since,
    ) -> RunningRecorder:
        """Start recording what the hub publishes, and of what it has kept the part that is wanted."""
        ...


class ConnectedSource(Protocol):
    """Where the present source can be asked for."""

    @property
    def source(self) -> Source | None:
        """The source that is connected or connecting now."""
        ...
