"""Still pictures of streams, for all who ask."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from lightnvr.live.channel import Channel
from lightnvr.live.darkroom import Darkroom
from lightnvr.live.errors import CameraUnavailable
from lightnvr.live.output import OutputKind
from lightnvr.live.picture_output import PictureOutput
from lightnvr.media.packets import MediaPacket
from lightnvr.media.snapshot import PictureForm, UndecodablePicture

_LOOK_AGAIN_S = 0.05


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as JPEG. `taken_us` is when it came from the camera, in microseconds since 1970 UTC."""

    jpeg: bytes
    taken_us: int
    keyframe: MediaPacket


class Pictures:
    """Gives the pictures of streams, the first at once and later ones as they come. Belongs to the event loop."""

    def __init__(self, darkroom: Darkroom, wall_us: Callable[[int], int]) -> None:
        """`wall_us` gives the date of a moment of the monotonic clock."""
        self.darkroom = darkroom
        self._wall_us = wall_us

    def kind(self, channel: Channel) -> OutputKind[PictureOutput]:
        """Return the kind of output that knows the keyframes of this stream."""
        hub = channel.source.hub
        return OutputKind("pictures", lambda: PictureOutput(hub, self.darkroom, self._wall_us), keyframes_only=True)

    async def latest(self, channel: Channel, form: PictureForm, timeout_s: float) -> Picture:
        """Return the latest picture; wait for the first one of a camera that is being connected to.

        Raises CameraUnavailable, at once when it is known why the camera sends nothing.
        """
        output = channel.touch(self.kind(channel))
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + timeout_s
        while (keyframe := output.keyframe) is None:
            error = channel.source.last_error()
            if error or output.closed or loop.time() >= ends_at:
                raise CameraUnavailable(error or f"{channel.source.name} sends no pictures yet.")
            await asyncio.sleep(_LOOK_AGAIN_S)
        try:
            return await self._picture(output, keyframe, form)
        except UndecodablePicture as error:
            raise CameraUnavailable(f"The picture of {channel.source.name} cannot be decoded: {error}.") from error

    async def after(self, previous: Picture, output: PictureOutput, form: PictureForm) -> Picture:
        """Wait for a later picture and return the latest one that can be decoded.

        Raises CannotWatch when there will be none any more.
        """
        keyframe = previous.keyframe
        while True:
            keyframe = await output.after(keyframe)
            try:
                return await self._picture(output, keyframe, form)
            except UndecodablePicture:
                continue

    async def _picture(self, output: PictureOutput, keyframe: MediaPacket, form: PictureForm) -> Picture:
        negative = output.negative(keyframe)
        return Picture(await negative.jpeg(form), negative.taken_us, keyframe)
