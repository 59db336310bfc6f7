"""Making the `moov` of a clip: tracks that begin where an edit says, of samples from several files."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightnvr.media.late import LateModule
from lightnvr.media.mp4.boxes import Box, box, children, first, full_box
from lightnvr.media.mp4.init_segment import InitSegment
from lightnvr.media.mp4.movie_header import with_duration
from lightnvr.media.mp4.sample_columns import Bools, Int64s

if TYPE_CHECKING:
    import numpy as np
else:
    np = LateModule("numpy")


@dataclass(frozen=True, slots=True)
class Edit:
    """What of a track is shown, in order (ISO/IEC 14496-12 section 8.6.6).

    `duration` is in the movie's time scale, `media_time` in the track's; -1 shows nothing for that long.
    """

    duration: int
    media_time: int


@dataclass(frozen=True, slots=True)
class ClipTrack:
    """One track of a clip. `template` is an init segment that holds the track with id `template_id`.

    Times are in the track's time scale. `chunk_samples`, `chunk_offsets` and `chunk_entries` have one member for each
    chunk: how many samples it has, where it lies, counted from the first byte of media, and which of `entries`, whole
    sample entries as they stand in `stsd`, describes it, from 0 on.
    """

    template: InitSegment
    template_id: int
    entries: Sequence[bytes]
    edits: Sequence[Edit]
    durations: Int64s
    composition_offsets: Int64s
    sizes: Int64s
    syncs: Bools
    chunk_samples: Int64s
    chunk_offsets: Int64s
    chunk_entries: Int64s


def sample_entry(init: InitSegment, track_id: int) -> bytes:
    """Return the first sample entry of a track, with its header. Raises MalformedBox."""
    content = init.content
    stbl = first(content, _minf(content, _trak(content, track_id)), b"stbl")
    stsd = first(content, stbl, b"stsd")
    entry = next(children(content, stsd.payload + 8, stsd.end))
    return content[entry.start : entry.end]


def clip_moov(tracks: Sequence[ClipTrack], timescale: int, media_at: int) -> bytes:
    """Return the `moov`; `timescale` is the movie's, `media_at` the offset of the first byte of media in the file.

    The size does not depend on `media_at`. The first track's template gives the movie header.
    """
    content = tracks[0].template.content
    moov = _moov(content)
    mvhd = first(content, moov, b"mvhd")
    longest = max(sum(edit.duration for edit in track.edits) for track in tracks)
    header = bytearray(with_duration(content, mvhd, longest, wide_at=24, narrow_at=16, timescale=timescale))
    struct.pack_into(">I", header, len(header) - 4, len(tracks) + 1)
    traks = [_build_trak(track, number + 1, media_at) for number, track in enumerate(tracks)]
    return box(b"moov", bytes(header), *traks)


def _moov(content: bytes) -> Box:
    return next(found for found in children(content, 0, len(content)) if found.type == b"moov")


def _trak(content: bytes, track_id: int) -> Box:
    moov = _moov(content)
    for trak in children(content, moov.payload, moov.end):
        if trak.type == b"trak" and _id(content, first(content, trak, b"tkhd")) == track_id:
            return trak
    raise LookupError(f"the init segment has no track {track_id}")


def _minf(content: bytes, trak: Box) -> Box:
    return first(content, first(content, trak, b"mdia"), b"minf")


def _id_at(content: bytes, tkhd: Box) -> int:
    return tkhd.payload + (20 if content[tkhd.payload] == 1 else 12)


def _id(content: bytes, tkhd: Box) -> int:
    return int(struct.unpack_from(">I", content, _id_at(content, tkhd))[0])


def _build_trak(track: ClipTrack, track_id: int, media_at: int) -> bytes:
    content = track.template.content
    trak = _trak(content, track.template_id)
    parts: list[bytes] = []
    for child in children(content, trak.payload, trak.end):
        if child.type == b"tkhd":
            shown = sum(edit.duration for edit in track.edits)
            tkhd = bytearray(with_duration(content, child, shown, wide_at=28, narrow_at=20, timescale=None))
            struct.pack_into(">I", tkhd, _id_at(content, child) - child.start, track_id)
            parts += (bytes(tkhd), _edit_list(track.edits))
        elif child.type == b"mdia":
            parts.append(_build_mdia(track, child, media_at))
        elif child.type != b"edts":
            parts.append(content[child.start : child.end])
    return box(b"trak", *parts)


def _edit_list(edits: Sequence[Edit]) -> bytes:
    entries = b"".join(struct.pack(">QqI", edit.duration, edit.media_time, 0x10000) for edit in edits)
    return box(b"edts", full_box(b"elst", 1, 0, struct.pack(">I", len(edits)), entries))


def _build_mdia(track: ClipTrack, mdia: Box, media_at: int) -> bytes:
    content = track.template.content
    parts: list[bytes] = []
    for child in children(content, mdia.payload, mdia.end):
        if child.type == b"mdhd":
            length = int(track.durations.sum())
            parts.append(with_duration(content, child, length, wide_at=24, narrow_at=16, timescale=None))
        elif child.type == b"minf":
            parts.append(_build_minf(track, child, media_at))
        else:
            parts.append(content[child.start : child.end])
    return box(b"mdia", *parts)


def _build_minf(track: ClipTrack, minf: Box, media_at: int) -> bytes:
    content = track.template.content
    return box(
        b"minf",
        *(
            _build_stbl(track, media_at) if child.type == b"stbl" else content[child.start : child.end]
            for child in children(content, minf.payload, minf.end)
        ),
    )


def _build_stbl(track: ClipTrack, media_at: int) -> bytes:
    tables = [
        full_box(b"stsd", 0, 0, struct.pack(">I", len(track.entries)), *track.entries),
        full_box(b"stts", 0, 0, _run_lengths(track.durations)),
    ]
    if track.composition_offsets.any():
        tables.append(full_box(b"ctts", 1, 0, _run_lengths(track.composition_offsets)))
    if not track.syncs.all():
        tables.append(full_box(b"stss", 0, 0, _table(np.flatnonzero(track.syncs) + 1)))
    tables += (
        full_box(b"stsc", 0, 0, _chunk_table(track)),
        full_box(b"stsz", 0, 0, struct.pack(">I", 0), _table(track.sizes)),
        full_box(b"co64", 0, 0, _table(track.chunk_offsets + media_at, ">u8")),
    )
    return box(b"stbl", *tables)


def _table(values: Int64s, kind: str = ">u4") -> bytes:
    return struct.pack(">I", len(values)) + values.astype(kind).tobytes()


def _run_lengths(values: Int64s) -> bytes:
    begins = _changes(values)
    pairs = np.column_stack((np.diff(np.append(begins, len(values))), values[begins]))
    return struct.pack(">I", len(pairs)) + pairs.astype(">i4").tobytes()


def _chunk_table(track: ClipTrack) -> bytes:
    begins = np.union1d(_changes(track.chunk_samples), _changes(track.chunk_entries))
    rows = np.column_stack((begins + 1, track.chunk_samples[begins], track.chunk_entries[begins] + 1))
    return struct.pack(">I", len(rows)) + rows.astype(">u4").tobytes()


def _changes(values: Int64s) -> Int64s:
    """Return the indexes of the values that differ from the one before, the first among them."""
    return np.concatenate(([0], np.flatnonzero(np.diff(values)) + 1))
