"""Reading an ordinary MP4 of another program: its tracks as sample columns, and an init segment for fragments of it."""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from lightnvr.media.late import LateModule
from lightnvr.media.mp4.boxes import Box, MalformedBox, box, children, first, full_box, read_header
from lightnvr.media.mp4.init_segment import InitSegment
from lightnvr.media.mp4.movie_header import with_duration
from lightnvr.media.mp4.sample_columns import SampleColumns, columns_of_moov
from lightnvr.media.mp4.sample_entry import without_rates

if TYPE_CHECKING:
    import numpy as np
else:
    np = LateModule("numpy")

_MOST_MOOV_BYTES = 256 * 1024 * 1024
_MOST_BOXES = 10_000
_MOST_S = 7 * 86_400
_FTYP = box(b"ftyp", b"iso5", struct.pack(">I", 512), b"iso5iso6mp41")
_EMPTY_TABLES = (
    full_box(b"stts", 0, 0, bytes(4))
    + full_box(b"stsc", 0, 0, bytes(4))
    + full_box(b"stsz", 0, 0, bytes(8))
    + full_box(b"stco", 0, 0, bytes(4))
)


class NoMovie(MalformedBox):
    """The file is no MP4 that can be played; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class PlainMovie:
    """The video of an ordinary MP4, and its sound when it has any.

    What an edit list cuts off or delays is worked into the times, so that pictures and sound belong together. `init`
    describes fragments of these two tracks.
    """

    init: InitSegment
    video: SampleColumns
    audio: SampleColumns | None

    @property
    def tracks(self) -> tuple[SampleColumns, ...]:
        """The video, then the sound."""
        return (self.video,) if self.audio is None else (self.video, self.audio)


def read_plain_movie(descriptor: int) -> PlainMovie:
    """Read the `moov` of a file, wherever it stands. Blocks. Raises NoMovie, OSError."""
    size = os.fstat(descriptor).st_size
    moov = _read_moov(descriptor)
    try:
        whole = InitSegment.parse(moov)
        columns = [each for each in columns_of_moov(whole, moov) if len(each)]
        traks = {_track_id(moov, trak): trak for trak in _traks(moov)}
        video = next((each for each in columns if each.header.handler == b"vide"), None)
        audio = next((each for each in columns if each.header.handler == b"soun"), None)
        if video is None:
            raise NoMovie("it holds no picture")
        chosen = [each for each in (video, audio) if each is not None]
        init = InitSegment.parse(_FTYP + _init_moov(moov, [traks[each.header.track_id] for each in chosen]))
        skipped = _skipped(moov, traks[video.header.track_id])
        # A decode time cannot be negative: then all of it is shown so much later.
        later = max(0, skipped - int(video.decode_times[0]))
        heard = None
        if audio is not None:
            later_heard = later * audio.header.timescale // video.header.timescale
            heard = _heard(audio, later_heard - _skipped(moov, traks[audio.header.track_id]))
        movie = PlainMovie(init, _moved(video, later - skipped), heard)
        _check(movie, size)
        return movie
    except NoMovie:
        raise
    except (MalformedBox, struct.error, StopIteration, ValueError, IndexError, KeyError, OverflowError) as error:
        raise NoMovie("its index is damaged") from error


class TopBox(NamedTuple):
    """A box of a file itself: its header at `start`, its content from `payload` to before `end`."""

    kind: bytes
    start: int
    payload: int
    end: int


def top_boxes(descriptor: int) -> tuple[TopBox, ...]:
    """Return the boxes of a file in order; there is a `moov` among them. Blocks. Raises NoMovie, OSError."""
    size = os.fstat(descriptor).st_size
    boxes = tuple(_top_boxes(descriptor, size))
    if not any(found.kind == b"moov" for found in boxes):
        raise NoMovie("it has no index: it was being written when the recorder stopped")
    return boxes


def _top_boxes(descriptor: int, size: int) -> Iterator[TopBox]:
    at = 0
    for _ in range(_MOST_BOXES):
        head = os.pread(descriptor, 16, at)
        if len(head) < 8:
            break
        if not at and head[4:8] not in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"):
            raise NoMovie("it is no MP4")
        # A size of zero means up to the end of the file (ISO/IEC 14496-12 section 4.2).
        to_the_end = head[:4] == bytes(4)
        if to_the_end:
            head = struct.pack(">I4sQ", 1, head[4:8], size - at)
        found = read_header(head, 0)
        if found is None:
            break
        kind, header, length = found
        if kind == b"moov" and (at + length > size or length > _MOST_MOOV_BYTES):
            raise NoMovie("its index is cut off")
        yield TopBox(kind, at, at + (8 if to_the_end else header), at + length)
        at += length


def _read_moov(descriptor: int) -> bytes:
    found = next(each for each in top_boxes(descriptor) if each.kind == b"moov")
    return os.pread(descriptor, found.end - found.start, found.start)


def _traks(moov: bytes) -> Iterator[Box]:
    whole = next(found for found in children(moov, 0, len(moov)) if found.type == b"moov")
    for found in children(moov, whole.payload, whole.end):
        if found.type == b"trak":
            yield found


def _track_id(moov: bytes, trak: Box) -> int:
    tkhd = first(moov, trak, b"tkhd")
    return int(struct.unpack_from(">I", moov, tkhd.payload + (20 if moov[tkhd.payload] == 1 else 12))[0])


def _skipped(moov: bytes, trak: Box) -> int:
    """Return how much of a track's beginning is not shown, in its time scale (section 8.6.6)."""
    for edts in children(moov, trak.payload, trak.end):
        if edts.type != b"edts":
            continue
        elst = first(moov, edts, b"elst")
        layout = struct.Struct(">QqI" if moov[elst.payload] == 1 else ">IiI")
        for at in range(elst.payload + 8, elst.end - layout.size + 1, layout.size):
            media_time = int(layout.unpack_from(moov, at)[1])
            if media_time >= 0:
                return media_time
    return 0


