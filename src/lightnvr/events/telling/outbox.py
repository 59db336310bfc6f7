"""The outbox: messages that wait in the database until their destination has taken them."""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from lightnvr.db.engine import Database
from lightnvr.db.telling_tables import outbox

_TRY_AGAIN_S = 1.0
_MOST_UNWRITTEN = 1000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way. `content` is JSON; `created_at` seconds since 1970 UTC."""

    id: int
    destination: str
    content: str
    created_at: int


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """What may wait for one destination: how many messages, and how many bytes of content in all."""

    messages: int = 10_000
    size: int = 16 * 2**20


@dataclass(slots=True)
class _Box:
    """What waits for one destination: the size of each message by its id, the oldest first."""

    sizes: OrderedDict[int, int] = field(default_factory=OrderedDict)
    size: int = 0
    dropped: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, letter_id: int, size: int) -> None:
        self.sizes[letter_id] = size
        self.size += size
        self.arrived.set()

    def remove(self, letter_id: int) -> None:
        self.size -= self.sizes.pop(letter_id, 0)

    def over(self, limits: OutboxLimits) -> list[int]:
        """Remove and return the oldest while there are too many. The newest always stays."""
        gone: list[int] = []
        while len(self.sizes) > 1 and (len(self.sizes) > limits.messages or self.size > limits.size):
            letter_id, size = self.sizes.popitem(last=False)
            self.size -= size
            gone.append(letter_id)
        return gone


class Outbox:
    """Keeps messages in order for each destination, and over a restart. Belongs to the event loop.

    A message is taken out when it was handed over and not before, so it can arrive twice. When too much waits for a
    destination its oldest messages are dropped, and counted.
    """

    def __init__(
        self,
        database: Database,
        now: Callable[[], float],
        limits: OutboxLimits = OutboxLimits(),
    ) -> None:
        """`now` gives seconds since 1970 UTC."""
        self._database = database
        self._now = now
        self._limits = limits
        self._boxes: dict[str, _Box] = {}
        self._unwritten: deque[tuple[str, str, int]] = deque()
        self._came = asyncio.Event()
        self._turn = asyncio.Lock()
        self._is_closing = False
        self.error = ""
        """Why messages cannot be written at the moment, or empty."""

    async def load(self) -> None:
        """Look what waits since the last run."""
        size = func.length(outbox.c.content)
        query = select(outbox.c.id, outbox.c.destination, size).order_by(outbox.c.id)
        async with self._database.reading.connect() as connection:
            for letter_id, destination, length in await connection.execute(query):
                self._box(destination).add(letter_id, length)

    def put(self, destination: str, content: str) -> None:
        """Take a message. It is in the database a moment later."""
        self._unwritten.append((destination, content, int(self._now())))
        while len(self._unwritten) > _MOST_UNWRITTEN:
            lost, _, _ = self._unwritten.popleft()
            self._box(lost).dropped += 1
        self._came.set()

    async def run(self) -> None:
        """Write what comes, in batches, until `close`; then what still waits, if the database takes it."""
        while True:
            await self._came.wait()
            self._came.clear()
            is_written = await self._write()
            if self._is_closing:
                return
            if not is_written:
                await asyncio.sleep(_TRY_AGAIN_S)
                self._came.set()

    def close(self) -> None:
        """Have `run` return."""
        self._is_closing = True
        self._came.set()

    async def _write(self) -> bool:
        async with self._turn:
            batch, self._unwritten = self._unwritten, deque()
            if not batch:
                return True
            try:
                await self._store(batch)
            except (SQLAlchemyError, OSError) as error:
                if not self.error:
                    log.error("messages about events cannot be written to the database: %s", error)
                self.error = f"Messages about events cannot be written to the database: {type(error).__name__}."
                self._unwritten.extendleft(reversed(batch))
                return False
            self.error = ""
            return True

    async def _store(self, batch: Iterable[tuple[str, str, int]]) -> None:
        async with self._database.writing.begin() as connection:
            ids = [
                (
                    await connection.execute(
                        insert(outbox)
                        .values(destination=destination, content=content, created_at=created_at)
                        .returning(outbox.c.id)
                    )
                ).scalar_one()
                for destination, content, created_at in batch
            ]
        # Not before the commit: nobody may be told of what is not there.
        gone: list[int] = []
        for (destination, content, _), letter_id in zip(batch, ids, strict=True):
            box = self._box(destination)
            box.add(letter_id, len(content))
            over = box.over(self._limits)
            box.dropped += len(over)
            gone += over
        if gone:
            await self._delete(gone)

    async def _delete(self, ids: Sequence[int]) -> None:
        async with self._database.writing.begin() as connection:
            for first in range(0, len(ids), 500):
                await connection.execute(delete(outbox).where(outbox.c.id.in_(ids[first : first + 500])))

    async def next(self, destination: str) -> Letter:
        """Wait for the oldest message for a destination, and return it. It stays until it is `done`."""
        box = self._box(destination)
        while True:
            if not box.sizes:
                box.arrived.clear()
                await box.arrived.wait()
            letter_id = next(iter(box.sizes))
            query = select(outbox).where(outbox.c.id == letter_id)
            async with self._database.reading.connect() as connection:
                row = (await connection.execute(query)).one_or_none()
            if row is not None:
                return Letter(row.id, row.destination, row.content, row.created_at)
            box.remove(letter_id)

    async def done(self, letter: Letter) -> None:
        """Take out a message: it was handed over, or is given up."""
        async with self._turn:
            await self._delete([letter.id])
            self._box(letter.destination).remove(letter.id)

    async def forget(self, destination: str) -> None:
        """Take out everything for a destination that is no more."""
        async with self._turn:
            self._boxes.pop(destination, None)
            async with self._database.writing.begin() as connection:
                await connection.execute(delete(outbox).where(outbox.c.destination == destination))

    def waiting(self) -> dict[str, int]:
        """Return how many messages wait, by destination."""
        return {destination: len(box.sizes) for destination, box in self._boxes.items()}

    def dropped(self) -> dict[str, int]:
        """Return how many were dropped since the start, by destination."""
        return {destination: box.dropped for destination, box in self._boxes.items()}

    def _box(self, destination: str) -> _Box:
        return self._boxes.setdefault(destination, _Box())
