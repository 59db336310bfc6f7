"""How the pictures since the latest keyframe are sent at once without being played from the past.

A browser places pictures by their timestamps. Sent in a burst with their own ones, the GOP would be played at its own
speed, as far behind as it is long. So its timestamps are squeezed together, right before the present.
"""

from collections.abc import Sequence

from lightnvr.live.rtp_output import TimedFrame

_LEAST_DIVISOR = 32


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
