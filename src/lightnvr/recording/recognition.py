"""Telling from a file alone which recording it is."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from lightnvr.recording.disk import DiskFile
from lightnvr.recording.identity import Identity, read_end, read_identity
from lightnvr.recording.layout import start_from_name
from lightnvr.recording.model import CaptureMethod
from lightnvr.recording.open_recordings import OpenRecording, Progress, RecordingFacts
from lightnvr.recording.scan import NotOurRecording, ScannedFile, scan_segment
from lightnvr.recording.storage import Storage

_CODECS = {b"avc1": "h264", b"avc3": "h264", b"hev1": "hevc", b"hvc1": "hevc", b"av01": "av1"}


@dataclass(frozen=True, slots=True)
class Recognised:
    """A recording as its file tells it: `opened` has its facts, its index and its end."""

    opened: OpenRecording
    scanned: ScannedFile


def recognise(file: DiskFile, storage: Storage, path: PurePosixPath, stream_name: str) -> Recognised:
    """Return the recording that a file of ours holds, `path` below the root of `storage`.

    The file says whose it is and when it began. One that does not, because an earlier version made it, is of
    `stream_name` and began in the second that its name tells. Raises NotOurRecording, MalformedBox, OSError.
    """
    scanned = scan_segment(file)
    segment = scanned.segment
    video = segment.init.video
    identity = read_identity(segment.init) or _from_name(path, stream_name)
    facts = RecordingFacts(
        stream_name=identity.stream_name,
        storage=storage,
        path=path,
        start_us=identity.start_us,
        codec=_CODECS.get(video.sample_entry, "mjpeg"),
        width=video.width,
        height=video.height,
        fps=identity.fps,
        capture_method=identity.capture_method,
        schedule_restricted=identity.schedule_restricted,
    )
    opened = OpenRecording(facts, segment)
    end_us = facts.start_us + segment.media_end_us
    if scanned.finalised:
        end_us = read_end(file, file.size(), facts.start_us, segment.media_end_us)
    opened.progress = Progress(end_us, segment.length)
    return Recognised(opened, scanned)


def _from_name(path: PurePosixPath, stream_name: str) -> Identity:
    start_us = start_from_name(path.name)
    if start_us is None:
        raise NotOurRecording("neither the file nor its name tells when it began")
    method = CaptureMethod.DETECTION if path.name.startswith("detection_") else CaptureMethod.CONTINUOUS
    return Identity(stream_name, start_us, method, schedule_restricted=False, fps=0.0)
