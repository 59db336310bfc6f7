"""Deciding which samples of which recordings make up a clip, and when each is shown in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lightnvr.media.late import LateModule
from lightnvr.media.mp4.sample_columns import SampleColumns
from lightnvr.playback.clip import JOIN_US
from lightnvr.playback.clip_source import ClipSource

if TYPE_CHECKING:
    import numpy as np
else:
    np = LateModule("numpy")


class ClipNotPossible(ValueError):
    """What was recorded in a span does not fit into one MP4; the text says where to divide it."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What a clip takes of one source.

    Samples from `first` up to but without `stop` are in the clip, of video in `video`, of sound in `audio`. Pictures
    from `shown_from` up to `shown_to` are shown, in the video's own time scale; what comes before is only decoded.
    `shift` is added to the video's times to have those of the clip, whose first keyframe is decoded at 0, in the time
    scale of the clip.
    """

    source: ClipSource
    video: slice
    audio: slice
    shown_from: int
    shown_to: int
    pictures: int
    shift: int

    def in_clip(self, ticks: int, timescale: int) -> int:
        """Return a time of the source's video in the clip, whose video has this time scale."""
        return self.shift + rescaled(ticks, self.source.video.header.timescale, timescale)

    def wall_us(self, ticks: int) -> int:
        """Return when a time of the source's video was, in microseconds since 1970 UTC."""
        return self.source.recording.start_us + ticks * 1_000_000 // self.source.video.header.timescale


def rescaled(ticks: int, timescale: int, wanted: int) -> int:
    """Return a time in another time scale."""
    return ticks if timescale == wanted else (2 * ticks * wanted + timescale) // (2 * timescale)


def cuts(sources: Sequence[ClipSource], start_us: int, end_us: int) -> list[Cut]:
    """Choose the pictures of [start_us, end_us), which are microseconds since 1970 UTC.

    Sources are in order of time. Those that follow each other join; a gap takes no time in the clip. Empty when
    there is no picture. Raises ClipNotPossible.
    """
    seen = [source for source in sources if source.recording.start_us < end_us]
    found: list[Cut] = []
    for number, source in enumerate(seen):
        # Only the last is cut at the end: a camera whose clock runs fast makes files longer than the time they cover.
        upto = end_us if number == len(seen) - 1 else None
        cut = _cut(source, None if found else start_us, upto)
        if cut is None:
            continue
        if found:
            _must_fit(found[0].source, source)
            cut = _placed(cut, found[-1], found[0].source.video.header.timescale)
        found.append(cut)
    return found


def _cut(source: ClipSource, start_us: int | None, end_us: int | None) -> Cut | None:
    video = source.video
    scale = video.header.timescale
    times = video.presentation_times
    natural_end = int(times.max()) + video.end - int(video.decode_times[-1])

    def ticks(moment_us: int) -> int:
        return -((source.recording.start_us - moment_us) * scale // 1_000_000)

    low = int(times.min()) if start_us is None else ticks(start_us)
    high = natural_end if end_us is None else min(ticks(end_us), natural_end)
    shown = np.flatnonzero((times >= low) & (times < high))
    if not len(shown):
        return None
    first, stop = _key_before(video, int(shown[0]), shown), int(shown[-1]) + 1
    if end_us is None:
        stop = len(video)
    begin = int(times[shown].min())
    audio = _audio(source, begin if start_us is not None else None, high if end_us is not None else None)
    return Cut(source, slice(first, stop), audio, begin, high, len(shown), -int(video.decode_times[first]))


def _key_before(video: SampleColumns, first: int, shown: "np.typing.NDArray[np.int64]") -> int:
    keys = np.flatnonzero(video.syncs)
    place = int(np.searchsorted(keys, first, side="right")) - 1
    if place < 0:
        return 0
    times = video.presentation_times
    # Pictures that are decoded after a keyframe but shown before it may need the one before (open GOP).
    if place > 0 and bool((times[shown] < times[keys[place]]).any()):
        place -= 1
    return int(keys[place])


def _audio(source: ClipSource, begin: int | None, end: int | None) -> slice:
    """Choose the sound between two times of the video, None without a bound."""
    audio = source.audio
    if audio is None:
        return slice(0, 0)
    scale, video_scale = audio.header.timescale, source.video.header.timescale
    first, stop = 0, len(audio)
    if begin is not None:
        holding = int(np.searchsorted(audio.decode_times, begin * scale // video_scale, side="right")) - 1
        # A decoder of sound needs the piece before to be right from the beginning.
        first = max(0, holding - 1)
    if end is not None:
        stop = int(np.searchsorted(audio.decode_times, -(-end * scale // video_scale), side="left"))
    return slice(first, max(first, stop))


def _placed(cut: Cut, before: Cut, timescale: int) -> Cut:
    """Put a source behind the one before it."""
    apart_us = cut.source.recording.start_us - before.source.recording.start_us
    expected = before.shift + (2 * apart_us * timescale + 1_000_000) // 2_000_000
    earlier = before.source.video
    ends = before.in_clip(earlier.end, timescale)
    if expected - ends > JOIN_US * timescale // 1_000_000:
        sound = before.source.audio
        if sound is not None:
            ends = max(ends, before.shift + rescaled(sound.end, sound.header.timescale, timescale))
        shift = ends
    else:
        shift = expected if expected > before.in_clip(int(earlier.decode_times[-1]), timescale) else ends
    return Cut(cut.source, slice(0, cut.video.stop), cut.audio, cut.shown_from, cut.shown_to, cut.pictures, shift)


def _must_fit(first: ClipSource, other: ClipSource) -> None:
    moment = datetime.fromtimestamp(other.recording.start_us / 1e6, UTC).isoformat(timespec="milliseconds")
    moment = moment.replace("+00:00", "Z")
    was, now = first.video.header.sample_entry, other.video.header.sample_entry
    if was != now:
        raise ClipNotPossible(
            f"The camera changed from {_codec(was)} to {_codec(now)} at {moment}, which one MP4 cannot hold: "
            "export what is before and what is after as two clips."
        )
    if first.audio is None or other.audio is None:
        return
    sounds = [(each.header.sample_entry, each.header.timescale) for each in (first.audio, other.audio)]
    if sounds[0] != sounds[1]:
        raise ClipNotPossible(
            f"The sound of the camera changed at {moment}, which one MP4 cannot hold: export what is before and what "
            "is after as two clips, or leave the sound out."
        )


def _codec(entry: bytes) -> str:
    names = {b"avc1": "H.264", b"hvc1": "H.265", b"hev1": "H.265", b"av01": "AV1"}
    return names.get(entry, "MJPEG")
