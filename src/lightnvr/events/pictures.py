"""A picture of each event: its best detection, decoded once, as a JPEG under `snapshots/` of its stream."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from lightnvr.events.going import Going
from lightnvr.media.packets import MediaPacket
from lightnvr.media.snapshot import UndecodablePicture

_CLEARLY_BETTER = 0.1
_MOST_WAITING = 32

log = logging.getLogger(__name__)


class EventPictures:
    """Makes pictures one after the other. Belongs to the event loop; `run` is its task."""

    def __init__(
        self,
        root: Path,
        develop: Callable[[MediaPacket], Awaitable[bytes]],
        folder_of: Callable[[int], Awaitable[str | None]],
        latest: Callable[[int], MediaPacket | None],
    ) -> None:
        """`root` is the folder `snapshots`. `develop` makes a JPEG of a keyframe and raises UndecodablePicture.

        `folder_of` gives the folder of a stream by its id; None when there may be no picture of it now. `latest` gives
        the keyframe of a stream that came last, for events of which nobody saw anything.
        """
        self.root = root
        self._develop = develop
        self._folder_of = folder_of
        self._latest = latest
        self._wanted: dict[Going, MediaPacket] = {}
        self._made: Callable[[Going], None] = _nobody
        self._wake = asyncio.Event()
        self._is_failing = False
        self.made = 0
        """How many pictures were made since the start."""
        self.missing = 0
        """How many could not be made, or were too many at once."""

    def on_made(self, made: Callable[[Going], None]) -> None:
        """Have this called when an event has got a picture, or another one."""
        self._made = made

    def offer(self, going: Going, keyframe: MediaPacket | None, score: float) -> None:
        """Take a picture of an event, unless it has one that is about as good. It has an id.

        Without a keyframe it is the latest of the stream, which any that shows a detection replaces.
        """
        keyframe = keyframe or self._latest(going.stream_id)
        if keyframe is None:
            return
        if going.picture_score >= 0 and score < going.picture_score + _CLEARLY_BETTER:
            return
        if going not in self._wanted and len(self._wanted) >= _MOST_WAITING:
            self.missing += 1
            return
        going.picture_score = max(score, 0.0)
        self._wanted[going] = keyframe
        self._wake.set()

    async def run(self) -> None:
        """Make pictures until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._wanted:
                going = next(iter(self._wanted))
                await self._take(going, self._wanted.pop(going))

    async def _take(self, going: Going, keyframe: MediaPacket) -> None:
        try:
            folder = await self._folder_of(going.stream_id)
            if folder is None:
                return
            name = picture_name(going.start_us, going.id)
            jpeg = await self._develop(keyframe)
            await asyncio.to_thread(_write, self.root / folder, name, jpeg)
        except Exception as error:
            # The event stays without a picture, whatever kept it from being made.
            self.missing += 1
            if not self._is_failing:
                known = isinstance(error, OSError | UndecodablePicture)
                log.warning("no picture of event %d: %s", going.id, error, exc_info=not known)
            self._is_failing = True
            return
        self._is_failing = False
        self.made += 1
        going.picture, going.picture_folder = name, folder
        self._made(going)


def picture_name(start_us: int, event_id: int) -> str:
    """Return the name of an event's picture: when it began, to a second of UTC, and its id, which makes it unique."""
    began = datetime.fromtimestamp(start_us // 1_000_000, UTC)
    return f"{began:%Y%m%d_%H%M%S}_{event_id}.jpg"


def _write(folder: Path, name: str, jpeg: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{name}.part"
    try:
        unfinished.write_bytes(jpeg)
        unfinished.replace(folder / name)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def _nobody(_going: Going) -> None:
    """Nobody wants to know."""
