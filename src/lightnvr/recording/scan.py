"""Reading a segment's file from the disk: what of it is whole?"""

import struct
from dataclasses import dataclass

from lightnvr.media.mp4.boxes import MalformedBox, read_header
from lightnvr.media.mp4.init_segment import InitSegment
from lightnvr.media.mp4.track_runs import TrackRun, parse_moof
from lightnvr.recording.disk import DiskFile
from lightnvr.recording.segment_file import SWITCH_SIZE, SegmentFile

_SECTOR = bytes(512)
_MOST_HEAD_BYTES = 1 << 20
_MOST_FRAGMENT_BYTES = 1 << 30


class NotOurRecording(ValueError):
    """The file does not begin like a segment of ours."""


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """What a file holds. `finalised` is whether it is an ordinary MP4 already, with nothing left to do."""

    segment: SegmentFile
    finalised: bool
    lost_bytes: int
    """What follows the last whole fragment and cannot be used."""


def scan_segment(file: DiskFile, trusted_bytes: int = 0) -> ScannedFile:
    """Read the heads of all fragments of a file, up to the first that is not whole.

    What lies beyond `trusted_bytes` may not have reached the disk before the power went, so there the media is read
    too: a file system gives zeros for sectors that were never written, and coded video has no such runs of zeros (in
    H.264 and H.265 the emulation prevention byte sees to it). Raises NotOurRecording, OSError.
    """
    size = file.size()
    init, closed_length = _read_head(file, size)
    segment = SegmentFile(file, init)
    end = size if closed_length is None else min(size, closed_length)
    while (found := _read_fragment(file, segment.length, end, trusted_bytes)) is not None:
        fragment_size, runs = found
        known = {track.track_id for track in init.tracks}
        if not runs or any(run.track_id not in known for run in runs):
            break
        segment.note(segment.length, fragment_size, runs)
    finalised = (
        closed_length is not None and segment.length == closed_length and _has_whole_moov(file, closed_length, size)
    )
    return ScannedFile(segment, finalised, 0 if finalised else size - segment.length)


def _read_head(file: DiskFile, size: int) -> tuple[InitSegment, int | None]:
    head = file.read_at(0, min(size, _MOST_HEAD_BYTES))
    try:
        ftyp = read_header(head, 0)
        if ftyp is None or ftyp[0] != b"ftyp":
            raise NotOurRecording("the file does not begin with ftyp")
        switch = read_header(head, ftyp[2])
        if switch is None or switch[0] not in (b"free", b"mdat"):
            raise NotOurRecording("the file was not written by LightNVR")
        at = ftyp[2] + SWITCH_SIZE
        moov = read_header(head, at)
        if moov is None or moov[0] != b"moov" or at + moov[2] > len(head):
            raise NotOurRecording("the file has no init segment")
        init = InitSegment.parse(head[: ftyp[2]] + head[at : at + moov[2]])
    except MalformedBox as error:
        raise NotOurRecording(str(error)) from error
    return init, ftyp[2] + switch[2] if switch[0] == b"mdat" else None


def _read_fragment(file: DiskFile, at: int, end: int, trusted_bytes: int) -> tuple[int, tuple[TrackRun, ...]] | None:
    try:
        moof_size = _size_of(file, at, end, b"moof")
        mdat_size = _size_of(file, at + moof_size, end, b"mdat")
        total = moof_size + mdat_size
        if total > _MOST_FRAGMENT_BYTES:
            return None
        moof = file.read_at(at, moof_size)
        if at + total > trusted_bytes and file.read_at(at, total).find(_SECTOR) != -1:
            return None
        return total, tuple(parse_moof(moof))
    except MalformedBox:
        return None


def _size_of(file: DiskFile, at: int, end: int, kind: bytes) -> int:
    found = read_header(file.read_at(at, 16), 0)
    if found is None or found[0] != kind or at + found[2] > end:
        raise MalformedBox(f"no whole {kind!r} at {at}")
    return found[2]


def _has_whole_moov(file: DiskFile, at: int, size: int) -> bool:
    try:
        return at + _size_of(file, at, size, b"moov") == size
    except (MalformedBox, struct.error):
        return False
