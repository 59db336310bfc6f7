"""The pictures that go beside messages."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path

from lightnvr.events.model import EventChange
from lightnvr.events.telling.messages import ToldStream
from lightnvr.media.packets import MediaPacket

_MOST_KEPT = 32


class TellingPictures:
    """Gives JPEGs: of changes that were just told of, of events, and of cameras as they are now.

    Belongs to the event loop.
    """

    def __init__(
        self,
        root: Path,
        develop: Callable[[MediaPacket], Awaitable[bytes | None]],
        latest: Callable[[int], MediaPacket | None],
    ) -> None:
        """`root` is the folder `snapshots`. `develop` makes a JPEG of a keyframe, None when it cannot be decoded.

        `latest` gives the latest keyframe of a stream by its id, None while its camera sends nothing.
        """
        self.root = root
        self._develop = develop
        self._latest = latest
        self._fresh: OrderedDict[int, MediaPacket] = OrderedDict()
        self._shown: dict[int, MediaPacket] = {}

    def remember(self, change: EventChange) -> None:
        """Keep the picture of a change for a moment: large, so only of the last few.

        Who names something without a picture of it, as triggers do, gets the stream's latest.
        """
        keyframe = change.keyframe or self._latest(change.event.stream_id)
        if keyframe is not None:
            self._fresh[change.number] = keyframe
            while len(self._fresh) > _MOST_KEPT:
                self._fresh.popitem(last=False)

    async def of_change(self, number: int, picture: str) -> bytes | None:
        """Return the picture of a change, or that of its event, which is the file `picture` below `root`, if any."""
        keyframe = self._fresh.pop(number, None)
        if keyframe is not None and (jpeg := await self._develop(keyframe)):
            return jpeg
        try:
            return await asyncio.to_thread((self.root / picture).read_bytes)
        except OSError:
            return None

    async def is_stored(self, picture: str) -> bool:
        """Whether there is a file of this name below `root`."""
        return await asyncio.to_thread((self.root / picture).is_file)

    async def of_camera(self, stream: ToldStream) -> bytes | None:
        """Return a picture of a camera that was not shown before; None when there is none."""
        keyframe = self._latest(stream.id)
        if keyframe is None or keyframe is self._shown.get(stream.id):
            return None
        self._shown[stream.id] = keyframe
        return await self._develop(keyframe)

    def forget_shown(self) -> None:
        """Show every camera anew: somebody else looks."""
        self._shown.clear()
