"""Who has no right to listen gets no sound, whichever way; and who has it does."""

import asyncio
import io
import json
import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import av
import httpx
import numpy as np
import pytest

from tests.cameras import camera, film
from tests.integration.live.conftest import PASSWORD
from tests.rig.footage import footage
from tests.rig.hls_client import shown
from tests.rig.mse_player import mse_player
from tests.rig.nvr import Nvr, WatchedStream, eventually, running_nvr
from tests.rig.programs import run
from tests.rig.webrtc_player import playing

pytestmark = pytest.mark.anyio

SECRET = "a long secret"
_ENOUGH = 200_000
_MEDIA_TYPES = ("video/", "audio/", "application/zip", "application/vnd.apple.mpegurl")


@dataclass(frozen=True, slots=True)
class Home:
    """A camera with sound that is recorded, and two who may look, of whom one may not listen."""

    nvr: Nvr
    stream: WatchedStream
    closed: int
    opened: int
    deaf: httpx.AsyncClient
    hearing: httpx.AsyncClient


@pytest.fixture(scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Home]:
    async with (
        running_nvr(tmp_path_factory.mktemp("home"), rtsp=True, password=PASSWORD) as nvr,
        camera(film("h264", "aac")) as cam,
    ):
        stream = await nvr.add(cam.url, name="Garden", sub_stream_url=cam.url)
        await stream.connected()
        await nvr.cut_every(3.0, stream)
        await stream.has_recordings(lambda rows: len([row for row in rows if row["complete"]]) >= 2, "two are closed")
        await nvr.cut_every(900.0, stream)
        rows = await stream.has_recordings(lambda found: not found[-1]["complete"], "one is open")
        for name, actions in (("deaf", "live,playback,export"), ("hearing", "live,listen,playback,export")):
            user = {"username": name, "password": SECRET, "role": 2, "allowed_actions": actions}
            (await nvr.client.post("/api/auth/users", json=user)).raise_for_status()
        async with (
            httpx.AsyncClient(base_url=nvr.client.base_url, timeout=30, auth=("deaf", SECRET)) as deaf,
            httpx.AsyncClient(base_url=nvr.client.base_url, timeout=30, auth=("hearing", SECRET)) as hearing,
        ):
            opened = next(row["id"] for row in rows if not row["complete"])
            await until_it_plays(hearing, opened)
            yield Home(nvr, stream, rows[0]["id"], opened, deaf, hearing)


async def until_it_plays(client: httpx.AsyncClient, recording_id: int) -> None:
    for _ in range(400):
        answer = await client.get("/api/timeline/manifest", params={"stream": "Garden"})
        if f"media/{recording_id}.mp4" in answer.text:
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"recording {recording_id} cannot be played")


async def beginning(client: httpx.AsyncClient, address: str) -> bytes:
    """What comes first of an answer without end."""
    content = b""
    async with client.stream("GET", address) as answer:
        assert answer.status_code == 200, address
        async for piece in answer.aiter_bytes():
            content += piece
            if len(content) >= _ENOUGH:
                break
    return content


async def whole(client: httpx.AsyncClient, address: str) -> bytes:
    answer = await client.get(address)
    assert answer.status_code == 200, f"{address}: {answer.text[:200]}"
    return answer.content


async def of_playlist(client: httpx.AsyncClient, address: str) -> bytes:
    """The newest complete segment of a playlist, with its init segment; byte ranges are asked for one by one."""
    lines = (await whole(client, address)).decode().splitlines()
    inits, media, span = b"", b"", ""
    for line in lines:
        if line.startswith("#EXT-X-MAP:"):
            inits = await whole(client, urljoin(address, line.split('URI="')[1].split('"')[0]))
            media = b""
        elif line.startswith("#EXT-X-BYTERANGE:"):
            span = line.partition(":")[2]
        elif line.startswith("#EXT-X-STREAM-INF"):
            return await of_playlist(client, urljoin(address, next(each for each in lines if each and each[0] != "#")))
        elif line and not line.startswith("#"):
            if span:
                size, _, offset = span.partition("@")
                wanted = f"bytes={offset}-{int(offset) + int(size) - 1}"
                answer = await client.get(urljoin(address, line), headers={"Range": wanted})
                assert answer.status_code == 206
                assert len(answer.content) == int(size)
                media += answer.content
            else:
                media += await whole(client, urljoin(address, line))
    return inits + media


