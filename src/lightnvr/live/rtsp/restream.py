"""The streams of this server as RTSP mounts."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

from lightnvr.accounts.admission import Admission
from lightnvr.live.audience import Audience, Way
from lightnvr.live.channel import Channel
from lightnvr.live.channels import Channels
from lightnvr.live.errors import CannotWatch
from lightnvr.live.rtp.payload import Track
from lightnvr.live.rtp_output import RTP, RtpOutput
from lightnvr.live.rtsp.messages import RtspError
from lightnvr.live.rtsp.mount import Caller, Mount, MountUnavailable, Presentation, Viewer
from lightnvr.live.rtsp.relay import Relay, Watcher
from lightnvr.streams.service import StreamNotFound

_PATIENCE_S = 8.0
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="LightNVR"'}

Admit = Callable[[Caller], Awaitable[Admission | None]]
"""Tells who is calling, None when nobody who is known. Raises TooManyTries."""


class TooManyTries(Exception):
    """Passwords are being guessed; the caller must wait `wait_s` seconds."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"Try again in {wait_s} s.")
        self.wait_s = wait_s


class Restream:
    """Finds streams at `/name`, sub-streams at `/name_sub`, for those who may watch them. Implements Mounts."""

    def __init__(
        self, channels: Channels, admit: Admit, rng: random.Random, *, patience_s: float = _PATIENCE_S
    ) -> None:
        """A camera that sends no pictures is waited for `patience_s` seconds."""
        self._channels = channels
        self._admit = admit
        self._relays = _Relays(rng)
        self._patience_s = patience_s

    async def find(self, path: str, caller: Caller) -> Mount | None:
        """See Mounts."""
        try:
            admission = await self._admit(caller)
        except TooManyTries as error:
            raise RtspError(429, {"Retry-After": str(error.wait_s)}) from error
        if admission is None:
            raise RtspError(401, _CHALLENGE)
        try:
            channel = await self._channels.open(path.removeprefix("/"), admission)
        except StreamNotFound:
            return None
        except CannotWatch as error:
            raise RtspError(403) from error
        return _Restreamed(channel, admission, self._channels.audience, self._relays, self._patience_s)


class _Relays:
    """The relays at work, one for each output."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._relays: dict[RtpOutput, Relay] = {}

    def of(self, output: RtpOutput) -> Relay:
        relay = self._relays.get(output)
        if relay is None:
            relay = self._relays[output] = Relay(output, self._rng, lambda: self._forget(output))
        return relay

    def _forget(self, output: RtpOutput) -> None:
        del self._relays[output]


class _Restreamed:
    """A stream for one caller. Implements Mount."""

    def __init__(
        self, channel: Channel, admission: Admission, audience: Audience, relays: _Relays, patience_s: float
    ) -> None:
        self._channel = channel
        self._admission = admission
        self._audience = audience
        self._relays = relays
        self._patience_s = patience_s
        self._tracks: tuple[Track, ...] = ()
        self._attached: dict[Viewer, ExitStack] = {}

    async def describe(self) -> Presentation:
        """See Mount."""
        try:
            # Goes on for a while after this, so the viewer who plays next finds it at work.
            with self._channel.use(RTP) as output:
                await self._channel.wait_for_tracks(self._patience_s)
                self._tracks = await output.wait_for_tracks(self._patience_s)
        except CannotWatch as error:
            raise MountUnavailable(str(error)) from error
        return Presentation(self._channel.source.name, self._tracks)

    def attach(self, viewer: Viewer) -> None:
        """See Mount."""
        with ExitStack() as leaving:
            counted = leaving.enter_context(self._audience.watching(Way.RTSP, self._channel.source, self._admission))
            try:
                relay = self._relays.of(leaving.enter_context(self._channel.use(RTP)))
            except CannotWatch:
                viewer.close()
                return
            watcher = Watcher(viewer, counted, self._tracks)
            relay.add(watcher)
            leaving.callback(relay.remove, watcher)
            leaving.callback(asyncio.create_task(_dismiss_when_ended(relay, watcher)).cancel)
            self._attached[viewer] = leaving.pop_all()

    def detach(self, viewer: Viewer) -> None:
        """See Mount."""
        leaving = self._attached.pop(viewer, None)
        if leaving is not None:
            leaving.close()


async def _dismiss_when_ended(relay: Relay, watcher: Watcher) -> None:
    await watcher.counted.ended.wait()
    relay.dismiss(watcher)
