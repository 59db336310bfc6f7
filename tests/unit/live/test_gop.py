"""The latest GOP, and who is handed it."""

from lightnvr.media.gop import GopCache
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
    assert list(cache.packets) == _latest_gop()
    assert cache.keyframe is _latest_gop()[0]


def test_a_gop_that_is_too_large_is_not_kept_and_the_next_one_is() -> None:
    packets = film(_FILM).video_packets
    cache = GopCache(limit_bytes=packets[0].size + 1)
    for packet in packets[:10]:
        cache.add(packet)
    assert list(cache.packets) == []
    assert cache.keyframe is packets[0]
    cache.add(packets[0])
    assert list(cache.packets) == [packets[0]]


def test_who_attaches_from_the_keyframe_misses_nothing_and_gets_nothing_twice() -> None:
    hub, shown, late, live = Hub(), film(_FILM), Taking(), Taking()
    for item in shown.items:
        hub.publish(item)
    hub.attach(late, from_keyframe=True)
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
    hub.attach(late, from_keyframe=True)
    assert late.items == [TracksChanged(())]
    assert hub.latest_keyframe is None


def test_packets_are_prompt_only_while_somebody_wants_them_so() -> None:
    hub, one = Hub(), Taking()
    prompt = [hub.prompt]
    hub.attach(one)
    prompt.append(hub.prompt)
    hub.detach(one)
    prompt.append(hub.prompt)
    assert prompt == [False, True, False]
