"""Sends many datagrams not faster than a player can take them."""

import asyncio
from collections import deque
from collections.abc import Sequence

from lightnvr.live.rtsp.datagrams import DatagramPair

_AT_ONCE = 16
"""Packets: a twelfth of what fits into the receive buffer that Linux gives a socket (212,992 bytes, each packet
counted as some 2,300)."""

_PAUSE_S = 0.008
_MOST_PAUSES = 100


class Pacer:
    """The datagrams of one session that wait. What is more than a few goes out over the next moments, in order.

    Belongs to the event loop.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[DatagramPair, memoryview]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.backlog = 0
        """Bytes that wait."""

    def send(self, pair: DatagramPair, packets: Sequence[memoryview]) -> None:
        """Send RTP packets, or let them wait for those before them."""
        if not self._waiting and len(packets) <= _AT_ONCE:
            for packet in packets:
                pair.send_rtp(packet)
            return
        self._waiting.extend((pair, packet) for packet in packets)
        self.backlog += sum(len(packet) for packet in packets)
        if self._timer is None:
            self._send_some()

    def close(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self.backlog = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _send_some(self) -> None:
        # A stream of a high bit rate may not fall further and further behind.
        for _ in range(min(len(self._waiting), max(_AT_ONCE, len(self._waiting) // _MOST_PAUSES))):
            pair, packet = self._waiting.popleft()
            self.backlog -= len(packet)
            pair.send_rtp(packet)
        self._timer = asyncio.get_running_loop().call_later(_PAUSE_S, self._send_some) if self._waiting else None
