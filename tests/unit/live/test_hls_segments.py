"""Where live pictures are cut into segments and parts."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from lightnvr.live.hls.fragment_output import FragmentOutput
from lightnvr.live.hls.pace import Pace, find_pace, seconds
from lightnvr.live.hls.placing import ProgramDates
from lightnvr.live.hls.playlist import low_latency_playlist, transport_playlist
from lightnvr.live.hls.transport_output import TransportOutput
from lightnvr.live.hls.window import Part, Window
from lightnvr.media.packets import MediaItem, MediaPacket, TracksChanged
from tests.rig.film import Film, Recipe, film
from tests.rig.hls_checker import HlsChecker
from tests.rig.playing import numbers

Make = Callable[..., TransportOutput | FragmentOutput]

AUDIBLE = Recipe(seconds=8, audio=True)


def transport(gop_s: float | None = 1.0, segment_s: float = 2.0) -> TransportOutput:
    return TransportOutput(segment_s, lambda: gop_s, lambda ns: ns // 1000, 100)


def fragments(gop_s: float | None = 1.0, segment_s: float = 2.0) -> FragmentOutput:
    return FragmentOutput(segment_s, lambda: gop_s, lambda ns: ns // 1000, 100)


class Watching:
    """An output that is looked at after each packet."""

    def __init__(self, output: TransportOutput | FragmentOutput) -> None:
        self.output = output
        self.checker = HlsChecker()

    def begin(self, footage: Film, cached_s: float) -> list[MediaPacket]:
        """Hand over the tracks and so much of the latest GOP, and return what is yet to come."""
        ends = seconds(footage.packets[0]) + cached_s - 0.001
        cached = [packet for packet in footage.packets if seconds(packet) < ends]
        self.take([TracksChanged(footage.tracks), *cached])
        return [packet for packet in footage.packets if seconds(packet) >= ends]

    def take(self, items: Sequence[MediaItem]) -> None:
        self.output.take(items)
        if not self.output.is_ready or self.output.pace is None:
            return
        if isinstance(self.output, FragmentOutput):
            text = low_latency_playlist(self.output, self.output.pace, "", skip=True, report=None)
        else:
            text = transport_playlist(self.output.window, self.output.pace, "")
        self.checker.see(text)

    def take_each(self, packets: Sequence[MediaItem]) -> None:
        for packet in packets:
            self.take([packet])

    @property
    def durations(self) -> list[float]:
        return [round(segment.duration, 2) for _, segment in sorted(self.checker.segments.items())]

    def media(self) -> bytes:
        """All that is left in the window, without a break."""
        listed = [segment for segment in self.output.window.listed if segment.is_complete]
        content = b"".join(part.content for segment in listed for part in segment.parts)
        init = self.output.inits[listed[0].init].content if isinstance(self.output, FragmentOutput) else b""
        return init + content


@pytest.mark.parametrize("make", [transport, fragments])
def test_segments_end_with_the_first_keyframe_after_their_length(
    make: Make,
) -> None:
    watching = Watching(make())
    rest = watching.begin(film(AUDIBLE), cached_s=2.2)
    watching.take_each(rest)

    assert watching.durations == [2.0, 2.0, 2.0]
    assert watching.checker.discontinuities == 0
    assert numbers(watching.media()) == list(range(6 * 15))


@pytest.mark.parametrize("make", [transport, fragments])
def test_who_comes_in_the_midst_of_a_gop_gets_what_is_there_at_once(
    make: Make,
) -> None:
    watching = Watching(make(gop_s=4.0))
    rest = watching.begin(film(replace(AUDIBLE, gop=60)), cached_s=1.0)

    assert watching.durations == [0.93]
    watching.take_each(rest)
    assert watching.durations[:2] == [0.93, 3.07]
    assert numbers(watching.media()) == list(range(4 * 15))


def test_with_a_fifth_of_a_second_there_a_little_more_is_waited_for() -> None:
    watching = Watching(transport(gop_s=4.0))
    rest = watching.begin(film(replace(AUDIBLE, gop=60)), cached_s=0.2)

    assert not watching.output.is_ready
    watching.take_each(rest[:20])
    assert 0.3 < watching.durations[0] < 0.6


def test_no_segment_gets_longer_than_promised_when_the_camera_stretches_its_gops() -> None:
    watching = Watching(transport(gop_s=1.0, segment_s=1.0))
    watching.take_each(watching.begin(film(Recipe(seconds=8, gop=75)), cached_s=1.0))

    assert max(watching.durations) < 1.5
    assert numbers(watching.media()) == list(range(round(sum(watching.durations) * 15)))


def test_a_gop_that_was_never_seen_whole_is_waited_for_a_while() -> None:
    long = film(Recipe(seconds=8, gop=120))
    watching = Watching(transport(gop_s=None))
    rest = watching.begin(long, cached_s=1.0)

    watching.take_each([packet for packet in rest if seconds(packet) < 3.5 + seconds(long.packets[0])])
    assert not watching.output.is_ready
    watching.take_each([packet for packet in rest if seconds(packet) > 3.5 + seconds(long.packets[0])])
    assert watching.output.pace is not None
    assert watching.output.pace.target_s == 10


@pytest.mark.parametrize("make", [transport, fragments])
def test_pictures_lost_on_the_way_begin_a_new_stretch(make: Make) -> None:
    whole = film(Recipe(seconds=8))
    watching = Watching(make(segment_s=1.0))
    rest = watching.begin(whole, cached_s=2.0)
    begins = seconds(whole.packets[0])

    watching.take_each([packet for packet in rest if not 3.4 < seconds(packet) - begins < 5.7])

    assert watching.checker.discontinuities == 1
    assert max(watching.durations) <= 1.0


@pytest.mark.parametrize("make", [transport, fragments])
def test_a_camera_that_comes_back_goes_on_where_the_clock_is(
    make: Make,
) -> None:
    first = film(Recipe(seconds=3, audio=True))
    watching = Watching(make(segment_s=1.0))
    watching.take_each(watching.begin(first, cached_s=1.2))
    watching.take([TracksChanged(())])
    complete = len(watching.durations)
    again = [packet._replace(arrival_ns=packet.arrival_ns + 60_000_000_000) for packet in first.packets]
    watching.take([TracksChanged(first.tracks)])
    watching.take_each(again)

    assert watching.checker.discontinuities == 1
    assert len(watching.durations) == complete + 2
    listed = watching.output.window.listed
    jump = next(segment for segment in listed if segment.discontinuity)
    before = next(segment for segment in listed if segment.number == jump.number - 1)
    assert 56 < (jump.date_us - before.date_us) / 1e6 < 60
    if isinstance(watching.output, FragmentOutput):
        assert len(watching.output.inits) == 1, "the same coding needs no other init segment"


def test_parts_of_a_camera_that_hesitates_stay_within_their_target() -> None:
    uneven = film(Recipe(seconds=8, fps=10, gop=20))
    packets, late = [], 0
    for place, packet in enumerate(uneven.packets):
        late += 9000 if place % 7 == 3 else 0
        packets.append(packet._replace(dts=packet.dts + late, pts=packet.pts + late))
    output = fragments(gop_s=2.2)
    output.take([TracksChanged(uneven.tracks), *packets[:25]])
    output.take(packets[25:])

    assert output.pace is not None
    parts = [part for segment in output.window.listed for part in segment.parts]
    assert max(part.duration_s for part in parts) <= output.pace.part_s + 0.001


@pytest.mark.parametrize(
    ("fps", "gop_s", "segment_s", "target_s", "frames"),
    [
        (15, 1.0, 2.0, 2, 5),
        (15, 2.0, 2.0, 2, 6),
        (25, 2.0, 2.0, 2, 10),
        (30, 1.0, 2.0, 2, 15),
        (30, 4.0, 2.0, 4, 15),
        (25, 10.0, 2.0, 10, 10),
        (20, 1.5, 2.0, 3, 10),
        (5, 2.0, 2.0, 2, 2),
        (1, 4.0, 2.0, 4, 1),
        (60, 0.5, 1.0, 1, 30),
    ],
)
def test_the_pace_follows_from_the_camera(fps: int, gop_s: float, segment_s: float, target_s: int, frames: int) -> None:
    one = film(Recipe(seconds=2)).video_packets[0]
    packets = [one._replace(dts=number * 90_000 // fps) for number in range(fps + 2)]

    pace = find_pace(packets, gop_s, segment_s)

    assert pace is not None
    assert pace.target_s == target_s
    assert frames / fps <= pace.part_s < frames / fps / 0.85


def test_times_beyond_what_33_bits_can_count_are_carried() -> None:
    later = [p._replace(arrival_ns=p.arrival_ns + 94_000 * 10**9) for p in film(AUDIBLE).packets]
    output = transport()
    output.take([TracksChanged(film(AUDIBLE).tracks), *later])

    content = b"".join(part.content for segment in output.window.listed for part in segment.parts)
    assert numbers(content) == list(range(len(numbers(content))))
    assert len(numbers(content)) >= 6 * 15


def test_dates_agree_with_durations_and_follow_the_clock_slowly() -> None:
    dates = ProgramDates(lambda ns: ns // 1000)
    one = film(Recipe(seconds=2)).packets[0]
    began = [0]
    for number in range(1, 60):
        late_ns = 40_000_000 if number % 2 else 0
        came = one._replace(arrival_ns=number * 2_001_000_000 + late_ns)
        began.append(dates.begin(came, new_run=number == 1))
        dates.end(began[-1], 2.0)

    assert all(abs(after - before - 2_000_000) < 10_000 for before, after in pairwise(began[1:]))
    assert abs(began[-1] - 59 * 2_001_000) < 60_000


def test_the_window_holds_no_more_than_its_limit() -> None:
    window = Window(1, length=6, limit_bytes=10_000)
    for number in range(20):
        window.begin(number * 2_000_000, discontinuity=number % 3 == 0, target_s=2)
        window.add(Part(b"x" * 3000, 2.0, independent=True))
        window.complete()

    assert [segment.number for segment in window.listed] == [18, 19, 20]
    assert window.find(17) is None
    assert window.discontinuities == 5


def test_what_left_the_list_is_still_handed_out_while_the_list_may_be_in_use() -> None:
    window = Window(1, length=3)
    for number in range(20):
        window.begin(number * 2_000_000, discontinuity=False, target_s=2)
        window.add(Part(b"x", 2.0, independent=True))
        window.complete()

    assert [segment.number for segment in window.listed] == [18, 19, 20]
    assert window.find(14) is not None
    assert window.find(13) is None


def test_the_pace_that_was_promised_is_kept_unless_it_cannot_be() -> None:
    promised = Pace(2.0, 2, 0.4, 1 / 15)

    assert promised.widened(Pace(2.0, 1, 0.3, 1 / 30)) == Pace(2.0, 2, 0.4, 1 / 30)
    assert promised.widened(Pace(2.0, 4, 1.1, 1.0)) == Pace(2.0, 4, 1.1, 1.0)