async def parts_of(client: httpx.AsyncClient) -> bytes:
    """The init segment and the parts that low-latency players fetch."""
    address = "/hls/Garden/ll.m3u8"
    lines = (await whole(client, address)).decode().splitlines()
    uri = next(line.split('URI="')[1].split('"')[0] for line in lines if line.startswith("#EXT-X-MAP:"))
    content = await whole(client, urljoin(address, uri))
    for line in lines:
        if line.startswith("#EXT-X-PART:"):
            content += await whole(client, urljoin(address, line.split('URI="')[1].split('"')[0]))
    return content


def _span() -> str:
    return f"start={int(time.time()) - 3600}&end={int(time.time()) + 60}"


async def zipped(client: httpx.AsyncClient, home: Home) -> list[bytes]:
    body = {"ids": [home.closed, home.opened]}
    token = (await client.post("/api/recordings/batch-download", json=body)).json()["token"]
    with zipfile.ZipFile(io.BytesIO(await whole(client, f"/api/recordings/batch-download/result/{token}"))) as archive:
        return [archive.read(name) for name in archive.namelist()]


async def evidence(client: httpx.AsyncClient) -> bytes:
    content = await whole(client, f"/api/streams/Garden/export?{_span()}&evidence=true")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return next(archive.read(name) for name in archive.namelist() if name.endswith(".mp4"))


def _of(read: Callable[[httpx.AsyncClient, str], Awaitable[bytes]], address: str) -> "Fetch":
    async def fetch(client: httpx.AsyncClient, home: Home) -> list[bytes]:
        named = address.replace("CLOSED", str(home.closed)).replace("OPENED", str(home.opened))
        return [await read(client, named.replace("SPAN", _span()))]

    return fetch


async def _parts(client: httpx.AsyncClient, _home: Home) -> list[bytes]:
    return [await parts_of(client)]


async def _evidence(client: httpx.AsyncClient, _home: Home) -> list[bytes]:
    return [await evidence(client)]


Fetch = Callable[[httpx.AsyncClient, Home], Awaitable[list[bytes]]]

WAYS: Mapping[str, Fetch] = {
    "stream.mp4": _of(beginning, "/api/stream.mp4?src=Garden"),
    "stream.mp4 of the sub-stream": _of(beginning, "/api/stream.mp4?src=Garden_sub"),
    "stream.ts": _of(beginning, "/api/stream.ts?src=Garden"),
    "relay stream.mp4": _of(beginning, "/go2rtc/api/stream.mp4?src=Garden"),
    "relay stream.ts": _of(beginning, "/go2rtc/api/stream.ts?src=Garden"),
    "HLS": _of(of_playlist, "/hls/Garden/index.m3u8"),
    "low-latency HLS": _of(of_playlist, "/hls/Garden/ll.m3u8"),
    "parts": _parts,
    "multivariant HLS": _of(of_playlist, "/hls/Garden/master.m3u8"),
    "stream.m3u8": _of(of_playlist, "/api/stream.m3u8?src=Garden&mp4"),
    "relay stream.m3u8": _of(of_playlist, "/go2rtc/api/stream.m3u8?src=Garden"),
    "timeline": _of(of_playlist, "/api/timeline/manifest?stream=Garden&SPAN"),
    "keyframes": _of(of_playlist, "/api/timeline/manifest?stream=Garden&frames=key&SPAN"),
    "closed play": _of(whole, "/api/recordings/play/CLOSED"),
    "closed download": _of(whole, "/api/recordings/download/CLOSED"),
    "open play": _of(whole, "/api/recordings/play/OPENED"),
    "open download": _of(whole, "/api/recordings/download/OPENED"),
    "ZIP": zipped,
    "clip": _of(whole, "/api/streams/Garden/export?SPAN"),
    "clip with sound asked for": _of(whole, "/api/streams/Garden/export?audio=true&SPAN"),
    "evidence": _evidence,
}
_ROUTES = frozenset(
    {
        "/api/stream.mp4",
        "/go2rtc/api/stream.mp4",
        "/api/stream.ts",
        "/go2rtc/api/stream.ts",
        "/hls/{stream}/index.m3u8",
        "/hls/{stream}/segment_{number}.ts",
        "/hls/{stream}/ll.m3u8",
        "/hls/{stream}/init_{number}.mp4",
        "/hls/{stream}/part_{number}.{part}.m4s",
        "/hls/{stream}/seg_{number}.m4s",
        "/hls/{stream}/master.m3u8",
        "/api/stream.m3u8",
        "/go2rtc/api/stream.m3u8",
        "/api/timeline/manifest",
        "/api/timeline/init/{id}.mp4",
        "/api/timeline/media/{id}.mp4",
        "/api/recordings/play/{id}",
        "/api/recordings/download/{id}",
        "/api/recordings/batch-download/result/{token}",
        "/api/streams/{name}/export",
    }
)
"""What the ways above ask for."""


