"""Foreign players watch by HLS while the stream is recorded."""

import asyncio
import shutil
from pathlib import Path
from urllib.parse import quote

import av
import numpy as np
import pytest

from tests.cameras import camera, film, frame_number
from tests.integration.live.conftest import PASSWORD
from tests.rig.hls_client import consecutive, shown
from tests.rig.nvr import Nvr, WatchedStream, eventually

PLAYLISTS = ["index.m3u8", "ll.m3u8", "master.m3u8"]


def address(nvr: Nvr, stream: WatchedStream, playlist: str) -> str:
    """Where to watch, with Basic credentials in the address."""
    return f"http://admin:{quote(PASSWORD, safe='')}@127.0.0.1:{nvr.server.port}/hls/{stream.id}/{playlist}"


async def run(*command: str) -> str:
    """Run a program to its end and return what it complained about."""
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, complaints = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, complaints.decode()
    return complaints.decode()


@pytest.mark.parametrize("playlist", PLAYLISTS)
async def test_ffmpeg_reads_every_picture_with_basic_credentials(nvr: Nvr, tmp_path: Path, playlist: str) -> None:
    kept = tmp_path / "kept.mkv"
    async with camera(film("h264", "aac", b_frames=2)) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()

        complaints = await run(
            *("ffmpeg", "-v", "error", "-i", address(nvr, stream, playlist), "-t", "6", "-c", "copy", str(kept))
        )

        numbers = await stream.numbers()
    assert complaints == ""
    read = shown(kept.read_bytes())
    assert consecutive(read[:-2])
    assert len(read) > 5 * 15
    assert consecutive(numbers[:-3])


@pytest.mark.parametrize("playlist", PLAYLISTS[:2])
async def test_pyav_reads_on_when_the_camera_comes_back(nvr: Nvr, playlist: str) -> None:
    async with camera(film("h264", "aac")) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        reading = asyncio.create_task(asyncio.to_thread(_read, address(nvr, stream, playlist), 150))
        await eventually(lambda: len(cam.frames_sent) > 60, "some pictures were sent")

        cam.drop_connections()

        numbers = await reading
        breaks = [at for at in range(1, len(numbers)) if not consecutive(numbers[at - 1 : at + 1])]
    assert len(breaks) <= 1
    assert len(numbers) == 150


def _read(url: str, frames: int) -> list[int | None]:
    numbers: list[int | None] = []
    with av.open(url, timeout=30) as container:
        for frame in container.decode(video=0):
            numbers.append(frame_number(np.asarray(frame.to_ndarray(format="gray"), np.uint8)))
            if len(numbers) >= frames:
                break
    return numbers


@pytest.mark.skipif(shutil.which("gst-launch-1.0") is None, reason="GStreamer is not installed")
@pytest.mark.parametrize(("playlist", "demuxer"), [("index.m3u8", "tsdemux"), ("ll.m3u8", "qtdemux")])
async def test_gstreamer_plays(nvr: Nvr, tmp_path: Path, playlist: str, demuxer: str) -> None:
    kept = tmp_path / "kept.264"
    async with camera(film("h264")) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        ticket = (await nvr.client.post(f"{stream.path}/ticket", json={})).json()["ticket"]
        where = f"http://127.0.0.1:{nvr.server.port}/hls/{stream.id}/{playlist}?ticket={ticket}"
        player = await asyncio.create_subprocess_exec(
            *("gst-launch-1.0", "-q", "souphttpsrc", f"location={where}", "!", "hlsdemux", "!", demuxer, "!"),
            *("h264parse", "!", "video/x-h264,stream-format=byte-stream,alignment=au", "!"),
            *("filesink", f"location={kept}", "buffer-mode=unbuffered"),
        )
        try:
            await eventually(lambda: kept.exists() and kept.stat().st_size > 150_000, "GStreamer played some seconds")
        finally:
            player.terminate()
            await player.wait()

    read = shown(kept.read_bytes())
    assert consecutive(read[:-1])
    assert len(read) > 45
