"""What a recording says of itself inside its file, so that its row can be made again when the database is lost.

Two boxes of the type `uuid` (ISO/IEC 14496-12 section 11.1), which players pass over: one at the end of the `moov` at
the front, written with the head of the file, and one at the very end of the file, written when it is closed.
"""

import json
import struct
from dataclasses import dataclass

from lightnvr.media.mp4.boxes import box, children
from lightnvr.media.mp4.init_segment import InitSegment
from lightnvr.recording.disk import DiskFile
from lightnvr.recording.model import CaptureMethod

IDENTITY = bytes.fromhex("7a1b9c3e5d2f4e86a0c48f6d10b3e257")
"""The type of the box that says whose recording it is and when it began."""

_END = bytes.fromhex("7a1b9c3e5d2f4e86a0c48f6d10b3e258")
_END_SIZE = 8 + 16 + 8
_LONGEST_NAME = 64
_LATEST_US = 2**53
_MOST_FPS = 1000.0


@dataclass(frozen=True, slots=True)
class Identity:
    """What cannot be told from the media: whose recording it is, when it began, why it was made.

    `start_us` is in microseconds since 1970 UTC.
    """

    stream_name: str
    start_us: int
    capture_method: CaptureMethod
    schedule_restricted: bool
    fps: float


def with_identity(init: InitSegment, identity: Identity) -> InitSegment:
    """Return the init segment with this in it. Raises MalformedBox."""
    content = init.content
    moov = next(found for found in children(content, 0, len(content)) if found.type == b"moov")
    told = {
        "stream": identity.stream_name,
        "start_us": identity.start_us,
        "method": identity.capture_method.value,
        "scheduled": identity.schedule_restricted,
        "fps": identity.fps,
    }
    added = box(b"uuid", IDENTITY, json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode())
    whole = box(b"moov", content[moov.payload : moov.end], added)
    return InitSegment(content[: moov.start] + whole + content[moov.end :], init.tracks)


def read_identity(init: InitSegment) -> Identity | None:
    """Return what an init segment says; None when it says nothing, or nothing that can be true.

    Raises MalformedBox.
    """
    content = init.content
    for outer in children(content, 0, len(content)):
        if outer.type != b"moov":
            continue
        for found in children(content, outer.payload, outer.end):
            if found.type == b"uuid" and content[found.payload : found.payload + 16] == IDENTITY:
                return _parse(content[found.payload + 16 : found.end])
    return None


def end_box(end_us: int) -> bytes:
    """Return the box that says when a recording ended, the last one of a closed file."""
    return box(b"uuid", _END, struct.pack(">Q", end_us))


def read_end(file: DiskFile, size: int, start_us: int, media_end_us: int) -> int:
    """Return when the recording in a closed file of this size ended.

    It is `media_end_us` after `start_us` unless the file says that it was earlier. Raises OSError.
    """
    latest_us = start_us + media_end_us
    last = file.read_at(max(0, size - _END_SIZE), _END_SIZE)
    if last[:24] != struct.pack(">I4s", _END_SIZE, b"uuid") + _END:
        return latest_us
    end_us = int(struct.unpack_from(">Q", last, 24)[0])
    return end_us if start_us <= end_us <= latest_us else latest_us


def _parse(content: bytes) -> Identity | None:
    # A file may come from anywhere: what it says must not do harm.
    try:
        told: dict[str, object] = json.loads(content)
        name, start_us, method = told["stream"], told["start_us"], CaptureMethod(str(told["method"]))
        is_scheduled, fps = told["scheduled"] is True, told["fps"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME or not name.isprintable() or "/" in name:
        return None
    if not isinstance(start_us, int) or not 0 < start_us < _LATEST_US:
        return None
    if not isinstance(fps, int | float) or not 0 <= fps <= _MOST_FPS:
        return None
    return Identity(name, start_us, method, is_scheduled, float(fps))
