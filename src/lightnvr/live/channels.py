"""Finds what somebody wants to watch, and whether they may."""

import asyncio
import time
from collections import Counter
from typing import NamedTuple

from lightnvr.accounts.admission import Admission
from lightnvr.live.audience import Audience
from lightnvr.live.channel import Channel
from lightnvr.live.errors import LiveViewOff, NotAdmitted
from lightnvr.streams.service import LiveInputs, StreamNotFound

LINGER_S = 30.0
_LATELY_S = 300.0


class _Key(NamedTuple):
    """Which channels there can be."""

    stream_id: int
    is_sub: bool
    silent: bool


class Channels:
    """The one place that decides what can be watched by whom. Belongs to the event loop."""

    def __init__(self, inputs: LiveInputs, audience: Audience, *, linger_s: float = LINGER_S) -> None:
        self._inputs = inputs
        self._linger_s = linger_s
        self._channels: dict[_Key, Channel] = {}
        self.audience = audience
        self.failures = 0
        """How often an output ended because of an error in it; the next viewer gets a fresh one."""
        self._failed_at: float | None = None

    async def open(self, reference: str, admission: Admission) -> Channel:
        """Return the channel of a stream, by name or id; `<name>_sub` is the sub-stream.

        Who may not listen is given a channel of its own, in which there is no sound.

        Raises StreamNotFound, also for a stream that the user may not see, LiveViewOff, and NotAdmitted: a ticket
        tells nothing of other streams, not even which there are.
        """
        other = NotAdmitted("The ticket is for another stream.")
        try:
            source = await self._inputs.find(reference)
        except StreamNotFound:
            if admission.stream_id is None:
                raise
            raise other from None
        if admission.stream_id not in (None, source.stream_id):
            raise other
        if not admission.user.may_see(source.tags):
            raise StreamNotFound(reference)
        if not admission.may_watch:
            raise NotAdmitted("You have no right to this: live. An administrator can give it to you.")
        if source.refusal:
            raise LiveViewOff(source.refusal)
        key = _Key(source.stream_id, source.is_sub, not admission.may_listen)
        channel = self._channels.get(key)
        if channel is None or channel.source.hub is not source.hub:
            channel = self._channels[key] = Channel(
                source, linger_s=self._linger_s, on_failure=self._count_failure, silent=key.silent
            )
        return channel

    def at_work(self) -> Counter[str]:
        """Return how many outputs run, by kind."""
        return Counter(name for channel in self._channels.values() for name in channel.at_work)

    @property
    def failed_lately(self) -> bool:
        """Whether that was in the last minutes."""
        return self._failed_at is not None and time.monotonic() - self._failed_at < _LATELY_S

    def _count_failure(self) -> None:
        self.failures += 1
        self._failed_at = time.monotonic()

    def beside(self, channel: Channel) -> Channel | None:
        """Return the sub-stream's channel of a main stream and the other way round, if anybody opened it."""
        return self._channels.get(_Key(channel.source.stream_id, not channel.source.is_sub, channel.silent))

    async def find_beside(self, channel: Channel, admission: Admission) -> Channel | None:
        """Return the sub-stream's channel of a main stream, None when it has no sub-stream."""
        source = await self._inputs.by_id(channel.source.stream_id, is_sub=True)
        return None if source is None else await self.open(source.name, admission)

    async def stream_changed(self, stream_id: int) -> None:
        """A stream was changed or deleted: end its live view when it is not allowed any more."""
        for key, channel in [item for item in self._channels.items() if item[0].stream_id == stream_id]:
            reason = await self._why_over(channel)
            # Two changes at once are both told of, and somebody may have come anew meanwhile.
            if reason and self._channels.get(key) is channel:
                del self._channels[key]
                self.audience.end_stream(channel.source, reason)
                channel.close()

    async def _why_over(self, channel: Channel) -> str:
        """Return why a channel has to be closed, empty when it need not. Ends those who may not see the stream now."""
        stream_id, is_sub = channel.source.stream_id, channel.source.is_sub
        present = await self._inputs.by_id(stream_id, is_sub=is_sub)
        if present is not None:
            self.audience.end_those_without_sight(stream_id, present.tags)
            return present.refusal or ("" if present.hub is channel.source.hub else "The stream was changed.")
        main = await self._inputs.by_id(stream_id, is_sub=False)
        return "The stream was deleted." if main is None else "The camera has no sub-stream any more."

    async def close(self) -> None:
        """End everything."""
        channels, self._channels = list(self._channels.values()), {}
        for channel in channels:
            self.audience.end_stream(channel.source, "LightNVR is being stopped.")
            channel.close()
        await asyncio.gather(*(channel.closed() for channel in channels))
