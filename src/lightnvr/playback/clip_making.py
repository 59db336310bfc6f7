"""Putting a clip together: one sample table over samples that lie in several files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lightnvr.media.late import LateModule
from lightnvr.media.mp4.clip_moov import ClipTrack, Edit, clip_moov, sample_entry
from lightnvr.media.mp4.init_segment import InitSegment
from lightnvr.media.mp4.sample_columns import Int64s, SampleColumns
from lightnvr.playback.clip import Clip, ClipPart, Extents
from lightnvr.playback.clip_plan import Cut, rescaled

if TYPE_CHECKING:
    import numpy as np
else:
    np = LateModule("numpy")

_MDAT_HEADER = 16


class _Chosen(NamedTuple):
    """Samples of one track of one source: `times` are when they are decoded in the clip."""

    source: int
    init: InitSegment
    columns: SampleColumns
    part: slice
    times: Int64s
    composition_offsets: Int64s


@dataclass(frozen=True, slots=True)
class _Chunks:
    """The chunks of one track, in order of time; see ClipTrack. `lengths` are bytes."""

    samples: Int64s
    entries: Int64s
    sources: Int64s
    offsets: Int64s
    lengths: Int64s


def make_clip(cuts: Sequence[Cut]) -> Clip:
    """Return the clip of these cuts, one at least. Raises MalformedBox."""
    scale = cuts[0].source.video.header.timescale
    begins = cuts[0].in_clip(cuts[0].shown_from, scale)
    ends = cuts[-1].in_clip(cuts[-1].shown_to, scale)
    video = [_video(number, cut, scale) for number, cut in enumerate(cuts)]
    audio = _audio(cuts, scale)
    chosen = [video, audio] if audio else [video]
    edits = [[Edit(ends - begins, begins)]]
    if audio:
        edits.append(_audio_edits(audio, begins, ends, scale))
    entries = [_entries(samples) for samples in chosen]
    chunks = [_chunks(samples, of_track) for samples, of_track in zip(chosen, entries, strict=True)]
    extents, places = _laid_out(chunks)
    tracks = [
        _track(samples, of_track, edit, of_chunks, place)
        for samples, of_track, edit, of_chunks, place in zip(chosen, entries, edits, chunks, places, strict=True)
    ]
    init = cuts[0].source.init
    ftyp = init.content[: init.ftyp_size]
    media_at = len(ftyp) + len(clip_moov(tracks, scale, 0)) + _MDAT_HEADER
    mdat = b"\x00\x00\x00\x01mdat" + (_MDAT_HEADER + int(extents.sizes.sum())).to_bytes(8, "big")
    head = ftyp + clip_moov(tracks, scale, media_at) + mdat
    return Clip(head, [cut.source for cut in cuts], extents, [_part(cut, begins, scale) for cut in cuts], scale)


def _part(cut: Cut, begins: int, scale: int) -> ClipPart:
    return ClipPart(
        recording=cut.source.recording,
        first_us=cut.wall_us(cut.shown_from),
        end_us=cut.wall_us(cut.shown_to),
        pictures=cut.pictures,
        clip_from_s=(cut.in_clip(cut.shown_from, scale) - begins) / scale,
        clip_to_s=(cut.in_clip(cut.shown_to, scale) - begins) / scale,
    )


def _video(number: int, cut: Cut, scale: int) -> _Chosen:
    columns, part = cut.source.video, cut.video
    times, shown = columns.decode_times[part], columns.presentation_times[part]
    if (own := columns.header.timescale) != scale:
        times, shown = ((2 * each * scale + own) // (2 * own) for each in (times, shown))
    return _Chosen(number, cut.source.init, columns, part, times + cut.shift, shown - times)


def _audio(cuts: Sequence[Cut], scale: int) -> list[_Chosen]:
    found: list[_Chosen] = []
    for number, cut in enumerate(cuts):
        columns, part = cut.source.audio, cut.audio
        if columns is None or part.start >= part.stop:
            continue
        own = columns.header.timescale
        times = columns.decode_times[part] + rescaled(cut.shift, scale, own)
        if found:
            # Of a camera whose clock runs fast a file may hold sound for longer than there is time.
            late = int(np.searchsorted(times, found[-1].times[-1], side="right"))
            part, times = slice(part.start + late, part.stop), times[late:]
        if len(times):
            found.append(_Chosen(number, cut.source.init, columns, part, times, columns.composition_offsets[part]))
    return found


def _audio_edits(audio: Sequence[_Chosen], begins: int, ends: int, scale: int) -> list[Edit]:
    own = audio[0].columns.header.timescale
    first = int(audio[0].times[0])
    last = audio[-1]
    lasts = last.columns.end - int(last.columns.decode_times[-1])
    heard_to = min(ends, rescaled(int(last.times[-1]) + lasts, own, scale))
    silent = max(0, rescaled(first, own, scale) - begins)
    edits = [Edit(silent, -1)] if silent else []
    media_time = max(0, rescaled(begins, scale, own) - first)
    return [*edits, Edit(max(1, heard_to - begins - silent), media_time)]


def _entries(samples: Sequence[_Chosen]) -> list[bytes]:
    """Return the different sample entries of a track, in the order they are needed."""
    return list(dict.fromkeys(sample_entry(each.init, each.columns.header.track_id) for each in samples))


def _chunks(samples: Sequence[_Chosen], entries: list[bytes]) -> _Chunks:
    rows: list[tuple[Int64s, ...]] = []
    for each in samples:
        columns, part = each.columns, each.part
        inside = columns.chunks[(columns.chunks > part.start) & (columns.chunks < part.stop)]
        starts = np.concatenate(([part.start], inside))
        counts = np.diff(np.append(starts, part.stop))
        lengths = np.add.reduceat(columns.sizes[part], starts - part.start)
        entry = entries.index(sample_entry(each.init, columns.header.track_id))
        same = np.ones(len(starts), np.int64)
        rows.append((counts, same * entry, same * each.source, columns.offsets[starts], lengths))
    return _Chunks(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def _laid_out(tracks: Sequence[_Chunks]) -> tuple[Extents, list[Int64s]]:
    """Put the chunks of all tracks in the order of the files; return what to read, and where each chunk goes."""
    sources = np.concatenate([track.sources for track in tracks])
    offsets = np.concatenate([track.offsets for track in tracks])
    lengths = np.concatenate([track.lengths for track in tracks])
    order = np.lexsort((offsets, sources))
    places = np.empty_like(lengths)
    places[order] = np.cumsum(lengths[order]) - lengths[order]
    sources, offsets, lengths = sources[order], offsets[order], lengths[order]
    # What lies side by side is read at once.
    apart = (sources[1:] != sources[:-1]) | (offsets[1:] != offsets[:-1] + lengths[:-1])
    begins = np.concatenate(([0], np.flatnonzero(apart) + 1))
    extents = Extents(sources[begins], offsets[begins], np.add.reduceat(lengths, begins))
    return extents, np.split(places, np.cumsum([len(track.samples) for track in tracks])[:-1])


def _track(
    samples: Sequence[_Chosen], entries: list[bytes], edits: Sequence[Edit], chunks: _Chunks, places: Int64s
) -> ClipTrack:
    times = np.concatenate([each.times for each in samples])
    last = samples[-1].columns
    lasts = max(1, last.end - int(last.decode_times[-1]))
    return ClipTrack(
        template=samples[0].init,
        template_id=samples[0].columns.header.track_id,
        entries=entries,
        edits=edits,
        durations=np.append(np.diff(times), lasts),
        composition_offsets=np.concatenate([each.composition_offsets for each in samples]),
        sizes=np.concatenate([each.columns.sizes[each.part] for each in samples]),
        syncs=np.concatenate([each.columns.syncs[each.part] for each in samples]),
        chunk_samples=chunks.samples,
        chunk_offsets=places,
        chunk_entries=chunks.entries,
    )
