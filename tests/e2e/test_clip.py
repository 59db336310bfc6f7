"""A clip in Chromium's own player begins with the picture that was asked for and ends with the last before the end."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.cameras import camera, film, in_thread
from tests.e2e.chromium import visiting_as_admin
from tests.e2e.reading import READ_NUMBER
from tests.rig.footage import footage
from tests.rig.waiting import until
from tests.server_process import COMMAND, ServerProcess

WIDTH, HEIGHT = 640, 360
_BLOCK = 8

_SHOW = f"""async ([address, seconds]) => {{
  {READ_NUMBER}
  const video = document.createElement("video");
  video.muted = true;
  document.body.append(video);
  const nextFrame = () => new Promise((resolve) => {{ video.requestVideoFrameCallback(resolve); }});
  const first = nextFrame();
  video.src = address;
  await new Promise((resolve, reject) => {{
    video.onloadeddata = resolve;
    video.onerror = () => reject(new Error(video.error.message));
  }});
  await first;
  const shown = [];
  for (const second of seconds) {{
    if (second > 0) {{
      const frame = nextFrame();
      video.currentTime = Math.min(second, video.duration - 0.01);
      await new Promise((resolve) => {{ video.onseeked = resolve; }});
      await frame;
    }}
    shown.push(readNumber(video, {WIDTH}, {HEIGHT}, {_BLOCK}));
  }}
  return [shown, video.duration];
}}"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """LightNVR with a camera that has been recorded in more than one file."""
    recording = film("h264", "aac", width=WIDTH, height=HEIGHT, bit_rate=800_000)
    with (
        in_thread(lambda: camera(recording)) as cam,
        ServerProcess([COMMAND, "serve"], tmp_path) as running,
        running.client() as client,
    ):
        body = {"name": "door", "url": cam.camera.url, "segment_duration": 10}
        client.post("/api/streams", json=body).raise_for_status()
        until(lambda: client.get("/api/recordings").json()["pagination"]["total"] >= 2, "a second file")
        until(lambda: len(cam.do(lambda c: c.frames_sent)) > 200, "something in the second file")
        client.put("/api/streams/door", json={"enabled": False}).raise_for_status()
        until(
            lambda: all(each["complete"] for each in client.get("/api/recordings").json()["recordings"]),
            "all files closed",
        )
        yield running


def test_chromium_shows_exactly_the_span(server: ServerProcess, browser: Browser, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with sqlite3.connect(data / "lightnvr.db") as database:
        rows = database.execute("SELECT path, start_us FROM recordings ORDER BY start_us").fetchall()
    pictures = []
    for path, start_us in rows:
        part = footage(data / "recordings" / path)
        pictures += [(start_us / 1e6 + time, number) for time, number in zip(part.times, part.numbers, strict=True)]
    begin, end = pictures[8][0] - 0.02, pictures[-3][0] + 0.02
    middle = len(pictures) // 2
    address = f"/api/streams/door/export?start={begin:.6f}&end={end:.6f}"
    seconds = [0, pictures[middle][0] - pictures[8][0] + 0.03, 1000]
    with visiting_as_admin(browser, server.url) as page:
        shown, duration = page.evaluate(_SHOW, [address, seconds])
    assert shown == [pictures[8][1], pictures[middle][1], pictures[-3][1]], json.dumps([shown, duration])
    assert duration == pytest.approx(end - pictures[8][0], abs=0.05)
