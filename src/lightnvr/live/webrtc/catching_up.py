"""How the pictures since the latest keyframe are sent at once without being played from the past.

A browser places pictures by their timestamps. Sent in a burst with their own ones, the GOP would be played at its own
speed, as far behind as it is long. So its timestamps are squeezed together, right before the present, and browsers that
know the playout-delay extension (those on libwebrtc) are told not to pace these pictures.
"""

from collections.abc import Sequence

from lightnvr.live.rtp_output import TimedFrame

_LEAST_DIVISOR = 32

AT_ONCE = (0, 0)
"""Least and most delay, in units of 10 ms: each picture is shown as soon as it is decoded."""

AS_USUAL = (0, 4095)
"""What the browser thinks is right for the network's jitter."""


def squeezed(pictures: Sequence[TimedFrame], after: int | None) -> list[int]:
    """Return the timestamps to send these pictures with, in their order.

    The latest keeps its own, so that what follows joins on. All come after `after`, the latest that was sent before,
    as long as one of them does; their order among each other, and that each has one of its own, stays.
    """
    latest = max(timed.timestamp for timed in pictures)
    length = latest - min(timed.timestamp for timed in pictures)
    divisor = _LEAST_DIVISOR
    if after is not None and after < latest:
        divisor = max(divisor, length // (latest - after) + 1)
    return [latest - (latest - timed.timestamp) // divisor for timed in pictures]


class PlayoutDelay:
    """The RTP header extension of this name. It holds until the next one, so keyframes carry it.

    http://www.webrtc.org/experiments/rtp-hdrext/playout-delay
    """

    def __init__(self, number: int) -> None:
        """`number` is what the extension was agreed to be called by, 0 when it was not."""
        self._number = number

    def extension(self, delay: tuple[int, int]) -> bytes:
        """Return the whole extension for a packet, nothing when it was not agreed on."""
        if not 0 < self._number < 15:
            return b""
        least, most = delay
        # One-byte form (RFC 8285, section 4.2): number, length less one, then twelve bits for each delay.
        return bytes((0xBE, 0xDE, 0, 1, self._number << 4 | 2)) + (least << 12 | most).to_bytes(3, "big")
