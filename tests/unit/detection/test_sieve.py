"""What of the things that detectors find counts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.detection.detector import Found
from lightnvr.detection.sieve import MOTION, Rules, Sieve, contains
from lightnvr.detection.tracks import STILL_SAMPLES, STILL_US, iou
from lightnvr.detection.zones import Anchor, Zone
from lightnvr.recording.detection import Box

_SECOND = 1_000_000
_LEFT = Zone("left", "Left half", True, "#3b82f6", ((0, 0), (0.5, 0), (0.5, 1), (0, 1)), "", 0.0)
_RIGHT = Zone("right", "Right half", True, "#3b82f6", ((0.5, 0), (1, 0), (1, 1), (0.5, 1)), "", 0.0)


def _found(label: str = "person", score: float = 0.9, x: float = 0.1, y: float = 0.1) -> Found:
    return Found(label, score, Box(x, y, 0.1, 0.2))


def _labels(rules: Rules, *found: Found) -> list[str]:
    return [item.label for item in Sieve(rules).sift(found, 0).passed]


def test_a_score_below_the_threshold_does_not_count() -> None:
    rules = Rules(threshold=0.5)
    assert _labels(rules, _found("person", 0.5), _found("car", 0.49)) == ["person"]


def test_only_included_labels_count() -> None:
    rules = Rules.of(0, "include", "person, dog", ())
    assert _labels(rules, _found("person"), _found("car"), _found("dog", x=0.6)) == ["person", "dog"]


def test_excluded_labels_do_not_count() -> None:
    rules = Rules.of(0, "exclude", "car", ())
    assert _labels(rules, _found("person"), _found("car")) == ["person"]


@pytest.mark.parametrize("listed", ["", " , "])
def test_an_empty_list_filters_nothing(listed: str) -> None:
    assert _labels(Rules.of(0, "include", listed, ()), _found("person")) == ["person"]


def test_the_first_enabled_zone_names_the_detection() -> None:
    off = replace(_LEFT, key="off", enabled=False)
    again = replace(_LEFT, key="again")
    passed = Sieve(Rules(zones=(off, _LEFT, again))).sift([_found()], 0).passed
    assert [item.zone for item in passed] == ["left"]


def test_without_an_enabled_zone_nothing_is_left_out() -> None:
    assert _labels(Rules(zones=(replace(_LEFT, enabled=False),)), _found(x=0.8)) == ["person"]


def test_what_lies_in_no_zone_does_not_count() -> None:
    assert _labels(Rules(zones=(_LEFT,)), _found("person", x=0.8), _found("car", x=0.2)) == ["car"]


def test_labels_and_confidence_of_a_zone_send_on_to_the_next_zone() -> None:
    strict = replace(_LEFT, key="strict", filter_classes="car", min_confidence=0.8)
    sieve = Sieve(Rules(zones=(strict, _LEFT)))
    found = [_found("person"), _found("car", 0.7, x=0.2), _found("car", 0.8, x=0.3)]
    assert [item.zone for item in sieve.sift(found, 0).passed] == ["left", "left", "strict"]


def test_the_foot_may_be_in_a_zone_while_the_centre_is_not() -> None:
    lawn = Zone("lawn", "Lawn", True, "", ((0, 0.5), (1, 0.5), (1, 1), (0, 1)), "", 0.0, Anchor.FOOT)
    standing = Found("person", 0.9, Box(0.4, 0.2, 0.1, 0.4))
    assert _labels(Rules(zones=(lawn,)), standing) == ["person"]
    assert _labels(Rules(zones=(replace(lawn, anchor=Anchor.CENTRE),)), standing) == []


def test_what_has_no_box_is_in_every_picture_wide_zone_setup() -> None:
    nowhere = Found(MOTION, 1.0, Box(0, 0, 0, 0))
    assert _labels(Rules(zones=(_RIGHT,)), nowhere) == [MOTION]


def test_a_thing_keeps_its_track_from_sample_to_sample() -> None:
    sieve = Sieve(Rules())
    first = sieve.sift([_found(x=0.10), _found(x=0.50)], 0).passed
    second = sieve.sift([_found(x=0.52), _found(x=0.13)], _SECOND).passed
    assert [item.track_id for item in first] == [1, 2]
    assert [item.track_id for item in second] == [2, 1]


def test_a_detector_that_tracks_itself_keeps_its_own_ids() -> None:
    sieve = Sieve(Rules())
    for second, x in enumerate((0.1, 0.5, 0.9)):
        assert sieve.sift([replace(_found(x=x), track_id=77)], second * _SECOND).passed[0].track_id == 77


def test_a_parked_car_stops_to_justify_and_does_again_when_it_moves() -> None:
    sieve = Sieve(Rules())
    seconds = range(0, 120, 10)
    justified = [bool(sieve.sift([_found("car")], second * _SECOND).moving) for second in seconds]
    assert justified == [second * _SECOND < STILL_US for second in seconds]
    moved = sieve.sift([_found("car", x=0.15)], 130 * _SECOND)
    assert moved.moving == moved.passed
    assert moved.passed[0].track_id == 1


def test_a_parked_car_that_is_overlooked_for_a_while_is_no_new_one() -> None:
    sieve = Sieve(Rules())
    for second in range(0, 60, 10):
        sieve.sift([_found("car")], second * _SECOND)
    for second in range(60, 300, 10):
        assert sieve.sift([], second * _SECOND).passed == ()
    assert sieve.sift([_found("car")], 300 * _SECOND).moving == ()


def test_a_clock_that_is_set_back_by_days_makes_a_parked_car_new_and_still_again() -> None:
    sieve, years = Sieve(Rules()), 300_000_000 * _SECOND
    before = [bool(sieve.sift([_found("car")], years + seconds * _SECOND).moving) for seconds in range(0, 60, 10)]
    after = [bool(sieve.sift([_found("car")], seconds * _SECOND).moving) for seconds in range(0, 60, 10)]
    assert before == after == [True, True, True, False, False, False]


def test_a_car_that_creeps_justifies_again_and_again() -> None:
    sieve = Sieve(Rules())
    for step in range(60):
        creeping = _found("car", x=0.1 + step * 0.006)
        assert sieve.sift([creeping], step * 10 * _SECOND).moving


def test_motion_is_never_still() -> None:
    sieve = Sieve(Rules())
    for second in range(0, 600, 10):
        assert sieve.sift([_found(MOTION)], second * _SECOND).moving


def test_other_rules_do_not_make_a_parked_car_new() -> None:
    sieve = Sieve(Rules())
    for second in range(0, 60, 10):
        sieve.sift([_found("car")], second * _SECOND)
    sieve.take(Rules(threshold=0.2))
    assert sieve.sift([_found("car")], 60 * _SECOND).moving == ()


_fraction = st.floats(0, 1, width=32)
_boxes = st.builds(Box, _fraction, _fraction, _fraction, _fraction)
_things = st.builds(Found, st.sampled_from(["person", "car", MOTION]), _fraction, _boxes)
_zones = st.builds(
    Zone,
    st.sampled_from(["a", "b", "c"]),
    st.just("zone"),
    st.booleans(),
    st.just(""),
    st.lists(st.tuples(_fraction, _fraction), min_size=3, max_size=8).map(tuple),
    st.sampled_from(["", "person", "car,person"]),
    _fraction,
    st.sampled_from(Anchor),
)


@given(st.lists(st.lists(_things, max_size=6), max_size=8), st.lists(_zones, max_size=3), _fraction)
def test_whatever_comes_no_thing_is_made_up_and_tracks_are_apart(
    samples: list[list[Found]], zones: list[Zone], threshold: float
) -> None:
    sieve = Sieve(Rules(threshold=threshold, zones=tuple(zones)))
    keys = {zone.key for zone in zones if zone.enabled}
    for number, sample in enumerate(samples):
        sifted = sieve.sift(sample, number * 10 * _SECOND)
        plain = [replace(item, track_id=None, zone="") for item in sifted.passed]
        assert all(item in sample and item.score >= threshold for item in plain)
        assert len(plain) <= len(sample)
        tracks = [item.track_id for item in sifted.passed if item.track_id is not None]
        assert len(set(tracks)) == len(tracks)
        assert set(sifted.moving) <= set(sifted.passed)
        assert {item.zone for item in sifted.passed} <= keys | {""}
        if number < STILL_SAMPLES - 1:
            assert sifted.moving == sifted.passed


@given(_boxes, _boxes)
def test_overlap_is_a_fraction_and_the_same_both_ways(one: Box, other: Box) -> None:
    assert 0 <= iou(one, other) <= 1
    assert iou(one, other) == pytest.approx(iou(other, one))


@given(_fraction, _fraction)
def test_a_point_is_in_exactly_one_of_two_halves(x: float, y: float) -> None:
    left, right = contains(_LEFT.polygon, x, y), contains(_RIGHT.polygon, x, y)
    assert (left != right) or x == 1 or y == 1
