"""The latest GOP, and who is handed it."""

from lightnvr.media.gop import LATEST, GopCache, Since
from lightnvr.media.hub import Hub
from lightnvr.media.packets import MediaItem, MediaPacket, TracksChanged
from tests.rig.film import Recipe, film

_FILM = Recipe(seconds=3, audio=True)


class Taking:
    """A consumer that keeps what it is handed."""

    prompt = True

    def __init__(self) -> None:
        self.items: list[MediaItem] = []

    def offer(self, item: MediaItem) -> None:
        self.items.append(item)

    def close(self) -> None:
        pass


def _latest_gop() -> list[MediaPacket]:
    packets = list(film(_FILM).packets)
    keyframes = [at for at, packet in enumerate(packets) if packet.is_keyframe and packet.track.kind == "video"]
    return packets[keyframes[-1] :]


def test_it_holds_pictures_and_sound_since_the_latest_keyframe() -> None:
    cache = GopCache()
    for packet in film(_FILM).packets:
        cache.add(packet)
    assert list(cache.since(LATEST)) == _latest_gop()
    assert cache.keyframe is _latest_gop()[0]


def test_a_gop_that_is_too_large_is_not_kept_and_the_next_one_is() -> None:
    packets = film(_FILM).video_packets
    cache = GopCache(limit_bytes=packets[0].size + 1)
    for packet in packets[:10]:
        cache.add(packet)
    assert list(cache.since(LATEST)) == []
    assert cache.keyframe is packets[0]
    cache.add(packets[0])
    assert list(cache.since(LATEST)) == [packets[0]]


def test_who_attaches_from_the_keyframe_misses_nothing_and_gets_nothing_twice() -> None:
    hub, shown, late, live = Hub(), film(_FILM), Taking(), Taking()
    for item in shown.items:
        hub.publish(item)
    hub.attach(late, since=LATEST)
    hub.attach(live)
    assert late.items == [TracksChanged(shown.tracks), *_latest_gop()]
    assert live.items == [TracksChanged(shown.tracks)]
    following = shown.after(3).packets
    for packet in following:
        hub.publish(packet)
    assert late.items[-len(following) :] == list(following)
    assert len(late.items) == 1 + len(_latest_gop()) + len(following)


def test_nothing_is_left_of_tracks_that_are_gone() -> None:
    hub, late = Hub(), Taking()
    for item in film(_FILM).items:
        hub.publish(item)
    hub.publish(TracksChanged(()))
    hub.attach(late, since=LATEST)
    assert late.items == [TracksChanged(())]
    assert hub.latest_keyframe is None


def test_packets_are_prompt_only_while_somebody_wants_them_so() -> None:
    hub, one = Hub(), Taking()
    prompt = [hub.longest_rest_s == 0]
    hub.attach(one)
    prompt.append(hub.longest_rest_s == 0)
    hub.detach(one)
    prompt.append(hub.longest_rest_s == 0)
    assert prompt == [False, True, False]


def _packet(number: int, *, keyframe_every: int = 5) -> MediaPacket:
    """One of ten pictures a second, a keyframe every half second."""
    like = film(_FILM).video_packets[0]
    return like._replace(
        dts=number, pts=number, is_keyframe=number % keyframe_every == 0, arrival_ns=number * 100_000_000, size=1000
    )


def test_what_is_kept_reaches_back_as_asked_and_by_less_than_a_gop_further() -> None:
    hub = Hub()
    hub.keep(2.0, 10**9)
    for number in range(101):
        hub.publish(_packet(number))
        kept = Taking()
        hub.attach(kept, since=Since(0, -1))
        hub.detach(kept)
        first = kept.items[0]
        assert isinstance(first, MediaPacket)
        assert max(0, number - 24) <= first.dts <= max(0, number - 20)
        assert hub.kept_bytes == 1000 * len(kept.items)
    hub.keep(0.0, 0)
    assert hub.kept_bytes == 1000


def test_too_many_bytes_are_not_kept_and_that_is_counted() -> None:
    hub = Hub()
    hub.keep(60.0, 20_000)
    for number in range(100):
        hub.publish(_packet(number))
        assert hub.kept_bytes <= 20_000
    assert hub.shortened == 16


def test_what_is_wanted_begins_with_the_keyframe_before_and_after_what_was_recorded() -> None:
    hub = Hub()
    hub.keep(60.0, 10**9)
    for number in range(50):
        hub.publish(_packet(number))

    def first(at: int, after: int = -1) -> int | None:
        taking = Taking()
        hub.attach(taking, since=Since(at * 100_000_000, after * 100_000_000))
        hub.detach(taking)
        numbers = [item.dts for item in taking.items if isinstance(item, MediaPacket)]
        assert numbers == list(range(numbers[0], 50)) if numbers else True
        return numbers[0] if numbers else None

    assert [first(0), first(4), first(5), first(23), first(99)] == [0, 0, 5, 20, 45]
    assert [first(23, 19), first(23, 20), first(23, 22), first(99, 45)] == [20, 25, 25, None]


def test_what_is_kept_for_long_comes_back_as_it_was() -> None:
    shown = film(_FILM)
    cache = GopCache()
    cache.keep(60, 1_000_000_000)
    for packet in shown.packets:
        cache.add(packet)
    first = shown.video_packets[0]
    expected = list(shown.packets)[list(shown.packets).index(first) :]
    kept = list(cache.since(Since(first.arrival_ns)))
    assert [(bytes(packet.payload), packet._replace(payload=first.payload)) for packet in kept] == [
        (bytes(packet.payload), packet._replace(payload=first.payload)) for packet in expected
    ]
    assert cache.size_bytes == sum(packet.size for packet in expected)