async def test_every_address_that_gives_media_is_among_those_that_are_tried(home: Home) -> None:
    paths = (await home.nvr.get("/api/openapi.json"))["paths"]
    found = {
        path
        for path, methods in paths.items()
        for operation in methods.values()
        for answer in operation["responses"].values()
        for kind in answer.get("content", {})
        if kind.startswith(_MEDIA_TYPES)
    }
    assert found - {"/backups/{filename}"} == _ROUTES


def sounds(content: bytes) -> int:
    """How many packets of sound there are in media, after FFmpeg's own understanding of it."""
    with av.open(io.BytesIO(content), "r") as container:
        if not container.streams.audio:
            return 0
        return sum(1 for packet in container.demux(container.streams.audio[0]) if packet.size)


@pytest.mark.parametrize("way", WAYS)
async def test_who_may_not_listen_sees_everything_and_hears_nothing(home: Home, way: str) -> None:
    for content in await WAYS[way](home.deaf, home):
        with av.open(io.BytesIO(content), "r") as container:
            assert [stream.type for stream in container.streams] == ["video"]
            pictures = sum(1 for packet in container.demux(container.streams.video[0]) if packet.size)
        assert pictures > (1 if way == "keyframes" else 5)
        if not way.startswith(("stream.", "relay stream.t", "relay stream.m")):
            # Where an answer has no end, it was cut off in the midst of a picture.
            numbers = await asyncio.to_thread(shown, content)
            assert None not in numbers


@pytest.mark.parametrize("way", [way for way in WAYS if way != "keyframes"])
async def test_who_may_listen_hears_it(home: Home, way: str) -> None:
    for content in await WAYS[way](home.hearing, home):
        assert sounds(content) > 5


async def test_nothing_of_the_sound_is_in_the_bytes_of_a_recording(home: Home) -> None:
    heard = await whole(home.hearing, f"/api/recordings/play/{home.closed}")
    with av.open(io.BytesIO(heard), "r") as container:
        packets = [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size > 16]
    assert packets
    for path in ("recordings/play", "recordings/download", "timeline/media"):
        suffix = ".mp4" if path == "timeline/media" else ""
        content = await whole(home.deaf, f"/api/{path}/{home.closed}{suffix}")
        assert len(content) == len(heard)
        assert not [packet for packet in packets if packet in content]
        assert b"mp4a" not in content


