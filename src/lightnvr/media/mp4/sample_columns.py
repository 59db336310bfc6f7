"""The samples of one track of a file as arrays: an hour of one camera has some 100,000 of them."""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from lightnvr.media.late import LateModule
from lightnvr.media.mp4.boxes import Box, MalformedBox, children, first
from lightnvr.media.mp4.init_segment import InitSegment, TrackHeader
from lightnvr.media.mp4.track_runs import TrackRun

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = LateModule("numpy")

Int64s: TypeAlias = "npt.NDArray[np.int64]"
Bools: TypeAlias = "npt.NDArray[np.bool_]"

_MOST_SAMPLES = 1 << 24
"""A day of 100 pictures a second has half of that."""


@dataclass(frozen=True, slots=True)
class SampleColumns:
    """The samples of one track in decoding order.

    `decode_times` and `composition_offsets` are in the track's time scale, from the beginning of the file's media, and
    `end` is when the last sample ends. `offsets` and `sizes` are bytes of the file. `chunks` are the indexes of the
    samples before which something else may lie in the file, the first sample's among them.
    """

    header: TrackHeader
    decode_times: Int64s
    end: int
    composition_offsets: Int64s
    offsets: Int64s
    sizes: Int64s
    syncs: Bools
    chunks: Int64s

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def presentation_times(self) -> Int64s:
        """When each sample is shown, in the track's time scale."""
        return self.decode_times + self.composition_offsets


def columns_of_runs(init: InitSegment, fragments: Iterable[tuple[int, Iterable[TrackRun]]]) -> list[SampleColumns]:
    """Gather the samples of fragments: the offset of each `moof` in the file and its runs."""
    runs: dict[int, list[tuple[int, TrackRun]]] = {track.track_id: [] for track in init.tracks}
    for offset, found in fragments:
        for run in found:
            if len(run.sizes) and run.track_id in runs:
                runs[run.track_id].append((offset + run.data_offset, run))
    return [_of_runs(track, runs[track.track_id]) for track in init.tracks if runs[track.track_id]]


def columns_of_moov(init: InitSegment, moov: bytes) -> list[SampleColumns]:
    """Read the sample tables of the complete `moov` that a closed file of ours ends with. Raises MalformedBox."""
    headers = {track.track_id: track for track in init.tracks}
    try:
        whole = next(found for found in children(moov, 0, len(moov)) if found.type == b"moov")
        parts = list(children(moov, whole.payload, whole.end))
        mvhd = next(part for part in parts if part.type == b"mvhd")
        timescale = struct.unpack_from(">I", moov, mvhd.payload + (20 if moov[mvhd.payload] == 1 else 12))[0]
        return [_of_trak(moov, part, headers, timescale) for part in parts if part.type == b"trak"]
    except (struct.error, StopIteration, ValueError, IndexError, KeyError) as error:
        raise MalformedBox(f"moov: {error}") from error


def _of_runs(header: TrackHeader, runs: list[tuple[int, TrackRun]]) -> SampleColumns:
    sizes, times, offsets, composition, syncs, chunks = [], [], [], [], [], []
    before = 0
    for offset, run in runs:
        of_run = np.array(run.sizes, np.int64)
        durations = np.array(run.durations, np.int64)
        sizes.append(of_run)
        offsets.append(offset + np.cumsum(of_run) - of_run)
        times.append(run.decode_time + np.cumsum(durations) - durations)
        composition.append(np.array(run.composition_offsets, np.int64))
        syncs.append(before + np.array(run.sync_samples, np.int64))
        chunks.append(before)
        before += len(of_run)
    flags = np.zeros(before, np.bool_)
    flags[np.concatenate(syncs)] = True
    last = runs[-1][1]
    return SampleColumns(
        header=header,
        decode_times=np.concatenate(times),
        end=last.decode_time + last.duration,
        composition_offsets=np.concatenate(composition),
        offsets=np.concatenate(offsets),
        sizes=np.concatenate(sizes),
        syncs=flags,
        chunks=np.array(chunks, np.int64),
    )


