"""Messages wait in the database: in order, over restarts, and only so many."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import create_async_engine

from lightnvr.db.engine import Database
from lightnvr.events.telling.outbox import Outbox, OutboxLimits
from tests.integration.telling.conftest import Teller
from tests.rig.nvr import eventually

_ROOM = OutboxLimits(messages=3, size=1000)


@asynccontextmanager
async def written(database: Database, now: float = 1000.0) -> AsyncIterator[Outbox]:
    """An outbox with little room that is written while the context is open."""
    outbox = Outbox(database, lambda: now, _ROOM)
    await outbox.load()
    writing = asyncio.create_task(outbox.run())
    try:
        yield outbox
    finally:
        outbox.close()
        await writing


async def test_the_oldest_are_dropped_and_counted_for_each_destination_alone(teller: Teller) -> None:
    async with written(teller.database) as outbox:
        outbox.put("quiet", "stays")
        for number in range(5):
            outbox.put("busy", str(number))
        await eventually(lambda: outbox.dropped().get("busy") == 2, "two too many")
        assert outbox.waiting() == {"quiet": 1, "busy": 3}
        assert outbox.dropped()["quiet"] == 0
        assert (await outbox.next("busy")).content == "2"
        outbox.put("busy", "x" * 999)
        await eventually(lambda: outbox.dropped()["busy"] == 4, "too large together")
        assert outbox.waiting()["busy"] == 2


async def test_what_was_not_handed_over_is_there_after_a_restart(teller: Teller) -> None:
    async with written(teller.database) as outbox:
        for number in range(3):
            outbox.put("there", str(number))
        await outbox.done(await outbox.next("there"))
    async with written(teller.database) as outbox:
        assert outbox.waiting() == {"there": 2}
        first = await outbox.next("there")
        assert (first.content, first.created_at) == ("1", 1000)
        await outbox.done(first)
        await outbox.forget("there")
        assert outbox.waiting() == {}
    async with written(teller.database) as outbox:
        assert outbox.waiting() == {}


async def test_what_cannot_be_written_when_all_connections_are_taken_is_written_later(teller: Teller) -> None:
    few = create_async_engine(teller.database.reading.url, pool_size=1, max_overflow=0, pool_timeout=0.1)
    async with written(Database(few, few)) as outbox:
        async with few.connect():
            outbox.put("there", "first")
            await eventually(lambda: outbox.error != "", "it cannot be written")
        await eventually(lambda: outbox.waiting() == {"there": 1}, "it is written")
        assert outbox.error == ""
    await few.dispose()


async def test_whoever_waits_for_a_message_gets_the_next_one(teller: Teller) -> None:
    async with written(teller.database) as outbox:
        waiting = asyncio.create_task(outbox.next("there"))
        outbox.put("there", "news")
        assert (await waiting).content == "news"
