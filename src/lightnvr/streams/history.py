"""The last five minutes of each stream, for small charts."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lightnvr.streams.status import StreamStatus

_EVERY_S = 5.0
_SAMPLES = 60


@dataclass(frozen=True, slots=True)
class Sample:
    """What a camera sent at a moment: pictures a second, and bits a second."""

    fps: float
    bitrate_bps: int


class StreamHistory:
    """Keeps 60 samples of each stream, 5 seconds apart. `run` is a task of the composition root."""

    def __init__(self, statuses: Callable[[], Mapping[int, StreamStatus]], every_s: float = _EVERY_S) -> None:
        """`statuses` gives what every stream is doing, by its id."""
        self._statuses = statuses
        self._every_s = every_s
        self._samples: dict[int, deque[Sample]] = {}

    async def run(self) -> None:
        """Take samples until cancelled."""
        while True:
            self.sample()
            await asyncio.sleep(self._every_s)

    def sample(self) -> None:
        """Take one sample of every stream; those that are gone are forgotten."""
        statuses = self._statuses()
        for gone in self._samples.keys() - statuses.keys():
            del self._samples[gone]
        for stream_id, status in statuses.items():
            kept = self._samples.setdefault(stream_id, deque(maxlen=_SAMPLES))
            kept.append(Sample(status.fps, status.bitrate_bps))

    def of(self, stream_id: int) -> Sequence[Sample]:
        """Return the samples of a stream, oldest first."""
        return tuple(self._samples.get(stream_id, ()))
