"""Fragments moved on the time line keep their media, their size and everything else."""

import io
from itertools import pairwise

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.media.mp4.boxes import MalformedBox
from lightnvr.media.mp4.muxer import FragmentedMuxer
from lightnvr.media.mp4.shifting import shift_fragment
from lightnvr.media.mp4.track_runs import parse_moof
from tests.rig.film import Recipe, film

_FILM = film(Recipe(seconds=3, audio=True))


def _fragments() -> tuple[FragmentedMuxer, list[bytes]]:
    muxer = FragmentedMuxer(_FILM.tracks, next(p for p in _FILM.packets if p.track.kind == "video"), 500_000)
    made: list[bytes] = []
    for packet in _FILM.packets:
        muxer.mux(packet)
        made += [fragment.content for fragment in muxer.take_fragments()]
    made += [fragment.content for fragment in muxer.finish()]
    return muxer, made


_MUXER, _CONTENT = _fragments()


@given(st.integers(0, 7 * 86_400))
def test_every_track_moves_by_the_same_time(seconds: int) -> None:
    ticks = {track.track_id: seconds * track.timescale for track in _MUXER.init.tracks}
    for content in _CONTENT:
        moved = bytearray(content)
        shift_fragment(moved, ticks)
        size = int.from_bytes(content[:4], "big")
        assert moved[size:] == content[size:]
        for before, after in zip(parse_moof(content[:size]), parse_moof(bytes(moved[:size])), strict=True):
            assert after.decode_time - before.decode_time == ticks[before.track_id]
            assert (after.sizes, after.durations, after.data_offset) == (
                before.sizes,
                before.durations,
                before.data_offset,
            )


def test_players_see_the_moved_times() -> None:
    ticks = {track.track_id: 100 * track.timescale for track in _MUXER.init.tracks}
    moved = [bytearray(content) for content in _CONTENT]
    for fragment in moved:
        shift_fragment(fragment, ticks)
    with av.open(io.BytesIO(_MUXER.init.content + b"".join(moved)), "r") as container:
        times = [float(packet.dts * packet.time_base) for packet in container.demux(video=0) if packet.dts is not None]
    assert times[0] == pytest.approx(100.0, abs=0.1)
    assert all(early < late for early, late in pairwise(times))


def test_what_is_no_fragment_is_refused() -> None:
    for content in (b"", b"\0\0\0\x08free", _CONTENT[0][:40]):
        with pytest.raises(MalformedBox):
            shift_fragment(bytearray(content), {})
