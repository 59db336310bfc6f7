"""A source rests until the picture comes that completes a batch, and never for long."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.media.arrivals import Arrivals
from lightnvr.media.resting import Resting

_TIME_BASE = Fraction(1, 90_000)
_S = 1_000_000_000
_START_NS = 7 * _S


class _Camera:
    """A source that reads `fps` pictures a second, with a keyframe every two seconds."""

    def __init__(self, fps: int, longest_s: float, bits_per_s: int = 2_000_000, pace: float = 1.0) -> None:
        self.fps = fps
        self.pace = pace
        self.resting = Resting(_TIME_BASE)
        self.resting.drained(_START_NS)
        self.longest_s, self.bits_per_s = longest_s, bits_per_s
        self.resting.allow(0.5, longest_s, bits_per_s)
        self.arrivals = Arrivals(_TIME_BASE)
        self.next = 0
        self.now_ns = _START_NS

    def came_ns(self, index: int) -> int:
        return _START_NS + int(index * _S / self.fps / self.pace)

    def read_batch(self) -> int:
        """Read up to where the source rests; return how many pictures that was."""
        began = self.next
        while True:
            index, waits = self.next, self.came_ns(self.next) > self.now_ns
            asked_ns = self.now_ns
            self.now_ns = max(self.now_ns, self.came_ns(index))
            self.next += 1
            keyframe, dts = index % (2 * self.fps) == 0, index * 90_000 // self.fps
            self.arrivals.note(dts, self.now_ns)
            drained = waits and not self.resting.is_overdue(self.now_ns - self.arrivals.due_ns)
            if drained:
                self.arrivals.taken_until(asked_ns)
                self.resting.drained(self.now_ns)
            completes = self.resting.completes(dts, self.arrivals.came_ns(self.now_ns), keyframe=keyframe)
            if waits or completes:
                break
        self.resting.allow(0.5, self.longest_s, self.bits_per_s)
        self.now_ns += self.resting.rest_ns(self.now_ns)
        return self.next - began


@pytest.mark.parametrize("longest_s", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("bits_per_s", [500_000, 4_800_000, 11_000_000, 40_000_000])
@pytest.mark.parametrize("fps", [5, 12, 15, 25, 30, 60])
def test_every_fragment_is_read_when_it_has_just_become_complete(fps: int, bits_per_s: int, longest_s: float) -> None:
    camera = _Camera(fps, longest_s, bits_per_s)
    began = 0
    while camera.next < 20 * fps:
        first, read_ns = camera.next, camera.now_ns
        camera.read_batch()
        for index in range(first, camera.next):
            # The cutting rule of the muxer: with a keyframe, or half a second after the fragment began.
            if index % (2 * fps) == 0 or (index - began) / fps >= 0.5:
                late_ns = max(read_ns, camera.came_ns(index)) - camera.came_ns(began)
                assert late_ns <= 0.5 * _S + _S / fps + 50_000_000
                began = index


def test_a_camera_is_read_about_twice_a_second() -> None:
    camera = _Camera(15, 0.5)
    batches = 0
    while camera.next < 15 * 60:
        camera.read_batch()
        batches += 1
    assert batches <= 60 * 3.5


def test_there_is_no_rest_when_each_packet_is_wanted_at_once() -> None:
    camera = _Camera(15, 0.0)
    for _ in range(50):
        camera.read_batch()
        assert camera.now_ns == camera.came_ns(camera.next - 1)


def test_no_more_gathers_than_a_camera_can_keep() -> None:
    camera = _Camera(30, 0.5, bits_per_s=20_000_000)
    for _ in range(100):
        assert camera.read_batch() / 30 * 20_000_000 / 8 <= 450_000


@pytest.mark.parametrize("pace", [0.97, 1.0, 1.1, 3.0])
def test_a_camera_whose_clock_is_wrong_is_read_as_fast_as_it_sends(pace: float) -> None:
    camera = _Camera(15, 0.5, pace=pace)
    behind_ns: list[int] = []
    for _ in range(400):
        camera.read_batch()
        behind_ns.append(camera.now_ns - camera.came_ns(camera.next))
    assert max(behind_ns) <= 1.2 * _S
    if pace > 2:
        assert max(behind_ns[50:]) <= 0.2 * _S


def test_a_busy_machine_at_the_start_is_not_taken_for_a_camera_that_is_read() -> None:
    resting, arrivals = Resting(_TIME_BASE), Arrivals(_TIME_BASE)
    resting.allow(0.5, 0.5, 0)
    # Two seconds of pictures gathered while the camera was looked at, and some take a while to be read.
    now_ns = _START_NS + 2 * _S
    for index in range(30):
        dts = index * 6000
        if index % 4 == 3:
            now_ns += 5_000_000
            resting.drained(now_ns)
        arrivals.note(dts, now_ns)
        completes = resting.completes(dts, arrivals.came_ns(now_ns), keyframe=not index)
        assert not completes
        if index % 4 == 3:
            assert resting.rest_ns(now_ns) <= 0.1 * _S
            now_ns += resting.rest_ns(now_ns)


def test_a_camera_that_the_receive_window_held_back_is_not_taken_for_read_until_it_has_caught_up() -> None:
    camera = _Camera(15, 0.5)
    for _ in range(40):
        camera.read_batch()
    step_ns = _S // 15
    overdue = []
    # Pictures have to be waited for, and yet come later and later: the window was full while the source rested.
    for late_ns in (0, step_ns, 3 * step_ns, 5 * step_ns, 2 * step_ns, step_ns, 0):
        index = camera.next
        camera.next += 1
        read_ns = camera.came_ns(index) + late_ns
        camera.arrivals.note(index * 6000, read_ns)
        overdue.append(camera.resting.is_overdue(read_ns - camera.arrivals.due_ns))
    assert overdue == [False, False, True, True, False, False, False]


@given(
    st.lists(
        st.tuples(st.none() | st.integers(-(1 << 40), 1 << 40), st.integers(0, 1 << 34), st.booleans(), st.booleans())
    )
)
def test_no_timestamps_make_a_rest_longer_than_two_batches(
    pictures: list[tuple[int | None, int, bool, bool]],
) -> None:
    resting, now_ns = Resting(_TIME_BASE), _START_NS
    resting.allow(0.5, 0.5, 0)
    for dts, later_ns, keyframe, waited in pictures:
        now_ns += later_ns
        if waited:
            resting.drained(now_ns)
        resting.completes(dts, now_ns, keyframe=keyframe)
        assert 0 <= resting.rest_ns(now_ns) <= 1.1 * _S
