"""Developing pictures: each keyframe is decoded once, in a few threads that all streams share."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import av

from lightnvr.media.packets import MediaPacket
from lightnvr.media.snapshot import PictureForm, decode_keyframe, encode_jpeg, ready_jpeg

_FORMS_KEPT = 8
_QUALITY = 80

T = TypeVar("T")


class Darkroom:
    """The threads, and how much they had to do."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="pictures")
        self.decoded = 0
        """How many keyframes were decoded."""
        self.encoded = 0
        """How many pictures were made of them."""

    async def decode(self, keyframe: MediaPacket) -> av.VideoFrame:
        """Decode a keyframe. Raises UndecodablePicture."""
        self.decoded += 1
        return await self._run(decode_keyframe, keyframe)

    async def encode(self, frame: av.VideoFrame, form: PictureForm) -> bytes:
        """Return a frame as JPEG in the form that is wanted."""
        self.encoded += 1
        width, height = form.size(frame.width, frame.height)
        return await self._run(encode_jpeg, frame, width, height, form.quality or _QUALITY)

    async def close(self) -> None:
        """End the threads; what waits for them is given up."""
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)


class Negative:
    """One keyframe, and the pictures that were made of it: the latest forms are kept. Belongs to the event loop."""

    def __init__(self, keyframe: MediaPacket, taken_us: int, darkroom: Darkroom) -> None:
        """`taken_us` is when it came from the camera, in microseconds since 1970 UTC."""
        self.keyframe = keyframe
        self.taken_us = taken_us
        self._darkroom = darkroom
        self._frame: asyncio.Task[av.VideoFrame] | None = None
        self._jpegs: OrderedDict[PictureForm, asyncio.Task[bytes]] = OrderedDict()

    async def jpeg(self, form: PictureForm) -> bytes:
        """Return the picture in this form; all who ask for it wait for the same one. Raises UndecodablePicture."""
        making = self._jpegs.get(form)
        if making is None:
            making = self._jpegs[form] = _shared(self._make(form))
            if len(self._jpegs) > _FORMS_KEPT:
                self._jpegs.popitem(last=False)
        # One who gives up waiting must not end it for the others.
        return await asyncio.shield(making)

    async def _make(self, form: PictureForm) -> bytes:
        ready = ready_jpeg(self.keyframe) if form.is_open else None
        if ready is not None:
            return ready
        if self._frame is None:
            self._frame = _shared(self._darkroom.decode(self.keyframe))
        return await self._darkroom.encode(await self._frame, form)


def _shared(work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    task = asyncio.create_task(work)
    # When all who waited have left, nobody is there to see that it failed.
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task
