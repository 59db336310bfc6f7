"""Cameras that were connected at different times show the same moment at the same wall-clock time."""

import asyncio
import re
import statistics
from datetime import datetime

import pytest

from tests.cameras import RtspCamera, camera, film
from tests.rig.footage import footage
from tests.rig.nvr import Nvr, WatchedStream, eventually

pytestmark = pytest.mark.anyio

_FPS = 15
_APART_S = 5.0
_FIRST = re.compile(r'MAP:URI="(.+?)".*?DATE-TIME:(\S+).*?BYTERANGE:(\d+)@(\d+)\n(media/\S+?)\?', re.DOTALL)


async def _pictures_by_time(nvr: Nvr, stream: WatchedStream, start: float, end: float) -> list[tuple[float, int]]:
    """What a player shows of a span: when by the wall clock, in seconds since 1970 UTC, and the number."""
    query = {"stream": stream.name, "start": f"{start:.3f}", "end": f"{end:.3f}"}
    playlist = (await nvr.client.get("/api/timeline/manifest", params=query)).raise_for_status().text
    (init, date_time, *_) = _FIRST.findall(playlist)[0]
    begins = datetime.fromisoformat(date_time).timestamp()
    head = (await nvr.client.get(f"/api/timeline/{init}")).content
    body = b""
    for size, offset, media in re.findall(r"BYTERANGE:(\d+)@(\d+)\n(media/\S+?)\?", playlist):
        wanted = {"Range": f"bytes={offset}-{int(offset) + int(size) - 1}"}
        body += (await nvr.client.get(f"/api/timeline/{media}?shift=0", headers=wanted)).content
    shown = await asyncio.to_thread(footage, head + body)
    first = shown.times[0]
    return [
        (begins + at - first, number)
        for at, number in zip(shown.times, shown.numbers, strict=True)
        if number is not None
    ]


def _sent_at(cam: RtspCamera) -> dict[int, float]:
    return dict(zip(cam.frames_sent, cam.sent_at, strict=True))


async def test_two_cameras_started_five_seconds_apart_are_in_step(nvr: Nvr) -> None:
    async with camera(film(fps=_FPS, seconds=60)) as early, camera(film(fps=_FPS, seconds=60)) as late:
        first = await nvr.add(early.url)
        await eventually(lambda: len(early.frames_sent) >= _FPS * _APART_S, "five seconds of the first camera")
        second = await nvr.add(late.url)
        await eventually(lambda: len(late.frames_sent) >= _FPS * 8, "eight seconds of the second camera")
        sent = [_sent_at(early), _sent_at(late)]
        await first.stopped()
        await second.stopped()
    start = min(sent[1].values()) + 1
    shown = [await _pictures_by_time(nvr, stream, start, start + 5) for stream in (first, second)]
    # How late a picture is by the recording's clock, compared with when its camera sent it.
    late_by = [
        statistics.median(at - times[number] for at, number in seen) for seen, times in zip(shown, sent, strict=True)
    ]
    assert len(shown[0]) > 3 * _FPS
    assert len(shown[1]) > 3 * _FPS
    assert abs(late_by[0] - late_by[1]) <= 1 / _FPS, late_by
