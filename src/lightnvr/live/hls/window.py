"""The segments that a playlist lists, and those that were listed a moment ago."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from lightnvr.live.errors import CannotWatch

_LIMIT_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """Some pictures and sound; `independent` is whether the first picture is a keyframe. `duration_s` in seconds."""

    content: bytes
    duration_s: float
    independent: bool


@dataclass(slots=True)
class Segment:
    """One segment, complete or growing.

    `date_us` is when it began, in microseconds since 1970 UTC; `init` is the number of its init segment.
    """

    number: int
    date_us: int
    discontinuity: bool
    init: int = 0
    parts: list[Part] = field(default_factory=list)
    is_complete: bool = False

    @property
    def duration_s(self) -> float:
        """Its length so far, in seconds."""
        return sum(part.duration_s for part in self.parts)

    @property
    def size(self) -> int:
        """Its bytes so far."""
        return sum(len(part.content) for part in self.parts)


class Window:
    """The latest segments of an output. Belongs to the event loop.

    `length` segments are listed at most, but never less than three target durations of them. What left the list is
    still handed out for as long as a list that names it may be in use (RFC 8216 section 6.2.2), while all together are
    less than `limit_bytes`.
    """

    def __init__(self, first_number: int, length: int, limit_bytes: int = _LIMIT_BYTES) -> None:
        self._length = length
        self._limit_bytes = limit_bytes
        self._next_number = first_number
        self._segments: deque[Segment] = deque()
        self._unlisted = 0
        self._target_s = 1
        self._news = asyncio.Event()
        self.discontinuities = 0
        """How many segments that began anew have left the list: the discontinuity sequence."""
        self.closed = False

    @property
    def listed(self) -> list[Segment]:
        """The segments of the playlist, the last of which may be growing."""
        return list(self._segments)[self._unlisted :]

    @property
    def last(self) -> Segment | None:
        """The newest segment."""
        return self._segments[-1] if self._segments else None

    @property
    def has_complete(self) -> bool:
        """Whether there is a whole segment."""
        return any(segment.is_complete for segment in self._segments)

    def find(self, number: int) -> Segment | None:
        """Return a segment that is still there."""
        if not self._segments:
            return None
        index = number - self._segments[0].number
        return self._segments[index] if 0 <= index < len(self._segments) else None

    def uses_init(self, number: int) -> bool:
        """Whether any segment that is still there needs this init segment."""
        return any(segment.init == number for segment in self._segments)

    def begin(self, date_us: int, *, discontinuity: bool, target_s: int, init: int = 0) -> Segment:
        """Add a segment; the one before is complete."""
        self._target_s = target_s
        segment = Segment(self._next_number, date_us, discontinuity and bool(self._segments), init)
        self._next_number += 1
        self._segments.append(segment)
        return segment

    def add(self, part: Part) -> None:
        """Add a part to the newest segment."""
        self._segments[-1].parts.append(part)
        self._tell()

    def complete(self) -> None:
        """The newest segment is complete; one without content is taken back."""
        segment = self._segments[-1]
        if not segment.parts:
            self._segments.pop()
            self._next_number -= 1
            return
        segment.is_complete = True
        self._trim()
        self._tell()

    def close(self) -> None:
        """Nothing more will come: let all who wait know."""
        self.closed = True
        self._tell()

    async def wait(self, condition: Callable[[], bool], timeout_s: float, ended: asyncio.Event) -> bool:
        """Return whether the condition came to hold within the time. Raises CannotWatch when there is an end before.

        `ended` is set when the one who waits must not watch any more.
        """
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + timeout_s
        ending = asyncio.create_task(ended.wait())
        try:
            while not condition():
                if self.closed or ended.is_set():
                    raise CannotWatch("The live view was ended.")
                news = asyncio.create_task(self._news.wait())
                await asyncio.wait(
                    (news, ending), timeout=max(0.0, ends_at - loop.time()), return_when=asyncio.FIRST_COMPLETED
                )
                news.cancel()
                if loop.time() >= ends_at:
                    return condition()
            return True
        finally:
            ending.cancel()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _trim(self) -> None:
        listed = self.listed
        listed_s = sum(segment.duration_s for segment in listed)
        window_s = listed_s
        while len(listed) > self._length and listed_s - listed[0].duration_s >= 3 * self._target_s:
            gone = listed.pop(0)
            listed_s -= gone.duration_s
            self._unlist(gone)
        kept_s = sum(segment.duration_s for segment in list(self._segments)[: self._unlisted])
        while self._unlisted and kept_s - self._segments[0].duration_s >= window_s:
            kept_s -= self._segments.popleft().duration_s
            self._unlisted -= 1
        size = sum(segment.size for segment in self._segments)
        while size > self._limit_bytes and len(self._segments) > 2:
            if not self._unlisted:
                self._unlist(self._segments[0])
            size -= self._segments.popleft().size
            self._unlisted -= 1

    def _unlist(self, segment: Segment) -> None:
        self._unlisted += 1
        self.discontinuities += segment.discontinuity
