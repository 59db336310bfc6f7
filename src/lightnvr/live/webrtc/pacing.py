"""How fast packets leave for one viewer."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator

_STEP_S = 0.005
_BYTES_PER_S = 5_000_000.0
_BURST_BYTES = 64 * 1024.0
"""Less than what a system's socket holds by default: a keyframe or a whole GOP at once would not fit."""

_LIMIT_BYTES = 24 * 1024 * 1024
"""More than the largest GOP that is kept (see RtpOutput)."""


class Pacer:
    """Sends the packets of frames in their order, a few at a time when there are many. Belongs to the event loop.

    `send` gives False when the system has no room at this moment; the packet is then tried again.
    """

    def __init__(
        self,
        send: Callable[[bytes], bool],
        *,
        bytes_per_s: float = _BYTES_PER_S,
        burst_bytes: float = _BURST_BYTES,
        limit_bytes: int = _LIMIT_BYTES,
    ) -> None:
        self._send = send
        self._bytes_per_s = bytes_per_s
        self._burst_bytes = burst_bytes
        self._limit_bytes = limit_bytes
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[int, Iterator[bytes]]] = deque()
        self._waiting_bytes = 0
        self._unsent: bytes | None = None
        self._credit = burst_bytes
        self._filled_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    def push(self, size_bytes: int, packets: Iterator[bytes]) -> bool:
        """Send the packets of a frame as soon as its turn comes. False, without them, when too much waits already."""
        if self._waiting_bytes + size_bytes > self._limit_bytes:
            return False
        self._waiting.append((size_bytes, packets))
        self._waiting_bytes += size_bytes
        if self._timer is None:
            self._pump()
        return True

    def clear(self) -> int:
        """Forget what waits; return how many frames that was."""
        forgotten = len(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        self._unsent = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return forgotten

    def _pump(self) -> None:
        self._timer = None
        now = self._loop.time()
        self._credit = min(self._burst_bytes, self._credit + (now - self._filled_at) * self._bytes_per_s)
        self._filled_at = now
        while self._waiting:
            size_bytes, packets = self._waiting[0]
            if not self._send_some(packets):
                self._timer = self._loop.call_later(_STEP_S, self._pump)
                return
            self._waiting.popleft()
            self._waiting_bytes -= size_bytes

    def _send_some(self, packets: Iterator[bytes]) -> bool:
        """Send as many packets of a frame as there is credit for; whether those were all."""
        while self._credit > 0:
            packet = self._unsent or next(packets, None)
            if packet is None:
                return True
            self._unsent = None
            if not self._send(packet):
                self._unsent = packet
                return False
            self._credit -= len(packet)
        return False
