"""Fragments: cut where they should be, each playable on its own behind the init segment."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from lightnvr.media.mp4.muxer import Fragment, FragmentedMuxer, MuxFailed
from lightnvr.media.packets import MediaPacket
from tests.rig.film import Film, Recipe, film
from tests.rig.playing import numbers, play

_HALF_SECOND = 500_000
_RECIPES = [
    Recipe(),
    Recipe(audio=True),
    Recipe(b_frames=2, audio=True),
    Recipe(encoder="libx265"),
    Recipe(encoder="libx265", b_frames=3, audio=True),
]


def _mux(shown: Film, packets: Sequence[MediaPacket] | None = None) -> tuple[bytes, list[Fragment]]:
    chosen = shown.packets if packets is None else packets
    origin = next(packet for packet in chosen if packet.track.kind == "video")
    muxer = FragmentedMuxer(shown.tracks, origin, _HALF_SECOND)
    fragments: list[Fragment] = []
    for packet in chosen:
        muxer.mux(packet)
        fragments += muxer.take_fragments()
    return muxer.init.content, fragments + muxer.finish()


def _begins_with_a_keyframe(fragment: Fragment) -> bool:
    return any(run.track_id == 1 and 0 in run.sync_samples for run in fragment.runs)


@pytest.mark.parametrize("recipe", _RECIPES)
def test_everything_is_in_the_fragments_in_order(recipe: Recipe) -> None:
    shown = film(recipe)
    init, fragments = _mux(shown)
    played = play(init + b"".join(fragment.content for fragment in fragments))
    assert played.numbers == shown.numbers
    assert played.times == pytest.approx([played.times[0] + index / 15 for index in range(60)], abs=1e-3)
    if recipe.audio:
        assert played.samples / 16_000 == pytest.approx(4, abs=0.2)


@pytest.mark.parametrize("recipe", _RECIPES)
def test_fragments_begin_at_every_keyframe_and_last_no_longer_than_asked(recipe: Recipe) -> None:
    _, fragments = _mux(film(recipe))
    keyframes = 0
    for fragment in fragments:
        video = [run for run in fragment.runs if run.track_id == 1]
        for run in video:
            assert list(run.sync_samples) in ([], [0])
            keyframes += len(run.sync_samples)
            assert run.duration <= 90_000 * 0.5 + 2 * 6000
            assert len(run.sizes) == len(run.durations) == len(run.composition_offsets)
    assert keyframes == 4
    assert len(fragments) >= 8


@pytest.mark.parametrize("recipe", _RECIPES)
def test_fragments_from_one_keyframe_to_the_next_play_on_their_own(recipe: Recipe) -> None:
    shown = film(recipe)
    init, fragments = _mux(shown)
    starts = [index for index, fragment in enumerate(fragments) if _begins_with_a_keyframe(fragment)]
    played: list[int | None] = []
    for first, last in zip(starts, [*starts[1:], len(fragments)], strict=True):
        group = numbers(init + b"".join(fragment.content for fragment in fragments[first:last]))
        assert group[0] == len(played)
        played += group
    assert played == shown.numbers


def test_a_part_that_begins_with_a_keyframe_plays_alone() -> None:
    init, fragments = _mux(film(Recipe(audio=True)))
    for fragment in fragments:
        if _begins_with_a_keyframe(fragment):
            assert len(numbers(init + fragment.content)) == len(fragment.runs[0].sizes)


@pytest.mark.parametrize("delay", [0.5, 1.7])
def test_a_track_that_begins_late_stays_late(delay: float) -> None:
    shown = film(Recipe(audio=True))
    origin = shown.video_packets[0]
    late = [packet for packet in shown.packets if packet.track.kind == "video" or packet.time - origin.time >= delay]
    init, fragments = _mux(shown, late)
    played = play(init + b"".join(fragment.content for fragment in fragments))
    assert played.audio_start == pytest.approx(delay, abs=0.07)
    assert played.numbers == shown.numbers


@pytest.mark.parametrize("silent_after", [0.0, 1.0])
def test_sound_that_falls_silent_does_not_hold_back_the_pictures(silent_after: float) -> None:
    shown = film(Recipe(audio=True))
    origin = shown.video_packets[0]
    muxer = FragmentedMuxer(shown.tracks, origin, _HALF_SECOND)
    muxed = written = 0
    for packet in shown.packets:
        if packet.track.kind == "audio" and packet.time - origin.time >= silent_after:
            continue
        muxer.mux(packet)
        muxed += packet.track.kind == "video"
        written += sum(
            len(run.sizes) for fragment in muxer.take_fragments() for run in fragment.runs if run.track_id == 1
        )
        assert muxed - written <= 15 * 0.5 + 3
    muxer.finish()


def test_any_order_of_arrival_within_half_a_second_gives_the_same_pictures() -> None:
    shown = film(Recipe(audio=True))
    chance = random.Random(7)
    for _ in range(10):
        shift = chance.uniform(-0.5, 0.5)
        order = sorted(shown.packets, key=lambda p: float(p.time) + (shift if p.track.kind == "audio" else 0))
        init, fragments = _mux(shown, order)
        played = play(init + b"".join(fragment.content for fragment in fragments))
        assert played.numbers == shown.numbers
        assert played.samples / 16_000 == pytest.approx(4, abs=0.2)


def test_what_came_before_the_origin_is_left_out_and_time_begins_at_zero() -> None:
    shown = film(Recipe(audio=True)).after(1000)
    origin = [packet for packet in shown.video_packets if packet.is_keyframe][2]
    muxer = FragmentedMuxer(shown.tracks, origin, _HALF_SECOND)
    for packet in shown.packets:
        muxer.mux(packet)
    fragments = muxer.finish()
    assert numbers(muxer.init.content + b"".join(f.content for f in fragments)) == shown.numbers[30:]
    assert {run.track_id: run.decode_time for run in reversed(fragments[0].runs)}[1] == 0


def test_other_tracks_are_left_out() -> None:
    shown = film(Recipe(audio=True))
    muxer = FragmentedMuxer((shown.video,), shown.video_packets[0], _HALF_SECOND)
    for packet in shown.packets:
        muxer.mux(packet)
    fragments = muxer.finish()
    assert {run.track_id for fragment in fragments for run in fragment.runs} == {1}


def test_a_packet_that_goes_back_in_time_is_refused_and_the_rest_goes_on() -> None:
    shown = film(Recipe())
    muxer = FragmentedMuxer(shown.tracks, shown.packets[0], _HALF_SECOND)
    for packet in shown.packets[:20]:
        muxer.mux(packet)
    with pytest.raises(MuxFailed):
        muxer.mux(shown.packets[10])
    for packet in shown.packets[20:]:
        muxer.mux(packet)
    assert numbers(muxer.init.content + b"".join(f.content for f in muxer.finish())) == shown.numbers


@pytest.mark.parametrize("recipe", _RECIPES[::3])
def test_pictures_that_are_closest_together_are_all_there(recipe: Recipe) -> None:
    # As those of a camera without timestamps are when they come at once: its track counts finer than FFmpeg's stream.
    shown = film(recipe)
    finer = replace(shown.tracks[0], time_base=shown.tracks[0].time_base / 7)
    chosen = [packet._replace(track=finer, dts=at, pts=at) for at, packet in enumerate(shown.packets)]
    muxer = FragmentedMuxer([finer], chosen[0], _HALF_SECOND)
    for packet in chosen:
        muxer.mux(packet)
    fragments = muxer.finish()
    assert sum(len(run.sizes) for fragment in fragments for run in fragment.runs) == len(chosen)


def test_a_track_that_mp4_cannot_hold_is_refused() -> None:
    shown = film(Recipe(audio=True))
    broken = replace(shown.video, extradata=b"")
    muxed = None
    try:
        muxed = FragmentedMuxer((broken,), shown.video_packets[0], _HALF_SECOND)
    except MuxFailed:
        return
    assert muxed.init.video.width == 160


def test_packets_are_shared_not_changed() -> None:
    shown = film(Recipe(audio=True, b_frames=2))
    before = [(p.payload.dts, p.payload.pts, p.payload.time_base, bytes(p.payload)) for p in shown.packets]
    first, second = _mux(shown), _mux(shown)
    assert [f.content for f in first[1]] == [f.content for f in second[1]]
    assert [(p.payload.dts, p.payload.pts, p.payload.time_base, bytes(p.payload)) for p in shown.packets] == before
