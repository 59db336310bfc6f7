"""Handing packets out: in order, to everybody, and a slow one loses only its own."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightnvr.media.hub import Hub, Subscription
from lightnvr.media.packets import MediaItem, MediaPacket, TracksChanged
from tests.rig.film import Recipe, film

_FILM = Recipe(seconds=3, audio=True)
_PLENTY = 1 << 30


def _taken(subscription: Subscription) -> list[MediaPacket]:
    return [item for item in subscription.take() if isinstance(item, MediaPacket)]


def test_everybody_gets_everything_in_order() -> None:
    hub, shown = Hub(), film(_FILM)
    subscriptions = [hub.subscribe(limit_bytes=_PLENTY, limit_s=60) for _ in range(3)]
    for item in shown.items:
        hub.publish(item)
    for subscription in subscriptions:
        assert subscription.take() == shown.items
        assert subscription.take() == []
        assert (subscription.dropped, subscription.overflows) == (0, 0)


def test_one_who_comes_late_is_told_the_tracks_first() -> None:
    hub, shown = Hub(), film(_FILM)
    assert hub.tracks == ()
    for item in shown.items[:10]:
        hub.publish(item)
    late = hub.subscribe(limit_bytes=_PLENTY, limit_s=60)
    hub.publish(shown.items[10])
    assert late.take() == [TracksChanged(shown.tracks), shown.items[10]]
    assert hub.tracks == shown.tracks


class _Defective:
    prompt = True

    def offer(self, item: MediaItem) -> None:
        raise ZeroDivisionError

    def close(self) -> None:
        pass


def test_one_that_fails_costs_the_others_nothing(caplog: pytest.LogCaptureFixture) -> None:
    hub, shown = Hub(), film(_FILM)
    first = hub.subscribe(limit_bytes=_PLENTY, limit_s=60)
    hub.attach(_Defective())
    last = hub.subscribe(limit_bytes=_PLENTY, limit_s=60)
    for item in shown.items:
        hub.publish(item)
    assert first.take() == last.take() == shown.items
    assert caplog.text.count("a consumer of a stream failed") == 1


def test_one_who_left_gets_nothing_more() -> None:
    hub, shown = Hub(), film(_FILM)
    gone, stays = (hub.subscribe(limit_bytes=_PLENTY, limit_s=60) for _ in range(2))
    hub.unsubscribe(gone)
    hub.publish(shown.packets[0])
    assert gone.closed
    assert gone.take() == []
    assert stays.take() == [shown.packets[0]]
    assert not stays.closed


def test_closing_wakes_the_one_who_waits() -> None:
    subscription = Subscription(1, 1)
    waiting = threading.Thread(target=subscription.wait, args=(60,))
    waiting.start()
    subscription.close()
    waiting.join(30)
    assert not waiting.is_alive()


def test_a_slow_one_loses_only_its_own_and_goes_on_with_a_keyframe_of_the_video() -> None:
    hub, shown = Hub(), film(_FILM)
    slow = hub.subscribe(limit_bytes=sum(packet.size for packet in shown.packets[:20]), limit_s=60)
    quick = hub.subscribe(limit_bytes=_PLENTY, limit_s=60)
    published = shown.items[:40]
    for item in published:
        hub.publish(item)
    assert slow.overflows == 1
    assert quick.take() == published
    kept = slow.take()
    assert isinstance(kept[0], TracksChanged)
    first = kept[1]
    assert isinstance(first, MediaPacket)
    assert first.is_keyframe
    assert first.track.kind == "video"
    assert kept[1:] == published[published.index(first) :]
    assert slow.dropped == published.index(first) - 1
    assert (quick.dropped, quick.overflows) == (0, 0)


def test_what_waits_too_long_is_dropped() -> None:
    shown = film(_FILM)
    subscription = Subscription(_PLENTY, 1.5)
    for packet in shown.packets:
        subscription.offer(packet)
    assert subscription.overflows == 1
    kept = _taken(subscription)
    assert subscription.dropped + len(kept) == len(shown.packets)
    assert kept[0].is_keyframe
    assert kept == list(shown.packets[-len(kept) :])


def test_one_who_reads_in_time_never_loses() -> None:
    shown = film(_FILM)
    subscription = Subscription(_PLENTY, 1.5)
    kept: list[MediaPacket] = []
    for packet in shown.packets:
        subscription.offer(packet)
        if len(kept) + 10 < shown.packets.index(packet):
            kept += _taken(subscription)
    assert kept + _taken(subscription) == list(shown.packets)
    assert subscription.overflows == 0


@given(
    st.lists(st.sampled_from(("packet", "packet", "packet", "tracks", "take")), max_size=150),
    st.integers(200, 4000),
    st.sampled_from((0.3, 1.0, 60.0)),
)
def test_every_packet_is_taken_or_counted_and_the_newest_tracks_always_precede_their_packets(
    steps: list[str], limit_bytes: int, limit_s: float
) -> None:
    shown = film(_FILM)
    subscription = Subscription(limit_bytes, limit_s)
    packets = iter(shown.packets)
    offered, taken, newest, announced = 0, list[MediaItem](), -1, list[TracksChanged]()
    valid_from: dict[MediaPacket, int] = {}
    for step in [*steps, "take"]:
        if step == "packet" and (packet := next(packets, None)) is not None:
            valid_from[packet] = newest
            subscription.offer(packet)
            offered += 1
        elif step == "tracks":
            announced.append(TracksChanged(shown.tracks * (len(announced) + 1)))
            newest = len(announced) - 1
            subscription.offer(announced[newest])
        elif step == "take":
            taken += subscription.take()
    known = -1
    for item in taken:
        if isinstance(item, TracksChanged):
            assert announced.index(item) > known
            known = announced.index(item)
        else:
            assert known == valid_from[item]
    kept = [item for item in taken if isinstance(item, MediaPacket)]
    assert kept == [packet for packet in shown.packets if packet in set(kept)]
    assert len(kept) + subscription.dropped == offered


def test_a_source_rests_no_longer_than_every_consumer_allows() -> None:
    hub = Hub()
    patient = hub.subscribe(limit_bytes=_PLENTY, limit_s=60, longest_rest_s=0.4)
    assert hub.longest_rest_s == 0.4
    usual = hub.subscribe(limit_bytes=_PLENTY, limit_s=60)
    assert hub.longest_rest_s == 0.1
    live = hub.subscribe(limit_bytes=_PLENTY, limit_s=60, prompt=True)
    assert hub.longest_rest_s == 0
    assert hub.batch_s == 0.4
    hub.unsubscribe(live)
    hub.unsubscribe(usual)
    assert hub.longest_rest_s == 0.4
    hub.unsubscribe(patient)
    assert hub.longest_rest_s <= 0.5


def test_a_rest_ends_when_somebody_comes_who_wants_each_packet() -> None:
    hub = Hub()
    resting = threading.Thread(target=hub.rest, args=(60,))
    resting.start()
    hub.subscribe(limit_bytes=_PLENTY, limit_s=60, prompt=True)
    resting.join(30)
    assert not resting.is_alive()


def test_a_rest_can_be_ended() -> None:
    hub = Hub()
    resting = threading.Thread(target=hub.rest, args=(60,))
    resting.start()
    hub.end_rest()
    resting.join(30)
    assert not resting.is_alive()
