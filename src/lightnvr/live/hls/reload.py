"""What a player may ask a low-latency playlist to wait for (RFC 8216bis section 6.2.5.2)."""

import asyncio
import math

from lightnvr.live.errors import NothingNew
from lightnvr.live.hls.fragment_output import FragmentOutput
from lightnvr.live.hls.pace import Pace
from lightnvr.live.hls.playlist import next_part
from lightnvr.live.hls.window import Part, Segment

_WAIT_TARGETS = 3


class TooFarAhead(Exception):
    """What was asked for will not be there for a long time, so the player must be mistaken."""


async def wait_for_reload(
    output: FragmentOutput, pace: Pace, segment: int, part: int | None, ended: asyncio.Event
) -> None:
    """Return when the playlist holds this part, or this whole segment, or later ones.

    Raises TooFarAhead, NothingNew after three target durations, and CannotWatch when `ended` is set meanwhile.
    """
    next_segment, next_index = next_part(output.window)
    last = output.window.last
    last_number = last.number if last is not None else 0
    ahead = math.ceil(3 / pace.part_s) if pace.part_s < 1 else 3
    if segment > last_number + 2 or (part is not None and segment >= next_segment and part > next_index + ahead):
        raise TooFarAhead("The playlist will not have that part for a long time.")

    def is_there() -> bool:
        number, index = next_part(output.window)
        if number != segment:
            # A part beyond the last one of a segment is the first one of the next.
            return number > segment and not (index == 0 and part is not None and number == segment + 1 and beyond())
        return part is not None and index > part

    def beyond() -> bool:
        found = output.window.find(segment)
        return part is not None and found is not None and part >= len(found.parts)

    if not await output.window.wait(is_there, _WAIT_TARGETS * pace.target_s, ended):
        raise NothingNew("The camera sent nothing new meanwhile.")


async def wait_for_part(
    output: FragmentOutput, pace: Pace, segment: int, index: int, ended: asyncio.Event
) -> tuple[Segment, Part] | None:
    """Return a part; the one that was hinted at is waited for. None when there is no such part.

    Raises NothingNew after three target durations, and CannotWatch when `ended` is set meanwhile.
    """
    if (segment, index) == next_part(output.window) and not await output.window.wait(
        lambda: next_part(output.window) != (segment, index), _WAIT_TARGETS * pace.target_s, ended
    ):
        raise NothingNew("The camera sent nothing new meanwhile.")
    found = output.window.find(segment)
    return (found, found.parts[index]) if found is not None and index < len(found.parts) else None
