"""Real players watch the restream while it is recorded."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest

from tests.cameras import camera, film
from tests.cameras.films import AudioCodec, VideoCodec
from tests.integration.live.conftest import PASSWORD
from tests.integration.rtsp.watching import watch
from tests.rig.footage import assert_sent, footage
from tests.rig.nvr import Nvr, eventually, running_nvr
from tests.rig.programs import run

pytestmark = pytest.mark.anyio


Transport = Literal["tcp", "udp"]

_PICTURES = 24 * 15
"""In a film of the test cameras, which begins anew then."""


def consecutive(numbers: Sequence[int | None]) -> bool:
    return list(numbers) == [((numbers[0] or 0) + place) % _PICTURES for place in range(len(numbers))]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_pyav_sees_every_picture_from_the_latest_keyframe_on(nvr: Nvr, transport: Transport) -> None:
    await asyncio.gather(
        _seen_complete(nvr, transport, "h264", "aac"),
        _seen_complete(nvr, transport, "h264", "pcm_alaw", b_frames=2),
        _seen_complete(nvr, transport, "hevc", "opus"),
        _seen_complete(nvr, transport, "mjpeg", "mp3"),
        _seen_complete(nvr, transport, "av1"),
    )


async def _seen_complete(
    nvr: Nvr, transport: Transport, codec: VideoCodec, audio: AudioCodec | None = None, b_frames: int = 0
) -> None:
    # One keyframe in the whole film: only who gets the GOP from its beginning sees anything.
    async with camera(await asyncio.to_thread(film, codec, audio, b_frames=b_frames, gop=_PICTURES)) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await eventually(lambda: len(cam.frames_sent) > 20, "pictures before the viewer comes")
        url = nvr.rtsp(stream.name, "admin", PASSWORD)
        seen = await watch(url, 40, transport=transport, audio_frames=10 if audio else 0)
        assert consecutive(seen.numbers), (codec, seen.numbers)
        assert seen.numbers[0] == 0 or codec == "mjpeg"
        assert cam.connections_total == 1
        recorded = await stream.numbers()
    # A picture that was shown before others which did not come any more is at the end.
    assert consecutive(recorded[: len(recorded) - b_frames]), (codec, recorded)
    assert len(recorded) > len(cam.frames_sent) - 15


async def test_viewers_of_all_kinds_at_once_cost_the_recording_nothing(nvr: Nvr, tmp_path: Path) -> None:
    async with camera(await asyncio.to_thread(film, "h264", "aac")) as cam:
        stream = await nvr.add(cam.url, name="Front Door & Yard")
        await stream.connected()
        url = nvr.rtsp(stream.name, "admin", PASSWORD)
        copies = [tmp_path / "tcp.mkv", tmp_path / "udp.mkv"]
        said = await asyncio.gather(
            *(_copy(url, path.stem, path) for path in copies),
            *(_gstreamer(nvr.rtsp(stream.name), transport) for transport in ("tcp", "udp")),
        )
        seen = await asyncio.gather(*(watch(url, 30, transport="tcp", audio_frames=5) for _ in range(3)))
        recorded = await stream.numbers()
    assert [status for status, _ in said] == [0, 0, 0, 0], said
    for copy, (_, complaints) in zip(copies, said[:2], strict=True):
        assert not re.search("missed|corrupt|error|invalid", complaints), complaints
        shown = await asyncio.to_thread(footage, copy)
        assert len(shown.numbers) >= 30
        assert consecutive(shown.numbers)
        assert shown.samples
    assert all(consecutive(one.numbers) for one in seen)
    assert_sent(recorded, cam.frames_sent)


async def test_another_lightnvr_records_the_restream(nvr: Nvr, tmp_path: Path) -> None:
    async with (
        camera(await asyncio.to_thread(film, "h264", "aac")) as cam,
        running_nvr(tmp_path) as other,
    ):
        stream = await nvr.add(cam.url)
        await stream.connected()
        again = await other.add(nvr.rtsp(stream.name, "admin", PASSWORD))
        await again.connected()
        enough = len(cam.frames_sent) + 40
        await eventually(lambda: len(cam.frames_sent) >= enough, "pictures")
        assert consecutive(await again.numbers())


async def _copy(url: str, transport: str, path: Path) -> tuple[int, str]:
    return await run(
        *("ffmpeg", "-v", "warning", "-rtsp_transport", transport, "-i", url),
        *("-map", "0", "-c", "copy", "-t", "3", str(path)),
    )


async def _gstreamer(url: str, transport: str) -> tuple[int, str]:
    source = ["rtspsrc", f"location={url}", f"protocols={transport}", "user-id=admin", f"user-pw={PASSWORD}", "name=s"]
    video = (
        "s. ! application/x-rtp,media=video ! queue ! rtph264depay ! h264parse ! avdec_h264 ! fakesink num-buffers=30"
    )
    audio = "s. ! application/x-rtp,media=audio ! queue ! rtpmp4gdepay ! aacparse ! avdec_aac ! fakesink num-buffers=20"
    return await run("gst-launch-1.0", "-q", *source, *video.split(), *audio.split())
