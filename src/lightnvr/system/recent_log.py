"""What was logged lately, in memory: for whoever asks, and for whoever follows it as it comes."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_MOST_ENTRIES = 5000
_MOST_CHARACTERS = 1_000_000
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line. `number` counts from 1 at the start of the process; `at_us` is in microseconds since 1970 UTC.

    `text` is what was logged, with the traceback of an exception below it.
    """

    number: int
    at_us: int
    level: int
    logger: str
    text: str


class _Follower:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.news = asyncio.Event()


class RecentLog(logging.Handler):
    """Keeps the last 5000 entries, a million characters at most. Any thread may log; entries are read on the loop."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: deque[LogEntry] = deque(maxlen=_MOST_ENTRIES)
        self._characters = 0
        self._number = 0
        self._followers: list[_Follower] = []
        self._guard = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record. See logging.Handler."""
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - a message with wrong arguments must not stop who logs it
            self.handleError(record)
            return
        if len(text) > _LONGEST:
            text = text[:_LONGEST] + "…"
        with self._guard:
            self._number += 1
            if len(self._entries) == _MOST_ENTRIES:
                self._characters -= len(self._entries[0].text)
            at_us = round(record.created * 1e6)
            self._entries.append(LogEntry(self._number, at_us, record.levelno, record.name, text))
            self._characters += len(text)
            while self._characters > _MOST_CHARACTERS:
                self._characters -= len(self._entries.popleft().text)
            followers = list(self._followers)
        for follower in followers:
            try:
                follower.loop.call_soon_threadsafe(follower.news.set)
            except RuntimeError:
                # The loop is closed: nobody follows any more, and the process is ending.
                continue

    def latest(self, count: int, *, level: int = 0, after_us: int = 0) -> list[LogEntry]:
        """Return the last `count` entries of this level or above that came after `after_us`, oldest first."""
        found: list[LogEntry] = []
        for entry in reversed(self._snapshot()):
            if len(found) == count:
                break
            if entry.level >= level and entry.at_us > after_us:
                found.append(entry)
        found.reverse()
        return found

    def since(self, number: int) -> list[LogEntry]:
        """Return all entries that are still here and were made after this one, oldest first."""
        return [entry for entry in self._snapshot() if entry.number > number]

    @property
    def number(self) -> int:
        """That of the latest entry."""
        return self._number

    def clear(self) -> None:
        """Forget all entries; their numbers go on."""
        with self._guard:
            self._entries.clear()
            self._characters = 0

    @contextmanager
    def followed(self) -> Iterator[asyncio.Event]:
        """Give an event that is set with each entry. It is for the one who waits for it to clear."""
        follower = _Follower(asyncio.get_running_loop())
        with self._guard:
            self._followers.append(follower)
        try:
            yield follower.news
        finally:
            with self._guard:
                self._followers.remove(follower)

    def _snapshot(self) -> list[LogEntry]:
        with self._guard:
            return list(self._entries)
