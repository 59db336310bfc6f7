"""What built-in motion sees in scenes with known truth, filmed as cameras do; each one shortened to what matters.

`python -m benchmarks.motion_quality` watches all of them to their end.
"""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.rig.motion_films import ASPECT, Filming, coded, scored, watched
from tests.rig.motion_scenes import SCENES, MotionScene, Pass

_FILMING = Filming(640, 360, fps=1, bit_rate=150_000)
"""A sub-stream, of which only what is needed is drawn."""


def _scene(name: str, seconds: float, *passes: Pass, outside: Sequence[Pass] = ()) -> MotionScene:
    scene = next(scene for scene in SCENES if scene.name == name)
    return replace(scene, seconds=seconds, passes=passes, outside=outside)


def _walker(begins_s: float, *, foot: float = 0.8, height: float = 0.22) -> Pass:
    return Pass(begins_s, 0.8 * height * 9 / 16, foot, height, height * 0.32, 45, 170)


def _seen(scene: MotionScene) -> list[float]:
    """Return the seconds at which something was found."""
    return [at_s for at_s, found in watched(scene, coded(scene, _FILMING)) if found]


def _there(scene: MotionScene) -> list[float]:
    """Return the seconds of keyframes that show all of somebody who counts."""
    keyframes = [float(at_s) for at_s in range(0, int(scene.seconds), _FILMING.gop_s)]
    return [at_s for at_s in keyframes if any(walker.is_whole(at_s, ASPECT) for walker in scene.passes)]


def test_somebody_who_walks_by_is_seen_where_they_are() -> None:
    walker = _walker(15)
    scene = _scene("quiet day", 30, walker)
    for at_s, found in watched(scene, coded(scene, _FILMING)):
        there = walker.box(at_s, ASPECT)
        if there is None:
            assert found == []
        elif walker.is_whole(at_s, ASPECT):
            box = found[0].box
            assert found[0].score > 0.9
            assert (box.x, box.x + box.width) == pytest.approx((there.x, there.x + there.width), abs=0.03)
            assert (box.y, box.y + box.height) == pytest.approx((there.y, there.y + there.height), abs=0.08)


def test_somebody_small_far_away_is_seen() -> None:
    scene = _scene("small walker far away", 30, _walker(15, foot=0.47, height=0.055))
    assert _seen(scene) == _there(scene)


@pytest.mark.parametrize("name", ["light switch", "clouds", "moving branches", "night noise", "rain"])
def test_light_weather_and_noise_are_no_motion(name: str) -> None:
    assert _seen(_scene(name, 60)) == []


@pytest.mark.parametrize("name", ["light switch", "clouds", "moving branches", "rain"])
def test_somebody_is_seen_in_spite_of_light_and_weather(name: str) -> None:
    # A lamp is switched on at 13 s.
    scene = _scene(name, 26, _walker(15))
    assert _seen(scene) == _there(scene)


def test_somebody_is_seen_by_night() -> None:
    walker = replace(_walker(15), tone=150, stripe=235)
    scene = _scene("night noise", 26, walker)
    assert _seen(scene) == _there(scene)


def test_somebody_small_is_seen_in_each_picture_when_all_of_them_are_looked_at() -> None:
    scene = _scene("small walker far away", 11, _walker(4, foot=0.47, height=0.055))
    packets = coded(scene, replace(_FILMING, fps=15, bit_rate=500_000))
    score = scored(scene, packets, every_picture=True, learn_s=7.0)
    assert (score.hits, score.misses, score.false) == (60, 0, 0)


def test_who_passes_outside_of_the_zone_is_not_seen() -> None:
    inside, outside = _walker(21, foot=0.96), _walker(11, foot=0.66, height=0.2)
    scene = _scene("walker outside of the zone", 30, inside, outside=[outside])
    assert _seen(scene) == _there(scene)


def test_nothing_is_told_of_before_enough_was_seen() -> None:
    walker = _walker(-3)
    assert _seen(_scene("quiet day", 8, walker)) == [6]
