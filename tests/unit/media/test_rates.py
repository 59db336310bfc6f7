"""Measuring what a camera sends."""

import pytest

from lightnvr.media.rates import RateMeter, Rates

_FRAME_NS = 66_666_667


def test_a_steady_camera_is_measured() -> None:
    meter, now = RateMeter(window_s=2), 5_000_000_000
    assert meter.rates == Rates()
    for index in range(150):
        meter.count_video(10_000, now + index * _FRAME_NS, keyframe=index % 30 == 0)
        meter.count(500)
    assert meter.rates.fps == pytest.approx(15, abs=0.6)
    assert meter.rates.bitrate_bps == pytest.approx(10_500 * 15 * 8, rel=0.05)
    assert meter.rates.keyframe_interval_s == pytest.approx(2)


def test_a_camera_that_slows_down_is_seen_within_a_window() -> None:
    meter, now = RateMeter(window_s=2), 5_000_000_000
    for index in range(60):
        meter.count_video(10_000, now + index * _FRAME_NS, keyframe=False)
    for index in range(10):
        meter.count_video(10_000, now + 60 * _FRAME_NS + index * 1_000_000_000, keyframe=False)
    assert meter.rates.fps == pytest.approx(1, abs=0.1)


def test_the_first_window_of_a_process_that_just_began_is_measured_too() -> None:
    meter = RateMeter(window_s=2)
    for index in range(100):
        meter.count_video(1000, index * _FRAME_NS, keyframe=index % 15 == 0)
    assert meter.rates.fps == pytest.approx(15, abs=0.6)
    assert meter.rates.keyframe_interval_s == pytest.approx(1)
