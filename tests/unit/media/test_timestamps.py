"""One continuous time line out of whatever a camera sends."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightnvr.media.timestamps import ArrivalClock, TrackClock

_VIDEO = Fraction(1, 90_000)
_MAYBE = st.none() | st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-200_000, 200_000)
_ARRIVALS = st.integers(0, 20_000_000_000)


@given(st.lists(st.tuples(_MAYBE, _MAYBE, _ARRIVALS), max_size=60), st.sampled_from((1, 90, 1875)))
def test_dts_grow_strictly_and_nothing_is_shown_before_it_is_decoded(
    packets: list[tuple[int | None, int | None, int]], least_step: int
) -> None:
    clock, last, arrival = TrackClock(_VIDEO, least_step), None, 0
    for dts, pts, waited in packets:
        arrival += waited
        placed = clock.place(dts, pts, arrival)
        assert last is None or placed.dts >= last + least_step
        assert placed.dts <= placed.pts <= placed.dts + 5 * 90_000
        last = placed.dts


@given(st.lists(st.integers(1, 90_000), min_size=2, max_size=60), st.integers(0, 1 << 40), st.integers(0, 400))
def test_good_timestamps_are_left_alone(steps: list[int], first: int, late_ms: int) -> None:
    clock, dts = TrackClock(_VIDEO), first
    for index, step in enumerate(steps):
        arrival = int((dts - first) / 90_000 * 1e9) + late_ms * 1_000_000 * (index % 2)
        assert clock.place(dts, dts + 3000, arrival) == (dts, dts + 3000)
        dts += step
    assert clock.jumps == 0


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(30, 120), st.sampled_from((-(1 << 32), -3600 * 90_000, -180_000, 7 * 90_000, 1 << 40, 1 << 33))
        ),
        min_size=1,
        max_size=5,
    )
)
def test_a_clock_that_is_set_goes_on_at_the_time_of_arrival(jumps: list[tuple[int, int]]) -> None:
    """Sound and pictures of 15 a second and 50 a second see the same jumps; both stay where they belong."""
    video, audio = TrackClock(_VIDEO), TrackClock(Fraction(1, 8000))
    offset, now_ms, count = 1 << 33, 0, 0
    for frames, jump in jumps:
        for _ in range(frames * 66 // 20):
            seconds = Fraction(now_ms, 1000)
            heard = audio.place(round((seconds + Fraction(offset, 90_000)) * 8000), None, now_ms * 1_000_000)
            assert abs(heard.dts / 8000 - (float(seconds) + (1 << 33) / 90_000)) < 0.2
            if count % 3 == 0:
                dts = round(seconds * 90_000) + offset
                shown = video.place(dts, dts, now_ms * 1_000_000)
                assert abs(shown.dts / 90_000 - (float(seconds) + (1 << 33) / 90_000)) < 0.2
            now_ms, count = now_ms + 20, count + 1
        offset += jump
    assert video.jumps == audio.jumps == len(jumps) - 1


@pytest.mark.parametrize(("first", "second"), [((1 << 32) - 3000, 3000), ((1 << 33) - 3000, 3000)])
def test_a_counter_that_wraps_goes_on(first: int, second: int) -> None:
    clock = TrackClock(_VIDEO)
    clock.place(first, first, 0)
    after = clock.place(second, second, 66_666_667)
    assert after.dts == pytest.approx(first + 6000, abs=2)
    assert clock.place(second + 6000, second + 6000, 133_333_333).dts == after.dts + 6000
    assert clock.jumps == 1


def test_a_silent_camera_is_not_a_jump() -> None:
    clock = TrackClock(_VIDEO)
    clock.place(0, 0, 0)
    assert clock.place(540_000, 540_000, 6_000_000_000).dts == 540_000
    assert clock.jumps == 0


@pytest.mark.parametrize("backdated", [False, True], ids=["read at once", "dated back"])
@pytest.mark.parametrize("stalled_s", [1, 3, 9])
def test_sound_stays_with_the_pictures_when_the_connection_stood_still(stalled_s: int, backdated: bool) -> None:
    """What was held back comes all at once; only pictures are dated back to when they should have come."""
    video = TrackClock(_VIDEO)
    audio = TrackClock(Fraction(1, 8000), around=video.present)
    for ms in range(0, 30_000, 20):
        # From the tenth second on nothing comes for a while.
        read_ms = 10_000 + stalled_s * 1000 if 10_000 <= ms < 10_000 + stalled_s * 1000 else ms
        heard = audio.place(ms * 8, None, read_ms * 1_000_000)
        assert heard.dts == ms * 8
        if ms % 100 == 0:
            came_ms = ms if backdated else read_ms
            assert video.place(ms * 90, ms * 90, came_ms * 1_000_000).dts == ms * 90
    assert audio.jumps == video.jumps == 0


def test_sound_that_claims_another_time_than_the_pictures_is_put_beside_them() -> None:
    video = TrackClock(_VIDEO)
    audio = TrackClock(Fraction(1, 8000), around=video.present)
    for ms in range(0, 5000, 20):
        if ms % 5000 == 0:
            video.place(ms * 90 + 8_640_000, None, ms * 1_000_000)
        heard = audio.place(ms * 8, None, ms * 1_000_000)
        assert heard.dts == pytest.approx(ms * 8 + 768_000, abs=8)


def test_what_has_no_timestamps_is_placed_by_its_arrival() -> None:
    clock = TrackClock(_VIDEO)
    assert clock.place(None, None, 1_000_000_000) == (0, 0)
    assert clock.place(None, None, 2_000_000_000) == (90_000, 90_000)
    assert clock.place(None, None, 2_000_000_000) == (90_001, 90_001)
    assert clock.place(None, 120_000, 2_100_000_000) == (90_002, 120_000)
    assert clock.place(126_000, None, 2_166_000_000) == (126_000, 126_000)


def test_a_dts_that_is_not_known_yet_does_not_push_the_b_frames_that_follow() -> None:
    clock = TrackClock(_VIDEO)
    coming: list[tuple[int | None, int | None]] = [(None, None), (None, 18_000), (None, 6000), (6000, 12_000)]
    placed = [clock.place(dts, pts, i * 66_666_667) for i, (dts, pts) in enumerate(coming)]
    assert [times.pts for times in placed] == [0, 18_000, 6000, 12_000]
    assert [times.dts for times in placed] == [0, 1, 2, 6000]


def test_pictures_without_any_time_are_shown_when_they_came() -> None:
    clock = ArrivalClock(_VIDEO, nominal_step=3600)
    gathered = [clock.place(1_000_000_000 + i) for i in range(4)]
    assert gathered == [0, 3600, 7200, 10_800]
    assert clock.place(1_100_000_000) == pytest.approx(10_800 + 9000, abs=2)
    assert clock.place(1_100_000_000) == pytest.approx(10_800 + 9001, abs=2)
    assert clock.place(1_200_000_000) == pytest.approx(10_800 + 18_000, abs=2)


def test_b_frames_keep_their_order() -> None:
    shown = [2, 5, 3, 4, 8, 6, 7]
    clock = TrackClock(_VIDEO)
    placed = [clock.place(i * 6000, pts * 6000, i * 66_666_667) for i, pts in enumerate(shown)]
    assert [times.pts for times in placed] == [pts * 6000 for pts in shown]
    jumped = [
        clock.place(i * 6000 + (1 << 40), pts * 6000 + (1 << 40), (i + 7) * 66_666_667) for i, pts in enumerate(shown)
    ]
    assert sorted(range(7), key=lambda i: jumped[i].pts) == sorted(range(7), key=lambda i: shown[i])


def test_repeated_dts_are_spread_by_the_least_step() -> None:
    clock = TrackClock(_VIDEO, least_step=90)
    assert [clock.place(1000, None, 0).dts for _ in range(3)] == [1000, 1090, 1180]
    assert clock.place(7000, None, 0).dts == 7000


def test_pictures_without_timestamps_belong_where_they_came() -> None:
    clock = ArrivalClock(_VIDEO, nominal_step=6000)
    gathered = [clock.place(1_000_000_000 + index) for index in range(5)]
    assert gathered == [0, 6000, 12_000, 18_000, 24_000]
    awaited = [clock.place(1_000_000_000 + index * 100_000_000) for index in range(1, 6)]
    assert awaited == [pytest.approx(24_000 + index * 9000, abs=2) for index in range(1, 6)]


@given(st.lists(st.integers(0, 10_000_000_000), max_size=50), st.sampled_from((1, 3000, 90_000)))
def test_pictures_without_timestamps_never_go_back(waits: list[int], nominal_step: int) -> None:
    clock, arrival, last = ArrivalClock(_VIDEO, nominal_step), 0, -1
    for waited in waits:
        arrival += waited
        placed = clock.place(arrival)
        assert placed > last
        last = placed
