"""Who may watch by HLS, from where, and what happens when they may not any more."""

import asyncio
import os
import socket
import time
from pathlib import Path

import httpx

from lightnvr.accounts.model import Role
from lightnvr.live.audience import Way
from lightnvr.live.connections import ViewerLimits
from tests.cameras import camera, film
from tests.integration.live.conftest import PASSWORD
from tests.rig.hls_client import HlsClient, consecutive
from tests.rig.nvr import Nvr, eventually, running_nvr
from tests.rig.people import accounts

SITE = "https://home.example.org"


def stranger(nvr: Nvr) -> httpx.AsyncClient:
    """A client without credentials."""
    return httpx.AsyncClient(base_url=nvr.client.base_url, timeout=30)


def resident_bytes() -> int:
    """How much memory this process, with the server in it, has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def addresses(client: HlsClient) -> list[str]:
    """Every address of a low-latency stream, relative to the playlist."""
    playlist = await client.reload()
    first = playlist.complete[0]
    return ["ll.m3u8", "index.m3u8", "master.m3u8", first.init, first.uri, first.parts[0].uri]


async def test_nobody_watches_without_credentials(nvr: Nvr) -> None:
    async with camera(film("h264")) as cam, stranger(nvr) as nobody:
        stream = await nvr.add(cam.url)
        await stream.connected()
        client = HlsClient(nvr.client, f"/hls/{stream.id}/ll.m3u8")
        for address in await addresses(client):
            for path in (f"/hls/{stream.id}/{address}", f"/hls/nobody knows/{address}"):
                assert (await nobody.get(path)).status_code == 401
        path = f"/hls/{stream.id}/ll.m3u8"
        assert (await nobody.get(path)).headers["www-authenticate"].startswith("Basic ")
        assert "www-authenticate" not in (await nobody.get(path, headers={"Sec-Fetch-Mode": "cors"})).headers
        assert "www-authenticate" not in (await nobody.get("/api/streams")).headers
        assert (await nobody.get("/go2rtc/api/stream.m3u8", params={"src": stream.name})).status_code == 401
        for address in await addresses(client):
            assert (await client.get(address)).status_code == 200
            assert (await nvr.client.get(f"/hls/nobody knows/{address}")).status_code == 404


async def test_a_ticket_is_carried_to_every_address_and_opens_no_other_stream(nvr: Nvr) -> None:
    async with camera(film("h264")) as cam, camera(film("h264")) as other_cam, stranger(nvr) as player:
        stream, other = await nvr.add(cam.url, sub_stream_url=other_cam.url), await nvr.add(other_cam.url)
        await asyncio.gather(stream.connected(), other.connected())
        ticket = (await nvr.client.post(f"{stream.path}/ticket", json={})).json()["ticket"]
        for name in ("ll.m3u8", "index.m3u8"):
            client = HlsClient(player, f"/hls/{stream.id}/{name}?ticket={ticket}")
            await client.reload()
            while len(client.media) < 3:
                await asyncio.sleep(0.1)
                await client.reload()
            assert consecutive(client.numbers())
        master = await player.get(f"/hls/{stream.id}/master.m3u8", params={"ticket": ticket})
        links = [line for line in master.text.splitlines() if not line.startswith("#")]
        assert len(links) == 2
        for link in links:
            assert (await player.get(master.url.join(link))).status_code == 200
        assert (await player.get(f"/hls/{other.id}/ll.m3u8", params={"ticket": ticket})).status_code == 403


async def test_ranges_and_heads_of_segments(nvr: Nvr) -> None:
    async with camera(film("h264")) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        for name in ("ll.m3u8", "index.m3u8"):
            client = HlsClient(nvr.client, f"/hls/{stream.id}/{name}")
            playlist = await client.reload()
            segment = playlist.complete[-1]
            path, whole = f"/hls/{stream.id}/{segment.uri}", client.media[segment.number]

            head = await nvr.client.head(path)
            assert (head.status_code, head.content) == (200, b"")
            assert int(head.headers["content-length"]) == len(whole)
            part = await nvr.client.get(path, headers={"Range": f"bytes=1000-{len(whole) - 10}"})
            assert (part.status_code, part.content) == (206, whole[1000:-9])
            assert part.headers["content-range"] == f"bytes 1000-{len(whole) - 10}/{len(whole)}"
            beyond = await nvr.client.get(path, headers={"Range": f"bytes={len(whole)}-"})
            assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(whole)}")
            list_head = await nvr.client.head(f"/hls/{stream.id}/{name}")
            assert (list_head.status_code, list_head.content) == (200, b"")


async def test_privacy_ends_a_request_that_waits_and_refuses_the_next(nvr: Nvr) -> None:
    async with camera(film("h264")) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        client = HlsClient(nvr.client, f"/hls/{stream.id}/ll.m3u8")
        number, _ = (await client.reload()).next_part
        waiting = asyncio.create_task(client.get("ll.m3u8", _HLS_msn=number + 2))
        await asyncio.sleep(0.1)

        await stream.change(set_privacy_mode=True)

        # 403 if it had not even begun to wait.
        assert (await waiting).status_code in {503, 403}
        for address in ("ll.m3u8", "index.m3u8", f"part_{number}.0.m4s"):
            refused = await client.get(address)
            assert (refused.status_code, "private" in refused.json()["error"]) == (403, True)
        await stream.change(set_privacy_mode=False)
        await stream.connected()
        again = HlsClient(nvr.client, f"/hls/{stream.id}/ll.m3u8")
        assert (await again.reload()).sequence > number


async def test_a_password_change_ends_a_request_that_waits(nvr: Nvr) -> None:
    async with camera(film("h264")) as cam, accounts(nvr) as people:
        await people.add("guest", "a long password", Role.VIEWER)
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with httpx.AsyncClient(
            base_url=nvr.client.base_url, auth=("guest", "a long password"), timeout=30
        ) as guest:
            client = HlsClient(guest, f"/hls/{stream.id}/ll.m3u8")
            await client.reload()
            await cam.stop()
            number, part = (await client.reload()).next_part
            waiting = asyncio.create_task(client.get("ll.m3u8", _HLS_msn=number + 1, _HLS_part=part))
            await asyncio.sleep(0.1)

            await people.set_password("guest", "another long password")

            assert (await waiting).status_code == 503
            assert (await client.get("ll.m3u8")).status_code == 401


async def test_pages_of_other_sites_play_only_when_they_were_named_and_without_cookies(tmp_path: Path) -> None:
    async with camera(film("h264")) as cam, running_nvr(tmp_path, password=PASSWORD) as nvr:
        stream = await nvr.add(cam.url)
        await stream.connected()
        path = f"/hls/{stream.id}/ll.m3u8"
        preflight = {"Origin": SITE, "Access-Control-Request-Method": "GET"}

        unnamed = [await nvr.client.options(path, headers=preflight), await nvr.client.get(path, headers=preflight)]

        assert [answer.status_code for answer in unnamed] == [204, 200]
        assert not any(name.startswith("access-control-") for answer in unnamed for name in answer.headers)
    async with camera(film("h264")) as cam, running_nvr(tmp_path, password=PASSWORD, cors_origins=SITE) as nvr:
        stream = await nvr.add(cam.url, name="elsewhere")
        await stream.connected()
        path = f"/hls/{stream.id}/ll.m3u8"
        async with stranger(nvr) as nobody:
            allowed = await nobody.options(path, headers=preflight)
            refused = await nobody.get(path, headers={"Origin": SITE})
            other = await nvr.client.get(path, headers={"Origin": "https://evil.example.org"})
            played = await nvr.client.get(path, headers={"Origin": SITE})
            elsewhere = await nvr.client.get("/api/streams", headers={"Origin": SITE})
        assert allowed.headers["access-control-allow-origin"] == SITE
        assert "Authorization" in allowed.headers["access-control-allow-headers"]
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, SITE)
        assert played.headers["access-control-allow-origin"] == SITE
        assert "access-control-allow-credentials" not in {*played.headers, *allowed.headers}
        assert "access-control-allow-origin" not in {*other.headers, *elsewhere.headers}


async def test_two_hundred_that_never_read_cost_little_are_cut_and_cost_the_recording_nothing(tmp_path: Path) -> None:
    limits = ViewerLimits(patience_s=2.0)
    clip = film("h264", bit_rate=8_000_000, width=640, height=480)
    async with running_nvr(tmp_path, viewer_limits=limits) as nvr, camera(clip) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        client = HlsClient(nvr.client, f"/hls/{stream.id}/ll.m3u8")
        while len(client.media) < 2:
            await client.next_part()
        segment = max(client.media)
        before = resident_bytes()
        request = f"GET /hls/{stream.id}/seg_{segment}.m4s HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        files = open_files()
        connections = [unread(nvr.server.port, request) for _ in range(200)]
        # The server's side of each may be closed again already: what counts is that in the end only our side is open.
        while len(client.media) < 4:
            await client.next_part()
        grown = resident_bytes() - before
        await eventually(lambda: open_files() < files + 230, "the server closes the connections that nobody reads from")
        for connection in connections:
            connection.close()
        numbers = await stream.numbers()

    assert len(client.media[segment]) > 500_000
    assert grown < 80 * 1024 * 1024, f"{grown} bytes more for 200 that asked for {len(client.media[segment])}"
    assert consecutive(client.numbers())
    assert consecutive(numbers[:-1])


def unread(port: int, request: bytes) -> socket.socket:
    """A connection that asks and never reads; its own side takes as little as can be."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    connection.sendall(request)
    return connection


