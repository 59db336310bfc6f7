"""Where and how a stream is recorded."""

from dataclasses import dataclass

from lightnvr.recording.clock import WallClock
from lightnvr.recording.disk import Disk
from lightnvr.recording.finaliser import Finaliser
from lightnvr.recording.layout import DirectoryFormat
from lightnvr.recording.model import CaptureMethod
from lightnvr.recording.open_recordings import OpenRecordings
from lightnvr.recording.storages import Storages


@dataclass(slots=True)
class RecordingPlace:
    """Where and how recordings are kept, the same for all streams.

    `directory_format` may be replaced at any time: the next file is where it says.
    """

    storages: Storages
    disk: Disk
    clock: WallClock
    open_recordings: OpenRecordings
    finaliser: Finaliser
    directory_format: DirectoryFormat
    fragment_duration_us: int


@dataclass(frozen=True, slots=True)
class RecorderSettings:
    """What differs from stream to stream.

    All but the first two may be changed while recording. For another reason another segment is begun with the next
    keyframe: a file says truly why it was made.

    `storage` is the name of a storage, empty for the usual one.
    """

    stream_name: str
    folder: str
    segment_duration_s: float
    capture_method: CaptureMethod = CaptureMethod.CONTINUOUS
    schedule_restricted: bool = False
    storage: str = ""
