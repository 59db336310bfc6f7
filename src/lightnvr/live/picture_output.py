"""The output of a stream whose pictures are watched one by one."""

import asyncio
from collections.abc import Callable, Sequence

from lightnvr.live.darkroom import Darkroom, Negative
from lightnvr.live.errors import CannotWatch
from lightnvr.media.hub import Hub
from lightnvr.media.packets import MediaItem, MediaPacket


class PictureOutput:
    """Knows the latest keyframe and keeps what was made of it. Implements `Output`."""

    def __init__(self, hub: Hub, darkroom: Darkroom, wall_us: Callable[[int], int]) -> None:
        """`wall_us` gives the date of a moment of the monotonic clock."""
        self._hub = hub
        self._wall_us = wall_us
        self._darkroom = darkroom
        self._negative: Negative | None = None
        self._changed = asyncio.Event()
        self.closed = False
        self.seen = 0
        """How many keyframes came so far."""

    @property
    def keyframe(self) -> MediaPacket | None:
        """The latest keyframe; None while the camera is gone."""
        return self._hub.latest_keyframe

    def take(self, items: Sequence[MediaItem]) -> None:
        """See Output."""
        self.seen += sum(isinstance(item, MediaPacket) for item in items)
        if self._negative is not None and self._negative.keyframe is not self.keyframe:
            # What was made of an older keyframe is of no use any more.
            self._negative = None
        self._wake()

    def close(self) -> None:
        """See Output."""
        self.closed = True
        self._negative = None
        self._wake()

    def negative(self, keyframe: MediaPacket) -> Negative:
        """Return what pictures are made of, the same for all who ask for this keyframe."""
        if self._negative is None or self._negative.keyframe is not keyframe:
            self._negative = Negative(keyframe, self._wall_us(keyframe.arrival_ns), self._darkroom)
        return self._negative

    async def after(self, previous: MediaPacket) -> MediaPacket:
        """Wait for a later keyframe and return the latest. Raises CannotWatch when there will be none any more."""
        while (keyframe := self.keyframe) is None or keyframe is previous:
            if self.closed:
                raise CannotWatch("The pictures have ended.")
            await self._changed.wait()
        return keyframe

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
