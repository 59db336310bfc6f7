"""What waits for webhooks is delivered: in order, again after failures, and to each one whatever the others do."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from lightnvr.events.model import ChangeKind
from lightnvr.events.telling.outbox import Outbox
from lightnvr.events.telling.webhooks.delivery import GIVE_UP_S, WebhookTeller
from lightnvr.events.telling.webhooks.model import Filters, Webhook
from lightnvr.events.telling.webhooks.posting import PostingRules
from lightnvr.events.telling.webhooks.store import WebhookStore
from tests.integration.telling.conftest import NOW_US, YARD, PlainSeal, Teller
from tests.integration.telling.test_outbox import written
from tests.integration.telling.test_posting import Receiver, receiver
from tests.rig.nvr import eventually

NOW_S = NOW_US / 1e6


@dataclass(slots=True)
class Clock:
    """A clock that stands until it is set, and whoever pauses by it waits until `go_on`."""

    now_s: float = NOW_S
    pauses: list[float] = field(default_factory=list)
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    async def pause(self, seconds: float) -> None:
        """Note the pause and wait until it is over."""
        self.pauses.append(seconds)
        self._over.clear()
        await self._over.wait()

    def go_on(self, now_s: float) -> None:
        """End the pause at this time."""
        self.now_s = now_s
        self._over.set()


@asynccontextmanager
async def delivering(teller: Teller, outbox: Outbox, clock: Clock | None = None) -> AsyncIterator[WebhookTeller]:
    """Deliver what made-up changes say while the context is open."""
    store = WebhookStore(teller.database, PlainSeal(), lambda: NOW_S)
    service = WebhookTeller(
        store,
        outbox,
        PostingRules(timeout_s=2),
        lambda: clock.now_s if clock else NOW_S,
        lambda _at: 0,
        clock.pause if clock else asyncio.sleep,
    )
    await service.start()
    teller.changes.follow(service.changed)
    try:
        yield service
    finally:
        teller.changes.unfollow(service.changed)
        await service.close()


def ids(there: Receiver) -> list[str]:
    """The ids of the messages that arrived."""
    return [json.loads(got.partition(b"\r\n\r\n")[2])["id"] for got in there.got]


async def test_each_one_is_told_what_it_wants_though_another_stalls(teller: Teller) -> None:
    async with (
        written(teller.database, NOW_S) as outbox,
        receiver() as there,
        receiver(b"") as stalling,
        delivering(teller, outbox) as service,
    ):
        await service.put(Webhook(0, "stalls", stalling.url, ""))
        await service.put(Webhook(0, "yard", there.url, "secret", filters=Filters(frozenset({YARD.name}))))
        teller.changes.happen(ChangeKind.BEGAN, "person")
        teller.changes.happen(ChangeKind.BEGAN, "cat", stream=YARD)
        teller.changes.happen(ChangeKind.ENDED, stream=YARD)
        await eventually(lambda: ids(there) == ["change-2", "change-3"], lambda: str(ids(there)))


async def test_a_receiver_that_fails_gets_it_after_a_restart_and_learns_nothing_new_twice(teller: Teller) -> None:
    async with written(teller.database, NOW_S) as outbox, receiver(b"HTTP/1.1 503 Busy\r\n\r\n") as there:
        async with delivering(teller, outbox) as service:
            made = await service.put(Webhook(0, "there", there.url, "secret"))
            teller.changes.happen(ChangeKind.BEGAN, "person")
            await eventually(lambda: len(there.got) >= 1, "it is tried")
            await eventually(lambda: made.id in service.results, "the failure is noted")
            assert service.results[made.id].status == 503
        there.answer = b"HTTP/1.1 200 OK\r\n\r\n"
        async with delivering(teller, outbox) as service:
            assert service.get(made.id).secret == "secret"
            await eventually(lambda: outbox.waiting()[made.destination] == 0, "it is delivered")
            assert service.results[made.id].delivered
            assert set(ids(there)) == {"change-1"}


async def test_what_is_refused_for_good_is_given_up_and_a_test_goes_out_at_once(teller: Teller) -> None:
    async with (
        written(teller.database, NOW_S) as outbox,
        receiver(b"HTTP/1.1 410 Gone\r\n\r\n") as there,
        delivering(teller, outbox) as service,
    ):
        made = await service.put(Webhook(0, "there", there.url, ""))
        teller.changes.happen(ChangeKind.BEGAN, "person")
        await eventually(lambda: service.given_up == 1, "it is given up")
        result = await service.test(made.id)
        assert (result.delivered, result.status) == (False, 410)
        await service.remove(made.id)
        assert service.every() == []


async def test_a_receiver_that_wants_to_be_left_alone_is_but_not_for_ever(teller: Teller) -> None:
    clock = Clock()
    async with (
        written(teller.database, NOW_S) as outbox,
        receiver(b"HTTP/1.1 429 Slow\r\nRetry-After: 90\r\n\r\n") as there,
        delivering(teller, outbox, clock) as service,
    ):
        await service.put(Webhook(0, "there", there.url, ""))
        teller.changes.happen(ChangeKind.BEGAN, "person")
        await eventually(lambda: clock.pauses == [90.0], lambda: str(clock.pauses))
        there.answer = b"HTTP/1.1 503 Busy\r\nRetry-After: 999999999\r\n\r\n"
        clock.go_on(NOW_S + 90)
        await eventually(lambda: clock.pauses == [90.0, 3600.0], lambda: str(clock.pauses))
        assert ids(there) == ["change-1", "change-1"]


async def test_a_message_is_tried_for_a_day_and_then_given_up_for_the_next_one(teller: Teller) -> None:
    clock = Clock()
    async with (
        written(teller.database, NOW_S) as outbox,
        receiver(b"HTTP/1.1 503 Busy\r\n\r\n") as there,
        delivering(teller, outbox, clock) as service,
    ):
        await service.put(Webhook(0, "there", there.url, ""))
        teller.changes.happen(ChangeKind.BEGAN, "person")
        await eventually(lambda: len(clock.pauses) == 1, "it is to be tried again")
        clock.go_on(NOW_S + GIVE_UP_S)
        await eventually(lambda: len(clock.pauses) == 2, "it is still tried at the end of the day")
        assert service.given_up == 0
        clock.go_on(NOW_S + GIVE_UP_S + 1)
        await eventually(lambda: service.given_up == 1, "it is given up")
        there.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
        teller.changes.happen(ChangeKind.ENDED)
        await eventually(lambda: ids(there)[-1:] == ["change-2"], lambda: str(ids(there)))
        assert ids(there) == ["change-1"] * 3 + ["change-2"]


class _Together(WebhookStore):
    """A store that answers two who ask at about the same time at the same moment."""

    both = asyncio.Barrier(2)

    async def every(self) -> list[Webhook]:
        """See WebhookStore."""
        found = await super().every()
        with suppress(TimeoutError, asyncio.BrokenBarrierError):
            await asyncio.wait_for(self.both.wait(), 0.5)
        return found


async def test_two_changes_at_the_same_time_leave_one_task_that_delivers(teller: Teller) -> None:
    async with written(teller.database, NOW_S) as outbox:
        store = _Together(teller.database, PlainSeal(), lambda: NOW_S)
        service = WebhookTeller(store, outbox, PostingRules(), lambda: NOW_S, lambda _at: 0)
        made = await service.put(Webhook(0, "there", "http://127.0.0.1:9/", "secret"))
        await asyncio.gather(service.put(made), service.put(made))
        assert len([task for task in asyncio.all_tasks() if task.get_name() == made.destination]) == 1
        await service.close()
        assert not [task for task in asyncio.all_tasks() if task.get_name() == made.destination]
