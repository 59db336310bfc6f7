"""The queue between a source's thread and the event loop."""

import asyncio

import pytest

from lightnvr.live.feed import Feed
from lightnvr.media.packets import MediaPacket, TracksChanged
from tests.rig.film import Recipe, film

pytestmark = pytest.mark.anyio

_PLENTY = 1 << 30
_FILM = Recipe(seconds=3, audio=True)


async def test_it_brings_everything_in_order_from_another_thread() -> None:
    feed, items = Feed(asyncio.get_running_loop(), _PLENTY), film(_FILM).items

    def publish() -> None:
        for item in items:
            feed.offer(item)
        feed.close()

    publishing = asyncio.create_task(asyncio.to_thread(publish))
    taken = []
    while some := await feed.take():
        taken += some
    await publishing
    assert taken == items
    assert feed.dropped == 0


async def test_one_that_falls_behind_loses_what_waits_and_goes_on_with_a_keyframe() -> None:
    shown = film(_FILM)
    feed = Feed(asyncio.get_running_loop(), sum(packet.size for packet in shown.packets[:20]))
    for item in shown.items:
        feed.offer(item)
    taken = await feed.take()
    assert taken[0] == TracksChanged(shown.tracks)
    packets = [item for item in taken if isinstance(item, MediaPacket)]
    assert packets[0].is_keyframe
    assert packets[0].track.kind == "video"
    assert packets == list(shown.packets[-len(packets) :])
    assert feed.dropped == len(shown.packets) - len(packets) > 0


async def test_other_tracks_are_not_lost_with_the_packets() -> None:
    shown, other = film(Recipe(seconds=1)), film(Recipe(seconds=1, width=320, height=240))
    feed = Feed(asyncio.get_running_loop(), max(shown.packets[0].size, other.packets[0].size))
    for item in (*shown.items, *other.items[:2]):
        feed.offer(item)
    assert (await feed.take())[:1] == [TracksChanged(other.tracks)]


async def test_what_waits_is_still_given_after_the_end() -> None:
    feed, items = Feed(asyncio.get_running_loop(), _PLENTY), film(_FILM).items
    feed.offer(items[0])
    feed.close()
    assert await feed.take() == [items[0]]
    assert await feed.take() == []
