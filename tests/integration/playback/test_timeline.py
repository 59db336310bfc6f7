"""A span of recorded time is one playlist, in which no picture is missing and none comes twice."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.cameras import camera
from tests.rig.footage import Footage, assert_sent, footage
from tests.rig.nvr import Nvr, Row, WatchedStream, eventually

pytestmark = pytest.mark.anyio


async def _as_ffmpeg_plays_it(nvr: Nvr, folder: Path, query: str) -> Footage:
    """What Debian's ffmpeg makes of a playlist of the timeline."""
    target = folder / "played.mp4"
    address = f"{nvr.client.base_url}/api/timeline/manifest?{query}"
    process = await asyncio.create_subprocess_exec(
        *("ffmpeg", "-v", "error", "-y", "-i", address),
        *("-map", "0:v", "-fps_mode", "passthrough", "-c:v", "libx264", "-qp", "10", "-bf", "0", str(target)),
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    return await asyncio.to_thread(footage, target)


async def _recorded_in_parts(nvr: Nvr, url: str) -> tuple[WatchedStream, list[Row]]:
    """A stream that was cut into several files, none of them open any more."""
    stream = await nvr.add(url)
    await nvr.cut_every(2.0, stream)
    await stream.has_recordings(lambda rows: len(rows) >= 4, "four files")
    return stream, await stream.stopped()


def _span(rows: list[Row]) -> str:
    return f"start={rows[0]['start_time_unix'] - 1}&end={rows[-1]['end_time_unix']}"


async def test_ffmpeg_plays_a_span_over_several_files_without_a_gap(nvr: Nvr, tmp_path: Path) -> None:
    async with camera() as cam:
        stream, rows = await _recorded_in_parts(nvr, cam.url)
        sent = list(cam.frames_sent)
    played = await _as_ffmpeg_plays_it(nvr, tmp_path, f"stream={stream.name}&{_span(rows)}".replace(" ", "%20"))
    assert_sent(played.numbers, sent)


async def test_a_span_can_begin_and_end_within_files(nvr: Nvr) -> None:
    async with camera() as cam:
        stream, rows = await _recorded_in_parts(nvr, cam.url)
    second = rows[1]
    answer = await nvr.client.get(
        "/api/timeline/manifest",
        params={"stream": stream.name, "start": second["start_time"], "end": rows[2]["start_time"]},
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.apple.mpegurl"
    shown = [int(number) for number in re.findall(r"media/(\d+)", answer.text)]
    assert set(shown) <= {row["id"] for row in rows[:3]}
    assert second["id"] in shown
    assert answer.text.endswith("#EXT-X-ENDLIST\n")


async def test_a_span_that_reaches_the_present_grows_while_the_camera_is_recorded(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await nvr.cut_every(2.0, stream)
        rows = await stream.has_recordings(lambda rows: len(rows) >= 2, "two files")
        query = {"stream": stream.name, "start": rows[0]["start_time"]}

        async def lines() -> list[str]:
            answer = await nvr.client.get("/api/timeline/manifest", params=query)
            assert answer.status_code == 200, answer.text
            return answer.text.splitlines()

        earlier = await lines()
        await stream.has_recordings(lambda rows: len(rows) >= 4, "four files")
        later = await lines()
    assert "#EXT-X-PLAYLIST-TYPE:EVENT" in earlier
    assert "#EXT-X-ENDLIST" not in later
    assert len(later) > len(earlier)
    assert later[: len(earlier)] == earlier


async def test_a_gap_is_a_discontinuity_with_the_true_time_after_it(nvr: Nvr) -> None:
    async with camera(events={30: lambda cam: cam.drop_connections()}) as cam:
        stream = await nvr.add(cam.url)
        await eventually(lambda: len(cam.frames_sent) >= 60, "pictures after the cut")
        rows = await stream.stopped()
    assert len(rows) == 2
    answer = await nvr.client.get(
        "/api/timeline/manifest", params={"stream": stream.name, "start": rows[0]["start_time"]}
    )
    text = answer.text
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1
    assert text.count("#EXT-X-MAP:") == 2
    times = re.findall(r"PROGRAM-DATE-TIME:(\S{19})", text)
    assert times == [row["start_time"].removesuffix("Z") for row in rows]


async def test_the_keyframe_playlist_has_one_entry_for_each_keyframe(nvr: Nvr) -> None:
    async with camera() as cam:
        stream, rows = await _recorded_in_parts(nvr, cam.url)
    answer = await nvr.client.get(f"/api/timeline/manifest?stream={stream.name}&{_span(rows)}&frames=key")
    assert "#EXT-X-I-FRAMES-ONLY" in answer.text
    ranges = re.findall(r"BYTERANGE:(\d+)@(\d+)\nmedia/(\d+)\.mp4(\S*)", answer.text)
    assert len(ranges) >= len(rows)
    size, offset, recording, query = ranges[-1]
    init = await nvr.client.get(f"/api/timeline/init/{recording}.mp4")
    part = await nvr.client.get(
        f"/api/timeline/media/{recording}.mp4{query}",
        headers={"Range": f"bytes={offset}-{int(offset) + int(size) - 1}"},
    )
    assert part.status_code == 206
    seen = await asyncio.to_thread(footage, init.content + part.content)
    assert seen.numbers
    assert seen.numbers[0] is not None


async def test_playing_a_moment_lands_on_the_keyframe_before_it(nvr: Nvr) -> None:
    async with camera() as cam:
        stream, rows = await _recorded_in_parts(nvr, cam.url)
    moment = rows[1]["start_time_unix"] + 1
    answer = await nvr.client.get("/api/timeline/play", params={"stream": stream.name, "start": str(moment)})
    assert answer.status_code == 302
    found = re.fullmatch(r"/api/recordings/play/(\d+)#t=(\d+\.\d{3})", answer.headers["location"])
    assert found is not None
    recording = next(row for row in rows if row["id"] == int(found[1]))
    assert recording["start_time_unix"] <= moment <= recording["end_time_unix"] + 1
    assert recording["start_time_unix"] + float(found[2]) <= moment
    after = await nvr.client.get("/api/timeline/play", params={"stream": stream.name, "start": str(moment + 600)})
    assert f"/play/{rows[-1]['id']}#" in after.headers["location"]
    never = await nvr.client.get("/api/timeline/play", params={"stream": stream.name, "start": "2020-01-01"})
    assert never.status_code == 404


async def test_segments_and_density_tell_what_is_there(nvr: Nvr) -> None:
    async with camera() as cam:
        stream, rows = await _recorded_in_parts(nvr, cam.url)
    span = {"stream": stream.name, "start": rows[0]["start_time"], "end": str(rows[-1]["end_time_unix"] + 1)}
    told = await nvr.get("/api/timeline/segments", **span)
    assert [segment["id"] for segment in told["segments"]] == [row["id"] for row in rows]
    assert told["truncated"] is False
    density = await nvr.get("/api/timeline/density", **span, buckets="4")
    recorded_s = sum(part["recorded_s"] for part in density["buckets"])
    assert recorded_s == pytest.approx(sum(row["duration"] for row in rows), abs=len(rows))
    chosen = await nvr.get("/api/timeline/segments-by-ids", ids=f"{rows[2]['id']},999999,{rows[0]['id']}")
    assert [segment["id"] for segment in chosen["segments"]] == [rows[2]["id"], rows[0]["id"]]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("manifest?stream=x&start=2026-01-02&end=2026-01-01", 400),
        ("manifest?stream=x&start=2026-01-01&end=2026-03-01", 400),
        ("manifest?stream=x&start=yesterday", 400),
        ("manifest", 400),
        ("manifest?stream=nobody", 404),
        ("segments-by-ids?ids=a,b", 400),
        ("density?stream=x&buckets=0", 400),
        ("init/1.mp4", 404),
    ],
)
async def test_what_cannot_be_answered_is_refused_with_a_reason(nvr: Nvr, path: str, status: int) -> None:
    answer = await nvr.client.get(f"/api/timeline/{path}")
    assert answer.status_code == status
    assert answer.json()["error"]