def _check(movie: PlainMovie, size: int) -> None:
    """Raise NoMovie when the samples are not in the file, or have times that a fragment cannot hold."""
    for track in movie.tracks:
        if int((track.offsets + track.sizes).max()) > size or int(track.offsets.min()) < 0:
            raise NoMovie("it is cut off")
        lasts = np.diff(np.append(track.decode_times, track.end))
        least, most = int(track.composition_offsets.min()), int(track.composition_offsets.max())
        is_possible = 0 <= int(track.decode_times[0]) <= track.end <= _MOST_S * track.header.timescale
        if not is_possible or int(lasts.min()) < 0 or int(lasts.max()) >= 2**32 or least < -(2**31) or most >= 2**31:
            raise NoMovie("its times are damaged")


def _moved(track: SampleColumns, ticks: int) -> SampleColumns:
    return replace(track, decode_times=track.decode_times + ticks, end=track.end + ticks) if ticks else track


def _heard(audio: SampleColumns, ticks: int) -> SampleColumns | None:
    """Return the sound so much later, without what would be heard before the beginning."""
    audio = _moved(audio, ticks)
    times = audio.decode_times
    early = int(np.searchsorted(times, 0, side="left"))
    if not early:
        return audio
    if early >= len(times):
        return None
    chunks = np.unique(np.maximum(audio.chunks - early, 0))
    return replace(
        audio,
        decode_times=times[early:],
        composition_offsets=audio.composition_offsets[early:],
        offsets=audio.offsets[early:],
        sizes=audio.sizes[early:],
        syncs=audio.syncs[early:],
        chunks=chunks,
    )


def _init_moov(moov: bytes, traks: list[Box]) -> bytes:
    whole = next(found for found in children(moov, 0, len(moov)) if found.type == b"moov")
    mvhd = with_duration(moov, first(moov, whole, b"mvhd"), 0, wide_at=24, narrow_at=16, timescale=None)
    defaults = [full_box(b"trex", 0, 0, struct.pack(">IIIII", _track_id(moov, trak), 1, 0, 0, 0)) for trak in traks]
    return box(b"moov", _undated(mvhd), *(_init_trak(moov, trak) for trak in traks), box(b"mvex", *defaults))


def _init_trak(moov: bytes, trak: Box) -> bytes:
    tkhd = with_duration(moov, first(moov, trak, b"tkhd"), 0, wide_at=28, narrow_at=20, timescale=None)
    mdia = first(moov, trak, b"mdia")
    mdhd = with_duration(moov, first(moov, mdia, b"mdhd"), 0, wide_at=24, narrow_at=16, timescale=None)
    hdlr, minf = first(moov, mdia, b"hdlr"), first(moov, mdia, b"minf")
    stsd = first(moov, first(moov, minf, b"stbl"), b"stsd")
    if struct.unpack_from(">I", moov, stsd.payload + 4)[0] != 1:
        raise NoMovie("its coding changes in the middle")
    kind = bytes(moov[hdlr.payload + 8 : hdlr.payload + 12])
    parts = [
        box(b"stbl", without_rates(moov[stsd.start : stsd.end], kind), _EMPTY_TABLES)
        if part.type == b"stbl"
        else moov[part.start : part.end]
        for part in children(moov, minf.payload, minf.end)
    ]
    described = box(b"mdia", _undated(mdhd), moov[hdlr.start : hdlr.end], box(b"minf", *parts))
    return box(b"trak", _undated(tkhd), described)


def _undated(header: bytes) -> bytes:
    """Return a header without its times of creation and change, so that files coded alike have equal init segments."""
    wide = header[8] == 1
    return header[:12] + bytes(16 if wide else 8) + header[12 + (16 if wide else 8) :]