def _of_trak(moov: bytes, trak: Box, headers: Mapping[int, TrackHeader], movie_timescale: int) -> SampleColumns:
    tkhd = first(moov, trak, b"tkhd")
    header = headers[struct.unpack_from(">I", moov, tkhd.payload + (20 if moov[tkhd.payload] == 1 else 12))[0]]
    stbl = first(moov, first(moov, first(moov, trak, b"mdia"), b"minf"), b"stbl")
    boxes = {child.type: child for child in children(moov, stbl.payload, stbl.end)}
    uniform, count = struct.unpack_from(">II", moov, boxes[b"stsz"].payload + 4)
    if count > _MOST_SAMPLES:
        raise MalformedBox(f"the track claims {count} samples")
    sizes = np.full(count, uniform) if uniform else _words(moov, boxes[b"stsz"].payload + 12, count)
    durations = _run_lengths(moov, boxes[b"stts"], count)
    # Rounded up, because it was rounded down when it was written.
    begins = -(-_delay(moov, trak) * header.timescale // movie_timescale)
    composition = _run_lengths(moov, boxes[b"ctts"], count) if b"ctts" in boxes else np.zeros(count, np.int64)
    flags = np.ones(count, np.bool_)
    if b"stss" in boxes:
        numbers = struct.unpack_from(">I", moov, boxes[b"stss"].payload + 4)[0]
        flags[:] = False
        flags[_words(moov, boxes[b"stss"].payload + 8, numbers) - 1] = True
    chunk_offsets = _chunk_offsets(moov, boxes)
    chunks = _chunk_starts(moov, boxes[b"stsc"], len(chunk_offsets), count)
    lengths = np.diff(np.append(chunks, count))
    within = np.cumsum(sizes) - sizes
    return SampleColumns(
        header=header,
        decode_times=begins + np.cumsum(durations) - durations,
        end=begins + int(durations.sum()),
        composition_offsets=composition,
        offsets=np.repeat(chunk_offsets - within[chunks], lengths) + within,
        sizes=sizes,
        syncs=flags,
        chunks=chunks,
    )


def _words(content: bytes, at: int, count: int, kind: str = ">u4") -> Int64s:
    return np.frombuffer(content, kind, count, at).astype(np.int64)


def _run_lengths(moov: bytes, table: Box, count: int) -> Int64s:
    entries = struct.unpack_from(">I", moov, table.payload + 4)[0]
    counts = _words(moov, table.payload + 8, 2 * entries)[0::2]
    described = int(counts.sum())
    # Before they are made: a damaged file could claim more than there is memory.
    if described != count:
        raise MalformedBox(f"{table.type!r} describes {described} of {count} samples")
    kind = ">i4" if moov[table.payload] == 1 else ">u4"
    return np.repeat(_words(moov, table.payload + 8, 2 * entries, kind)[1::2], counts)


def _chunk_offsets(moov: bytes, boxes: Mapping[bytes, Box]) -> Int64s:
    wide = b"co64" in boxes
    table = boxes[b"co64" if wide else b"stco"]
    count = struct.unpack_from(">I", moov, table.payload + 4)[0]
    return _words(moov, table.payload + 8, count, ">u8" if wide else ">u4")


def _chunk_starts(moov: bytes, stsc: Box, chunks: int, samples: int) -> Int64s:
    entries = struct.unpack_from(">I", moov, stsc.payload + 4)[0]
    table = _words(moov, stsc.payload + 8, 3 * entries).reshape(-1, 3)
    lengths = np.repeat(table[:, 1], np.diff(np.append(table[:, 0] - 1, chunks)))
    if int(lengths.sum()) != samples:
        raise MalformedBox(f"the chunks hold {int(lengths.sum())} of {samples} samples")
    return np.cumsum(lengths) - lengths


def _delay(moov: bytes, trak: Box) -> int:
    """Return how much later than the file the track begins, in the movie's time scale (section 8.6.6)."""
    for edts in children(moov, trak.payload, trak.end):
        if edts.type == b"edts":
            elst = first(moov, edts, b"elst")
            layout = ">Qq" if moov[elst.payload] == 1 else ">Ii"
            duration, media_time = struct.unpack_from(layout, moov, elst.payload + 8)
            return int(duration) if media_time == -1 else 0
    return 0