def open_files() -> int:
    """How many files and connections this process, with the server in it, has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_one_who_is_still_reading_a_segment_is_cut_off_when_it_is_not_allowed_any_more(nvr: Nvr) -> None:
    clip = film("h264", bit_rate=8_000_000, width=640, height=480)
    async with camera(clip) as cam, accounts(nvr) as people:
        await people.add("reader", "a long password", Role.VIEWER)
        stream = await nvr.add(cam.url)
        await stream.connected()
        client = HlsClient(nvr.client, f"/hls/{stream.id}/ll.m3u8")
        while not client.media:
            await client.next_part()
        key = await people.renew_api_key("reader")
        path = f"/hls/{stream.id}/seg_{max(client.media)}.m4s"
        reading = unread(nvr.server.port, f"GET {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n".encode())
        watchers = nvr.server.live.audience.watchers
        await eventually(lambda: watchers()[Way.LL_HLS, stream.id] == 2, "the reader is there")

        await people.remove("reader")

        read, whole = await asyncio.to_thread(until_cut, reading), len(client.media[max(client.media)])
    assert read < whole, "the reader got everything"


async def test_one_who_reads_a_segment_drop_by_drop_does_not_keep_it_for_ever(tmp_path: Path) -> None:
    clip = film("h264", bit_rate=8_000_000, width=640, height=480)
    limits = ViewerLimits(patience_s=2.0)
    async with running_nvr(tmp_path, viewer_limits=limits) as nvr, camera(clip) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        client = HlsClient(nvr.client, f"/hls/{stream.id}/ll.m3u8")
        while not client.media:
            await client.next_part()
        segment = max(client.media)
        reading = unread(
            nvr.server.port, f"GET /hls/{stream.id}/seg_{segment}.m4s HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        )
        read = await asyncio.to_thread(until_cut, reading, pause_s=0.1)
    assert read < len(client.media[segment])


def until_cut(connection: socket.socket, pause_s: float = 1.0) -> int:
    """Read a little now and then, until the server cuts the connection; return how many bytes came."""
    connection.settimeout(30)
    came = 0
    try:
        while piece := connection.recv(4096):
            came += len(piece)
            time.sleep(pause_s)
    except ConnectionResetError:
        return came
    finally:
        connection.close()
    return came


async def test_nothing_is_made_any_more_when_nobody_asks(nvr: Nvr) -> None:
    async with camera(film("h264")) as cam, camera(film("h264")) as sub:
        stream = await nvr.add(cam.url, sub_stream_url=sub.url)
        await stream.connected()
        assert sub.connections_total == 0
        await HlsClient(nvr.client, f"/hls/{stream.id}_sub/index.m3u8").reload()
        assert sub.connections_open == 1
        await stream.change(streaming_enabled=False)

        await eventually(lambda: sub.connections_open == 0, "the sub-stream is let go")
