"""Fragments of single pictures: playable as they come, and without a hole in decoding time."""

import itertools
from collections.abc import Iterable, Sequence
from fractions import Fraction

import pytest

from lightnvr.media.mp4.movie_fragment import MovieFragment, Run
from lightnvr.media.mp4.muxer import init_segment
from lightnvr.media.mp4.samples import length_prefixed, without_temporal_delimiter
from lightnvr.media.mp4.timelines import AudioTimeline, VideoTimeline
from lightnvr.media.mp4.track_runs import parse_moof
from lightnvr.media.packets import MediaPacket, coded_packet
from tests.rig.film import Film, Recipe, film
from tests.rig.playing import play

_RECIPES = [
    Recipe(),
    Recipe(audio=True),
    Recipe(b_frames=2, audio=True),
    Recipe(encoder="libx265"),
    Recipe(encoder="libx265", b_frames=3, audio=True),
]


def _runs(shown: Film, packets: Iterable[MediaPacket]) -> list[list[Run]]:
    """The runs of each picture, with the sound before it."""
    init = init_segment(shown.tracks)
    video: VideoTimeline | None = None
    audio: AudioTimeline | None = None
    found: list[list[Run]] = []
    for packet in packets:
        if packet.track.kind == "audio":
            if audio is not None:
                audio.add(packet)
            continue
        if video is None:
            video = VideoTimeline(packet, 1, init.tracks[0].timescale)
            if len(shown.tracks) > 1:
                begin_s = video.end / init.tracks[0].timescale
                audio = AudioTimeline(shown.tracks[1], 2, init.tracks[1].timescale, begin_s)
        heard = audio.take_run() if audio is not None else None
        found.append([video.run(packet), *([heard] if heard else [])])
    return found


def _file(shown: Film, fragments: Sequence[Sequence[Run]]) -> bytes:
    shift = min(0, *(run.decode_time for runs in fragments for run in runs))
    parts = [init_segment(shown.tracks).content]
    for number, runs in enumerate(fragments):
        parts.append(MovieFragment(number, runs).content([run.decode_time - shift for run in runs]))
    return b"".join(parts)


@pytest.mark.parametrize("recipe", _RECIPES)
def test_every_picture_is_a_fragment_that_plays(recipe: Recipe) -> None:
    shown = film(recipe)
    fragments = _runs(shown, shown.packets)
    played = play(_file(shown, fragments))

    assert len(fragments) == len(shown.numbers)
    assert played.numbers == shown.numbers
    assert played.times == pytest.approx([played.times[0] + index / 15 for index in range(60)], abs=1e-3)
    if recipe.audio:
        assert played.samples / 16_000 == pytest.approx(4, abs=0.3)


@pytest.mark.parametrize("recipe", _RECIPES)
def test_every_sample_begins_where_the_one_before_ended(recipe: Recipe) -> None:
    shown = film(recipe)
    ends: dict[int, int] = {}
    for runs in _runs(shown, shown.packets):
        for run in runs:
            assert run.decode_time == ends.get(run.track_id, run.decode_time)
            assert all(sample.duration > 0 for sample in run.samples)
            ends[run.track_id] = run.end


def test_pictures_of_a_camera_that_stutters_are_shown_when_they_were_taken() -> None:
    shown = film(Recipe())
    times = [0, 1, 2, 30, 31, 90, 91]
    packets = [
        packet._replace(dts=6000 * at, pts=6000 * at) for packet, at in zip(shown.video_packets, times, strict=False)
    ]

    fragments = _runs(shown, packets)

    assert play(_file(shown, fragments)).times == pytest.approx([(at + 1) / 15 for at in times], abs=1e-3)
    for before, after in itertools.pairwise(fragments):
        assert after[0].decode_time == before[0].end


def test_sound_that_is_missing_for_a_moment_is_heard_in_its_place() -> None:
    shown = film(Recipe(audio=True))
    missing = {packet.dts for packet in shown.audio_packets[10:14]}
    runs = _runs(shown, [p for p in shown.packets if p.track.kind == "video" or p.dts not in missing])
    heard = [run for fragment in runs for run in fragment if run.track_id == 2]
    places = [run.decode_time + run.samples[0].composition_offset for run in heard]
    kept = [packet for packet in shown.audio_packets if packet.dts not in missing]

    assert all(after.decode_time == before.end for before, after in itertools.pairwise(heard))
    assert set(places) <= {int(packet.dts * Fraction(16_000, 90_000)) for packet in kept}


def test_a_fragment_can_be_moved_and_its_first_samples_stretched() -> None:
    shown = film(Recipe(audio=True))
    runs = next(runs for runs in _runs(shown, shown.packets) if len(runs) == 2)
    fragment = MovieFragment(7, runs)

    content = fragment.content([1000, 2000], [30, 0])
    moof = content[: int.from_bytes(content[:4], "big")]
    video, audio = parse_moof(moof)

    assert (video.decode_time, audio.decode_time) == (1000, 2000)
    assert video.durations[0] == runs[0].samples[0].duration + 30
    assert video.composition_offsets[0] == runs[0].samples[0].composition_offset + 30
    assert list(audio.durations) == [sample.duration for sample in runs[1].samples]
    for parsed, run in ((video, runs[0]), (audio, runs[1])):
        at = parsed.data_offset
        assert [content[at : at + len(sample.content)] for sample in run.samples[:1]] == [run.samples[0].content]


def test_start_codes_of_any_length_become_lengths() -> None:
    packet = coded_packet(b"\x00\x00\x00\x01\x67abc\x00\x00\x01\x68d\x00\x00\x00\x00\x01\x65slice\x00\x00")

    assert length_prefixed(packet) == (
        b"\x00\x00\x00\x04\x67abc" + b"\x00\x00\x00\x02\x68d" + b"\x00\x00\x00\x06\x65slice"
    )


def test_the_temporal_delimiter_of_av1_is_left_out() -> None:
    frame = b"\x32\x03abc"

    for delimiter in (b"\x12\x00", b"\x10", b"\x16\x00\x00", b""):
        assert without_temporal_delimiter(coded_packet(delimiter + frame)) == frame
