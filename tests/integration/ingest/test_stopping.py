"""A source that is stopped hands over what has gathered in the socket."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
from av.container import InputContainer

from lightnvr.media.address import SourceAddress
from lightnvr.media.hub import Hub
from lightnvr.media.opening import OpenOptions, open_camera
from lightnvr.media.packets import CodedPacket, MediaPacket
from lightnvr.media.source import Source, SourceOptions
from tests.cameras import camera
from tests.rig.nvr import eventually

pytestmark = pytest.mark.anyio


class _OnBusyMachine:
    """A camera's connection; each packet takes some milliseconds, because others have the processor."""

    def __init__(self, container: InputContainer) -> None:
        self._container = container
        self.streams, self.format, self.close = container.streams, container.format, container.close

    def demux(self) -> Iterator[CodedPacket]:
        for packet in self._container.demux():
            time.sleep(0.003)
            yield packet


async def test_what_has_gathered_is_handed_over_on_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_slowly(address: SourceAddress, options: OpenOptions) -> _OnBusyMachine:
        return _OnBusyMachine(open_camera(address, options))

    monkeypatch.setattr("lightnvr.media.source.open_camera", open_slowly)
    async with camera() as cam:
        hub = Hub()
        taken = hub.subscribe(limit_bytes=1 << 30, limit_s=600, longest_rest_s=0.5)
        source = Source(SourceAddress.parse(cam.url), hub, SourceOptions(), on_connected=lambda: None)
        reading = threading.Thread(target=source.run, daemon=True)
        reading.start()
        pictures = 0

        def gathered() -> int:
            nonlocal pictures
            pictures += sum(isinstance(item, MediaPacket) for item in taken.take())
            return len(cam.frames_sent) - pictures

        await eventually(lambda: len(cam.frames_sent) >= 60 and gathered() >= 6, "pictures gather")
        source.stop()
        await asyncio.to_thread(reading.join, 30)
        # One is in FFmpeg's parser until the next begins, and some may have been sent meanwhile.
        assert gathered() <= 4