async def test_ranges_of_a_recording_are_parts_of_what_is_given_whole(home: Home) -> None:
    for path in (f"/api/recordings/play/{home.closed}", f"/api/timeline/media/{home.closed}.mp4?shift=5000000"):
        content = await whole(home.deaf, path)
        for first, last in ((0, 99), (1000, 200_000), (len(content) - 5000, len(content) - 1)):
            answer = await home.deaf.get(path, headers={"Range": f"bytes={first}-{last}"})
            assert answer.status_code == 206
            assert answer.content == content[first : last + 1]
        with_sound = await home.hearing.head(path)
        assert with_sound.headers["etag"] != (await home.deaf.head(path)).headers["etag"]


async def test_a_closed_recording_still_has_its_length_and_all_of_its_pictures(home: Home) -> None:
    heard = footage(await whole(home.hearing, f"/api/recordings/play/{home.closed}"))
    silent = await whole(home.deaf, f"/api/recordings/play/{home.closed}")
    seen = footage(silent)
    assert seen.numbers == heard.numbers
    assert seen.times == heard.times
    with av.open(io.BytesIO(silent), "r") as container:
        assert container.duration


async def test_mse_carries_no_sound(home: Home) -> None:
    for client, tracks in ((home.deaf, 1), (home.hearing, 2)):
        ticket = (await client.post("/api/streams/Garden/ticket")).json()["ticket"]
        async with mse_player(home.nvr.server.port, "Garden", query=f"&ticket={ticket}") as player:
            await player.ask()
            await player.until(lambda each: each.fragments >= 10, "ten fragments")
            with av.open(io.BytesIO(player.files[-1].content), "r") as container:
                assert len(container.streams) == tracks


async def test_webrtc_carries_no_sound(home: Home) -> None:
    async with playing(home.deaf, "Garden") as player, playing(home.hearing, "Garden") as other:
        await eventually(lambda: len(player.numbers) > 30 and other.sounds > 10, "pictures, and sound for the other")
        assert player.sounds == 0
        assert "a=inactive" in player.answer


async def test_rtsp_carries_no_sound(home: Home) -> None:
    for user, kinds in (("deaf", ["video"]), ("hearing", ["audio", "video"])):
        url = home.nvr.rtsp("Garden", user, SECRET)
        status, said = await run(
            "ffprobe", "-v", "fatal", "-rtsp_transport", "tcp", "-show_streams", "-of", "json", url
        )
        assert status == 0, said
        assert sorted(each["codec_type"] for each in json.loads(said)["streams"]) == kinds


async def test_who_loses_the_right_in_the_midst_of_it_is_sent_away(home: Home) -> None:
    users = (await home.nvr.get("/api/auth/users"))["users"]
    path = f"/api/auth/users/{next(user['id'] for user in users if user['username'] == 'hearing')}"
    began = asyncio.Event()

    async def watch() -> None:
        async with home.hearing.stream("GET", "/api/stream.ts", params={"src": "Garden"}) as answer:
            async for _ in answer.aiter_bytes():
                began.set()

    watching = asyncio.create_task(watch())
    await began.wait()
    (await home.nvr.client.put(path, json={"allowed_actions": "live,playback,export"})).raise_for_status()
    await eventually(watching.done, "the live view ends")
    assert sounds(await beginning(home.hearing, "/api/stream.ts?src=Garden")) == 0
    (await home.nvr.client.put(path, json={"allowed_actions": "live,listen,playback,export"})).raise_for_status()


async def test_a_recording_without_an_index_is_refused_in_words(home: Home) -> None:
    stored = await home.nvr.get(f"/api/recordings/{home.closed}")
    file = Path(stored["file_path"])
    content = await asyncio.to_thread(file.read_bytes)
    damaged = np.frombuffer(content, np.uint8).copy()
    damaged[content.rindex(b"stsz") : content.rindex(b"stsz") + 16] = 255
    await asyncio.to_thread(file.write_bytes, damaged.tobytes())
    try:
        for path in ("play", "download"):
            answer = await home.deaf.get(f"/api/recordings/{path}/{home.closed}")
            assert answer.status_code == 403
            assert "cannot be given without its sound" in answer.json()["error"]
    finally:
        await asyncio.to_thread(file.write_bytes, content)
