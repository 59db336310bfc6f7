"""The first packets of a connection carry the time at which they really came."""

from hypothesis import given
from hypothesis import strategies as st

from lightnvr.media.backdating import Backdating
from lightnvr.media.packets import MediaItem, MediaPacket, TracksChanged
from tests.rig.film import START_NS, Film, Recipe, film


def _gathered(shown: Film, gathered_s: float) -> list[MediaPacket]:
    """The packets as FFmpeg gives them: those of the first seconds all at once at their end."""
    at_once_ns = START_NS + int(gathered_s * 1e9)
    return [packet._replace(arrival_ns=max(packet.arrival_ns, at_once_ns)) for packet in shown.packets]


def _publish(packets: list[MediaPacket], tracks: TracksChanged, caught_up_at: MediaPacket) -> list[MediaItem]:
    published: list[MediaItem] = []
    backdating = Backdating(published.append)
    backdating.publish(tracks)
    for packet in packets:
        backdating.publish(packet)
        if packet is caught_up_at:
            assert packet.track.kind == "video"
            backdating.caught_up()
    return published


def test_what_was_gathered_is_dated_back() -> None:
    shown = film(Recipe(audio=True))
    packets = _gathered(shown, 1.5)
    first_awaited = next(p for p in packets if p.track.kind == "video" and p.arrival_ns > START_NS + 1_500_000_000)
    published = _publish(packets, TracksChanged(shown.tracks), first_awaited)
    assert published[0] == TracksChanged(shown.tracks)
    found = [item for item in published if isinstance(item, MediaPacket)]
    assert [(p.dts, p.track) for p in found] == [(p.dts, p.track) for p in packets]
    for item, true in zip(found, shown.packets, strict=True):
        if item.track.kind == "video":
            assert abs(item.arrival_ns - true.arrival_ns) < 2_000_000
        else:
            assert item.arrival_ns >= true.arrival_ns


@given(st.floats(0, 4), st.integers(0, 59))
def test_nothing_is_lost_doubled_reordered_or_dated_forward(gathered_s: float, caught_up: int) -> None:
    shown = film(Recipe(audio=True))
    packets = _gathered(shown, gathered_s)
    at = [packet for packet in packets if packet.track.kind == "video"][caught_up]
    published = _publish(packets, TracksChanged(shown.tracks), at)
    found = [item for item in published if isinstance(item, MediaPacket)]
    rest = packets[: len(found)]
    assert [(p.dts, p.track) for p in found] == [(p.dts, p.track) for p in rest]
    assert len(rest) == len(packets)
    assert all(item.arrival_ns <= given.arrival_ns for item, given in zip(found, rest, strict=True))


def test_what_is_held_is_bounded_though_nothing_is_ever_waited_for() -> None:
    shown, published = film(Recipe(seconds=42, audio=True)), list[MediaItem]()
    backdating = Backdating(published.append)
    for packet in shown.packets:
        backdating.publish(packet._replace(arrival_ns=START_NS))
    assert len(published) >= len(shown.packets) - 1000
