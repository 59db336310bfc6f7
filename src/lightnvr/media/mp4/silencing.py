"""Taking the sound out of MP4 without moving anything: every size and every offset stays true.

A box that speaks of sound becomes a `free` box, which players skip (ISO/IEC 14496-12 section 8.1.2), and all media that
is not known to be of a picture becomes zeros. So byte ranges that an index or a playlist names still hold.
"""

import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lightnvr.media.mp4.boxes import Box, MalformedBox, children, first
from lightnvr.media.mp4.track_runs import parse_moof

if TYPE_CHECKING:
    from lightnvr.media.mp4.init_segment import InitSegment

_U32 = struct.Struct(">I")
_MDAT_HEADER = 8


def video_ids(init: "InitSegment") -> frozenset[int]:
    """Return the ids of the tracks that are pictures."""
    return frozenset(track.track_id for track in init.tracks if track.handler == b"vide")


def has_only_pictures(init: "InitSegment") -> bool:
    """Whether there is nothing to be taken out of media with these tracks."""
    return all(track.handler == b"vide" for track in init.tracks)


def silence_moov(content: bytearray, kept: frozenset[int]) -> None:
    """Leave the tracks with these ids in the `moov` among the boxes of `content`, in place. Raises MalformedBox."""
    view = memoryview(content).toreadonly()
    try:
        for moov in list(children(view, 0, len(content))):
            if moov.type == b"moov":
                for part in list(children(view, moov.payload, moov.end)):
                    _silence_part(content, view, part, kept)
    except struct.error as error:
        raise MalformedBox(f"moov: {error}") from error


def _silence_part(content: bytearray, view: memoryview, part: Box, kept: frozenset[int]) -> None:
    if part.type == b"trak":
        tkhd = first(view, part, b"tkhd")
        if _U32.unpack_from(view, tkhd.payload + (20 if view[tkhd.payload] == 1 else 12))[0] not in kept:
            _free(content, part)
    elif part.type == b"mvex":
        for default in list(children(view, part.payload, part.end)):
            if default.type == b"trex" and _U32.unpack_from(view, default.payload + 4)[0] not in kept:
                _free(content, default)
    elif part.type not in (b"mvhd", b"free"):
        # What describes the whole movie may describe its sound too.
        _free(content, part)


def silence_fragment(fragment: bytearray, kept: frozenset[int]) -> None:
    """Leave the runs of the tracks with these ids of a `moof` with its `mdat`, in place. Raises MalformedBox."""
    try:
        size = _U32.unpack_from(fragment)[0]
        if fragment[4:8] != b"moof" or size + _MDAT_HEADER > len(fragment):
            raise MalformedBox("these bytes are not a fragment")
        moof = memoryview(bytes(fragment[:size]))
        places = [(run.data_offset, sum(run.sizes)) for run in parse_moof(moof) if run.track_id in kept]
        for traf in children(moof, 8, size):
            if traf.type != b"mfhd" and not (
                traf.type == b"traf" and _U32.unpack_from(moof, first(moof, traf, b"tfhd").payload + 4)[0] in kept
            ):
                _free(fragment, traf)
    except struct.error as error:
        raise MalformedBox(f"moof: {error}") from error
    keep_only(fragment, size + _MDAT_HEADER, places)


def keep_only(content: bytearray, start: int, places: Iterable[tuple[int, int]]) -> None:
    """Make zeros of everything from `start` on that is in none of these places, each a beginning and a size."""
    at = start
    for begin, size in sorted(places):
        if begin > at:
            content[at:begin] = bytes(min(begin, len(content)) - at)
        at = max(at, begin + size)
    if at < len(content):
        content[at:] = bytes(len(content) - at)


def _free(content: bytearray, box: Box) -> None:
    """Make a `free` box of zeros of a box."""
    content[box.start + 4 : box.start + 8] = b"free"
    content[box.payload : box.end] = bytes(box.end - box.payload)
