"""The demo cameras, as a part and as a process."""

import asyncio
import json
import signal
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from lightnvr.demo.cameras import DEMO_CAMERAS, demo_cameras
from lightnvr.demo.clip import DamagedClip, load_clip
from lightnvr.demo.library import ClipLibrary
from tests.integration.rtsp.watching import watch

pytestmark = pytest.mark.anyio


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    return tmp_path / "clips"


async def test_the_four_cameras_play_what_they_promise_and_loop_without_a_seam(clips: Path) -> None:
    models = [
        replace(model, recipe=replace(model.recipe, seconds=2 if model.recipe.audio is None else 16))
        for model in DEMO_CAMERAS
        if model.recipe.video is not None and model.recipe.video.width < 1920
    ]
    async with demo_cameras(clips, [0] * len(models), models=models) as cameras:
        for camera, codecs in zip(cameras, (["h264", "aac"], ["hevc", "aac"], ["h264", "pcm_alaw"]), strict=True):
            seen = await watch(camera.url, 20, audio_frames=10)
            assert seen.codecs == codecs
            assert seen.numbers == list(range(len(seen.numbers)))


async def test_the_camera_with_a_password_loops_without_a_seam(clips: Path) -> None:
    model = next(model for model in DEMO_CAMERAS if model.user is not None)
    short = replace(model, recipe=replace(model.recipe, seconds=2))
    async with demo_cameras(clips, [0], models=[short]) as (camera,):
        seen = await watch(camera.url, 60)
    assert seen.sizes[0] == (1920, 1080)
    assert seen.numbers == [number % 50 for number in range(60)]
    # FFmpeg gives the first keyframe after connecting no time when it came in several packets.
    times = [0.0, *(moment for moment in seen.video_times[1:] if moment is not None)]
    assert [round((b - a) * 25) for a, b in pairwise(times)] == [1] * 59


async def test_a_film_is_encoded_once(clips: Path) -> None:
    recipe = replace(DEMO_CAMERAS[3].recipe, audio=None, seconds=1)
    library = ClipLibrary(clips)
    library.get(recipe)
    written = library.path(recipe).stat().st_mtime_ns
    again = library.get(recipe)
    assert library.path(recipe).stat().st_mtime_ns == written
    assert again == load_clip(library.path(recipe))


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"not json", b'{"format": "lightnvr-clip-1"}\n'])
async def test_a_damaged_film_is_made_again(clips: Path, damage: bytes) -> None:
    recipe = replace(DEMO_CAMERAS[3].recipe, audio=None, seconds=1)
    library = ClipLibrary(clips)
    library.get(recipe)
    path = library.path(recipe)
    path.write_bytes(damage)
    with pytest.raises(DamagedClip):
        load_clip(path)
    assert library.get(recipe).tracks


async def test_the_process_says_where_its_cameras_are_and_ends_on_sigterm(clips: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lightnvr.demo.cameras", "--clips", str(clips), "--count", "2"),
        stdout=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": "src", "PATH": "/usr/bin:/bin"},
        cwd=Path(__file__).parents[3],
    )
    try:
        assert process.stdout is not None
        cameras = json.loads(await process.stdout.readline())["cameras"]
        assert [camera["name"] for camera in cameras] == ["cam0", "cam1"]
        for camera in cameras:
            assert (await watch(camera["url"], 5)).numbers == [0, 1, 2, 3, 4]
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
