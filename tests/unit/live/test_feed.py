"""The queue between a source's thread and the event loop."""

import asyncio

import pytest

from lightnvr.live.feed import Feed
from lightnvr.media.packets import TracksChanged
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
    shown = film(Recipe(seconds=2))
    feed = Feed(asyncio.get_running_loop(), sum(packet.size for packet in shown.packets[:15]) - 1)
    for item in shown.items[: 1 + 15 + 3]:
        feed.offer(item)
    assert feed.dropped == 15
    async with asyncio.timeout(10):
        assert await feed.take() == [TracksChanged(shown.tracks), *shown.packets[15:18]]


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
