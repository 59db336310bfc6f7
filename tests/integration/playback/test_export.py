"""A clip shows exactly the pictures of its span, each once, whatever files they lie in."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from tests.cameras import camera, film, http_camera
from tests.rig.footage import Footage, assert_sent, footage
from tests.rig.nvr import Nvr, WatchedStream, eventually

pytestmark = pytest.mark.anyio

_INTERVAL_S = 1 / 15


@dataclass(frozen=True, slots=True)
class Shown:
    """A recorded picture: its number, and when it was, in seconds since 1970 UTC."""

    number: int | None
    at: float


async def _pictures(nvr: Nvr, stream: WatchedStream) -> list[list[Shown]]:
    """Every picture that lies in the files of a stream, file by file."""

    def read() -> list[list[Shown]]:
        with sqlite3.connect(f"file:{nvr.settings.database.path}?mode=ro", uri=True) as database:
            query = "SELECT path, start_us FROM recordings WHERE stream_name = ? ORDER BY start_us"
            rows = database.execute(query, (stream.name,)).fetchall()
        found = []
        for path, start_us in rows:
            part = footage(nvr.root / path)
            found.append([Shown(n, start_us / 1e6 + t) for n, t in zip(part.numbers, part.times, strict=True)])
        return found

    return await asyncio.to_thread(read)


async def _clip(nvr: Nvr, stream: WatchedStream, start: float, end: float, **query: str) -> Footage:
    span = {"start": f"{start:.6f}", "end": f"{end:.6f}", **query}
    answer = await nvr.client.get(f"{stream.path}/export", params=span)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "video/mp4"
    return await asyncio.to_thread(footage, answer.content)


async def _recorded(nvr: Nvr, url: str, files: int = 4) -> WatchedStream:
    """A stream that was cut into several files, none of them open any more."""
    stream = await nvr.add(url)
    await nvr.cut_every(2.0, stream)
    await stream.has_recordings(lambda rows: len(rows) >= files, f"{files} files")
    await stream.stopped()
    return stream


@pytest.mark.parametrize("codec", ["h264", "hevc"])
async def test_a_clip_begins_and_ends_at_the_picture_and_loses_none_between_files(nvr: Nvr, codec: str) -> None:
    shown_film = await asyncio.to_thread(lambda: film("hevc" if codec == "hevc" else "h264", "aac"))
    async with camera(shown_film) as cam:
        stream = await _recorded(nvr, cam.url)
    files = await _pictures(nvr, stream)
    every = [picture for pictures in files for picture in pictures]
    first, last = files[0][7], files[-1][4]
    for begin, end in (
        (first.at - _INTERVAL_S / 2, last.at - _INTERVAL_S / 2),
        (first.at - 0.0001, last.at + 0.0001),
        (first.at + 0.0001, last.at - 0.0001),
        (every[0].at - 100, every[-1].at + 100),
        (files[1][0].at - 0.0001, files[2][0].at - 0.0001),
    ):
        clip = await _clip(nvr, stream, begin, end)
        assert clip.numbers == [picture.number for picture in every if begin <= picture.at < end]
        assert clip.times[0] == pytest.approx(0, abs=0.001)
        wanted = [picture.at for picture in every if begin <= picture.at < end]
        for place, at in enumerate(clip.times):
            assert at == pytest.approx(wanted[place] - wanted[0], abs=0.002)
        assert clip.damaged_sound == 0
        assert clip.samples / clip.sample_rate == pytest.approx(len(clip.numbers) * _INTERVAL_S, abs=0.2)
        # The sound that spans the beginning of a file lies in the file before.
        in_midst = begin not in {every[0].at - 100, files[1][0].at - 0.0001}
        assert clip.audio_start == pytest.approx(0, abs=0.01 if in_midst else 0.15)


async def test_pictures_that_are_shown_in_another_order_than_decoded_are_all_there(nvr: Nvr) -> None:
    reordered = await asyncio.to_thread(lambda: film(b_frames=2))
    async with camera(reordered) as cam:
        stream = await _recorded(nvr, cam.url)
    files = await _pictures(nvr, stream)
    every = [picture for pictures in files for picture in pictures]
    for first, last in ((files[0][8], files[1][9]), (files[0][3], files[2][5])):
        begin, end = first.at - _INTERVAL_S / 2, last.at - _INTERVAL_S / 2
        clip = await _clip(nvr, stream, begin, end)
        assert clip.numbers == [picture.number for picture in every if begin <= picture.at < end]


async def test_what_is_being_recorded_can_be_exported(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await eventually(lambda: len(cam.frames_sent) >= 60, "four seconds of pictures")
        rows = await stream.has_recordings(bool, "an open recording")
        start = rows[0]["start_time_unix"] - 1
        clip = await _clip(nvr, stream, start, start + 3600)
        assert len(clip.numbers) > 30
        assert not rows[0]["complete"]
        sent = list(cam.frames_sent)
        await stream.stopped()
    assert clip.numbers == sent[: len(clip.numbers)]


async def test_a_gap_takes_no_time_in_the_clip(nvr: Nvr) -> None:
    sounding = await asyncio.to_thread(lambda: film("h264", "aac"))
    async with camera(sounding, events={40: lambda cam: cam.drop_connections()}) as cam:
        stream = await nvr.add(cam.url)
        await eventually(lambda: len(cam.frames_sent) >= 80, "pictures after the cut")
        rows = await stream.stopped()
    assert len(rows) == 2
    files = await _pictures(nvr, stream)
    begin, end = files[0][0].at - 1, files[1][-1].at + 1
    clip = await _clip(nvr, stream, begin, end)
    assert clip.numbers == [picture.number for pictures in files for picture in pictures]
    assert all(0 < later - earlier < 0.3 for earlier, later in pairwise(clip.times))
    assert files[1][0].at - files[0][-1].at > 0.5
    assert clip.times[-1] < sum(pictures[-1].at - pictures[0].at for pictures in files) + 0.5


async def test_the_sound_can_be_left_out(nvr: Nvr) -> None:
    sounding = await asyncio.to_thread(lambda: film("h264", "aac"))
    async with camera(sounding) as cam:
        stream = await _recorded(nvr, cam.url, 2)
    files = await _pictures(nvr, stream)
    clip = await _clip(nvr, stream, files[0][0].at - 1, files[-1][-1].at + 1, audio="false")
    assert len(clip.codecs) == 1
    assert len(clip.numbers) == sum(map(len, files))


async def test_ffmpeg_plays_a_clip_without_complaint(nvr: Nvr, tmp_path: Path) -> None:
    async with camera() as cam:
        stream = await _recorded(nvr, cam.url)
        sent = list(cam.frames_sent)
    files = await _pictures(nvr, stream)
    answer = await nvr.client.get(
        f"{stream.path}/export", params={"start": str(files[0][0].at - 1), "end": str(files[-1][-1].at + 1)}
    )
    clip, played = tmp_path / "clip.mp4", tmp_path / "played.mp4"
    await asyncio.to_thread(clip.write_bytes, answer.content)
    process = await asyncio.create_subprocess_exec(
        *("ffmpeg", "-v", "warning", "-y", "-i", str(clip), "-fps_mode", "passthrough"),
        *("-c:v", "libx264", "-qp", "10", "-bf", "0", str(played)),
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert (process.returncode, said.decode()) == (0, "")
    assert_sent((await asyncio.to_thread(footage, played)).numbers, sent)


async def test_another_size_of_the_pictures_goes_on_in_the_same_clip(nvr: Nvr) -> None:
    small, large = await asyncio.to_thread(lambda: (film(seconds=2), film(width=480, height=360, first_number=1000)))
    async with http_camera("ts", small, large, repeat_from=1) as cam:
        stream = await nvr.add(cam.url)
        await eventually(lambda: len(cam.frames_sent) >= 75, "pictures after the change")
        await stream.stopped()
    files = await _pictures(nvr, stream)
    clip = await _clip(nvr, stream, files[0][0].at - 1, files[-1][-1].at + 1)
    assert clip.numbers == [picture.number for pictures in files for picture in pictures]
    assert set(clip.sizes) == {(320, 240), (480, 360)}


async def test_another_codec_is_refused_with_the_moment_at_which_to_divide(nvr: Nvr) -> None:
    one, other = await asyncio.to_thread(lambda: (film(), film("hevc")))
    async with camera(one) as first, camera(other) as second:
        stream = await nvr.add(first.url)
        await stream.connected()
        await stream.has_recordings(bool, "a recording")
        await eventually(lambda: len(first.frames_sent) >= 20, "pictures in H.264")
        await stream.change(url=second.url)
        await eventually(lambda: len(second.frames_sent) >= 30, "pictures in H.265")
        await stream.stopped()
    files = await _pictures(nvr, stream)
    begin, end = files[0][0].at - 1, files[-1][-1].at + 1
    answer = await nvr.client.get(f"{stream.path}/export", params={"start": str(begin), "end": str(end)})
    assert answer.status_code == 409
    said = answer.json()["error"]
    assert "from H.264 to H.265 at " in said
    moment = said.partition(" at ")[2].partition(",")[0]
    for span in ({"start": str(begin), "end": moment}, {"start": moment, "end": str(end)}):
        assert (await nvr.client.get(f"{stream.path}/export", params=span)).status_code == 200


async def test_any_range_of_a_clip_is_what_the_whole_has_there(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await _recorded(nvr, cam.url)
    files = await _pictures(nvr, stream)
    span = {"start": str(files[0][3].at), "end": str(files[-1][-2].at)}
    whole = await nvr.client.get(f"{stream.path}/export", params=span)
    head = await nvr.client.head(f"{stream.path}/export", params=span)
    assert head.headers["content-length"] == str(len(whole.content))
    size = len(whole.content)
    for begin, end in ((0, 0), (0, size - 1), (10, 5000), (size // 3, size // 2), (size - 7, size - 1)):
        part = await nvr.client.get(
            f"{stream.path}/export",
            params=span,
            headers={"Range": f"bytes={begin}-{end}", "If-Range": whole.headers["etag"]},
        )
        assert part.status_code == 206
        assert part.content == whole.content[begin : end + 1]
    beyond = await nvr.client.get(f"{stream.path}/export", params=span, headers={"Range": f"bytes={size}-"})
    assert beyond.status_code == 416


async def test_the_connection_is_cut_when_a_recording_goes_while_it_is_exported(nvr: Nvr) -> None:
    heavy = await asyncio.to_thread(lambda: film(width=640, height=480, gop=3, bit_rate=20_000_000))
    async with camera(heavy) as cam:
        stream = await _recorded(nvr, cam.url, 5)
        rows = await stream.recordings()
    span = {"start": str(rows[0]["start_time_unix"] - 1), "end": str(rows[-1]["end_time_unix"] + 1)}

    async def cut_short(during: Callable[[], Awaitable[None]]) -> int:
        got = 0
        async with nvr.client.stream("GET", f"{stream.path}/export", params=span) as answer:
            promised = int(answer.headers["content-length"])
            assert promised > 12_000_000, "more than what waits in buffers"
            pieces = answer.aiter_raw(1000)
            got += len(await anext(pieces))
            await during()
            async for piece in pieces:
                got += len(piece)
        assert got == promised
        return got

    async def delete_the_last() -> None:
        assert (await nvr.client.delete(f"/api/recordings/{rows[-1]['id']}")).status_code == 200

    async def nothing() -> None:
        pass

    await cut_short(nothing)
    with pytest.raises(httpx.RemoteProtocolError):
        await cut_short(delete_the_last)
    assert (await nvr.client.get(f"{stream.path}/export", params=span)).status_code == 200


async def test_a_stream_that_was_deleted_can_still_be_exported(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await _recorded(nvr, cam.url, 2)
    files = await _pictures(nvr, stream)
    assert (await nvr.client.delete(stream.path)).status_code == 200
    clip = await _clip(nvr, stream, files[0][0].at - 1, files[-1][-1].at + 1)
    assert len(clip.numbers) == sum(map(len, files))


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("start=2026-01-02&end=2026-01-01", 400),
        ("start=2026-01-01T00:00:00Z&end=2026-01-02T00:00:01Z", 400),
        ("start=yesterday&end=2026-01-01", 400),
        ("end=2026-01-01", 400),
        ("start=2026-01-01&end=2026-01-01T01:00:00Z", 404),
    ],
)
async def test_what_cannot_be_exported_is_refused_with_a_reason(nvr: Nvr, query: str, status: int) -> None:
    answer = await nvr.client.get(f"/api/streams/nobody/export?{query}")
    assert answer.status_code == status
    assert answer.json()["error"]
