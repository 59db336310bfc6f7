"""Finds what somebody wants to watch, and whether they may."""

import asyncio

from lightnvr.accounts.admission import Admission
from lightnvr.live.audience import Audience
from lightnvr.live.channel import Channel
from lightnvr.live.errors import LiveViewOff, NotAdmitted
from lightnvr.streams.service import LiveInputs

LINGER_S = 30.0


class Channels:
    """The one place that decides what can be watched by whom. Belongs to the event loop."""

    def __init__(self, inputs: LiveInputs, audience: Audience, *, linger_s: float = LINGER_S) -> None:
        self._inputs = inputs
        self._linger_s = linger_s
        self._channels: dict[tuple[int, bool], Channel] = {}
        self.audience = audience

    async def open(self, reference: str, admission: Admission) -> Channel:
        """Return the channel of a stream, by name or id; `<name>_sub` is the sub-stream.

        Raises StreamNotFound, LiveViewOff, NotAdmitted.
        """
        source = await self._inputs.find(reference)
        if admission.stream_id not in (None, source.stream_id):
            raise NotAdmitted("The ticket is for another stream.")
        if source.refusal:
            raise LiveViewOff(source.refusal)
        key = (source.stream_id, source.is_sub)
        channel = self._channels.get(key)
        if channel is None or channel.source.hub is not source.hub:
            channel = self._channels[key] = Channel(source, linger_s=self._linger_s)
        return channel

    def beside(self, channel: Channel) -> Channel | None:
        """Return the sub-stream's channel of a main stream and the other way round, if anybody opened it."""
        return self._channels.get((channel.source.stream_id, not channel.source.is_sub))

    async def find_beside(self, channel: Channel, admission: Admission) -> Channel | None:
        """Return the sub-stream's channel of a main stream, None when it has no sub-stream."""
        source = await self._inputs.by_id(channel.source.stream_id, is_sub=True)
        return None if source is None else await self.open(source.name, admission)

    async def stream_changed(self, stream_id: int) -> None:
        """A stream was changed or deleted: end its live view when it is not allowed any more."""
        for channel in [channel for key, channel in self._channels.items() if key[0] == stream_id]:
            present = await self._inputs.by_id(stream_id, is_sub=channel.source.is_sub)
            if present is None or present.refusal or present.hub is not channel.source.hub:
                reason = "The stream was deleted." if present is None else present.refusal or "The stream was changed."
                del self._channels[stream_id, channel.source.is_sub]
                self.audience.end_stream(stream_id, reason)
                channel.close()

    async def close(self) -> None:
        """End everything."""
        channels, self._channels = list(self._channels.values()), {}
        for channel in channels:
            self.audience.end_stream(channel.source.stream_id, "LightNVR is being stopped.")
            channel.close()
        await asyncio.gather(*(channel.closed() for channel in channels))
