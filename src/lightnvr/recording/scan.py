"""Reading a segment's file from the disk: what of it is whole?"""

import struct
from dataclasses import dataclass

from lightnvr.media.mp4.boxes import MalformedBox, read_header
from lightnvr.media.mp4.init_segment import InitSegment
from lightnvr.media.mp4.track_runs import TrackRun, parse_moof
from lightnvr.recording.disk import DiskFile
from lightnvr.recording.segment_file import SWITCH_SIZE, SegmentFile

_SECTOR_BYTES = 512
_SECTOR = bytes(_SECTOR_BYTES)
_MOST_HEAD_BYTES = 1 << 20
_MOST_FRAGMENT_BYTES = 1 << 30
_MOST_BACK_S = 10
_MOST_AHEAD_S = 24 * 3600


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
    H.264 and H.265 the emulation prevention byte sees to it). A file that was closed was synced before it became an
    ordinary MP4, so it is trusted. Raises NotOurRecording, OSError.
    """
    size = file.size()
    init, closed_length = _read_head(file, size)
    segment = SegmentFile(file, init)
    end = size if closed_length is None else min(size, closed_length)
    if closed_length is not None:
        trusted_bytes = size
    while (found := _read_fragment(file, segment.length, end, trusted_bytes)) is not None:
        fragment_size, runs = found
        if not runs or not all(_is_plausible(segment, fragment_size, run) for run in runs):
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
        if at + total > trusted_bytes and _has_hole(file, at, at + total):
            return None
        return total, tuple(parse_moof(moof))
    except MalformedBox:
        return None


def _has_hole(file: DiskFile, start: int, end: int) -> bool:
    # Whole sectors: the one in which the fragment ends tells more when what follows is looked at too. What begins in
    # the first sector is the box header, which has been read.
    first = (start // _SECTOR_BYTES + 1) * _SECTOR_BYTES
    content = file.read_at(first, -(-end // _SECTOR_BYTES) * _SECTOR_BYTES - first) if first < end else b""
    content += bytes(-len(content) % _SECTOR_BYTES)
    return any(content.startswith(_SECTOR, at) for at in range(0, len(content), _SECTOR_BYTES))


def _is_plausible(segment: SegmentFile, size: int, run: TrackRun) -> bool:
    # A box that was overwritten in part may still look like one.
    track = segment.table.tracks.get(run.track_id)
    if track is None or run.data_offset < 0 or run.data_offset + sum(run.sizes) > size:
        return False
    ticks = run.decode_time - track.first_decode_time - track.duration
    return -_MOST_BACK_S <= ticks / track.timescale <= _MOST_AHEAD_S and run.duration <= 3600 * track.timescale


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
