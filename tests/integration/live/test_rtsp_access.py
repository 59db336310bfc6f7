"""Who may watch by RTSP, and the end of it."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from lightnvr.accounts.model import Role
from lightnvr.live.audience import Way
from tests.cameras import RtspCamera, camera
from tests.integration.live.conftest import PASSWORD
from tests.integration.rtsp.raw_client import RawClient, raw_client
from tests.rig.nvr import PATIENCE_S, Nvr, WatchedStream, eventually, running_nvr
from tests.rig.people import accounts

pytestmark = pytest.mark.anyio

NEW_PASSWORD = "another pass:word"


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


ADMIN = basic("admin", PASSWORD)


@asynccontextmanager
async def recorded_camera(nvr: Nvr, **members: object) -> AsyncIterator[tuple[RtspCamera, WatchedStream]]:
    """A camera that is connected, and its stream."""
    async with camera() as cam:
        stream = await nvr.add(cam.url, **members)
        await stream.connected()
        yield cam, stream


@asynccontextmanager
async def caller(nvr: Nvr) -> AsyncIterator[RawClient]:
    assert nvr.server.rtsp_port is not None
    async with raw_client(nvr.server.rtsp_port) as client:
        yield client


async def describes(nvr: Nvr, url: str, headers: dict[str, str] | None = None) -> int:
    """What a viewer who calls for the first time is answered."""
    async with caller(nvr) as client:
        return (await client.request("DESCRIBE", url, headers)).status


async def until_it_ends(client: RawClient) -> None:
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        async with asyncio.timeout(PATIENCE_S):
            await client.until_the_end()


async def ticket_for(nvr: Nvr, stream: WatchedStream, **headers: str) -> str:
    answer = await nvr.client.post(f"{stream.path}/ticket", headers=headers)
    assert answer.status_code == 200, answer.text
    ticket: str = answer.json()["ticket"]
    return ticket


async def test_nobody_watches_without_credentials(nvr: Nvr) -> None:
    async with recorded_camera(nvr) as (_, stream), caller(nvr) as client:
        for name in (stream.name, "there is none"):
            answer = await client.request("DESCRIBE", nvr.rtsp(name))
            assert answer.status == 401
            assert answer.headers["www-authenticate"].startswith("Basic ")
        assert await describes(nvr, nvr.rtsp(stream.name), basic("admin", "wrong")) == 401
        assert await describes(nvr, nvr.rtsp(stream.name, query="?ticket=forged")) == 401
        assert (await client.request("SETUP", nvr.rtsp(stream.name) + "/trackID=0")).status == 401
        assert (await client.request("OPTIONS", "*")).status == 200


async def test_passwords_keys_and_tickets_admit(nvr: Nvr) -> None:
    async with recorded_camera(nvr) as (_, stream), recorded_camera(nvr) as (_, other), accounts(nvr) as people:
        key = await people.renew_api_key("admin")
        url = nvr.rtsp(stream.name)
        assert await describes(nvr, url, ADMIN) == 200
        for name in ("", "whoever"):
            assert await describes(nvr, url, basic(name, key)) == 200
        ticket = await ticket_for(nvr, stream)
        assert await describes(nvr, f"{url}?ticket={ticket}") == 200
        assert await describes(nvr, f"{nvr.rtsp(other.name)}?ticket={ticket}") == 403


async def test_a_ticket_in_the_url_is_enough_wherever_a_player_puts_the_track(nvr: Nvr) -> None:
    async with recorded_camera(nvr) as (_, stream):
        url = f"{nvr.rtsp(stream.name)}?ticket={await ticket_for(nvr, stream)}"
        transport = {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"}
        async with caller(nvr) as client:
            answer = await client.request("DESCRIBE", url)
            assert answer.headers["content-base"] == nvr.rtsp(stream.name) + "/"
            for track in (f"{answer.headers['content-base']}trackID=0", f"{url}/trackID=0"):
                assert (await client.request("SETUP", track, transport)).status == 200
        async with caller(nvr) as client:
            await client.play(url)
            assert (await client.rtp()).data


async def test_what_cannot_be_watched_is_refused_with_its_reason(nvr: Nvr) -> None:
    async with recorded_camera(nvr) as (_, stream):
        assert await describes(nvr, nvr.rtsp("there is none"), ADMIN) == 404
        assert await describes(nvr, nvr.rtsp(stream.name + "_sub"), ADMIN) == 404
        for switch, allowed in (("set_privacy_mode", False), ("streaming_enabled", True), ("enabled", True)):
            await stream.change(**{switch: not allowed})
            assert await describes(nvr, nvr.rtsp(stream.name), ADMIN) == 403, switch
            await stream.change(**{switch: allowed})
    async with camera(started=False) as away:
        absent = await nvr.add(away.url)
        assert await describes(nvr, nvr.rtsp(absent.name), ADMIN) == 503


async def test_streams_have_any_name_and_their_id(nvr: Nvr) -> None:
    async with recorded_camera(nvr, name="Tür & Hof 100 %") as (_, stream):
        assert await describes(nvr, nvr.rtsp(stream.name), ADMIN) == 200
        assert await describes(nvr, nvr.rtsp(str(stream.id)), ADMIN) == 200


async def test_the_sub_stream_is_connected_only_while_it_is_watched(nvr: Nvr) -> None:
    async with camera() as main, camera() as sub:
        stream = await nvr.add(main.url, sub_stream_url=sub.url)
        await stream.connected()
        assert sub.connections_total == 0
        async with caller(nvr) as client:
            await client.play(nvr.rtsp(stream.name + "_sub", query=f"?ticket={await ticket_for(nvr, stream)}"))
            assert (await client.rtp()).data
            assert (sub.connections_open, main.connections_total) == (1, 1)


@pytest.mark.parametrize("how", ["password", "deletion", "key", "log-out"])
async def test_one_whose_right_to_watch_ends_is_sent_away_and_nobody_else(nvr: Nvr, how: str) -> None:
    async with (
        recorded_camera(nvr) as (_, stream),
        accounts(nvr) as people,
        caller(nvr) as client,
        caller(nvr) as other,
    ):
        name = f"user-{how}"
        await people.add(name, NEW_PASSWORD, Role.USER)
        key = await people.renew_api_key(name)
        async with httpx.AsyncClient(base_url=nvr.client.base_url) as browser:
            login = await browser.post("/api/auth/login", json={"username": name, "password": NEW_PASSWORD})
            assert login.status_code == 200, login.text
            issued = await browser.post(f"{stream.path}/ticket")
            shown = {
                "password": basic(name, NEW_PASSWORD),
                "deletion": basic(name, NEW_PASSWORD),
                "key": basic("", key),
            }
            query = "" if how in shown else f"?ticket={issued.json()['ticket']}"
            await client.play(nvr.rtsp(stream.name, query=query), headers=shown.get(how))
            await other.play(nvr.rtsp(stream.name), headers=ADMIN)
            await client.rtp()
            match how:
                case "password":
                    await people.set_password(name, NEW_PASSWORD + "!")
                case "deletion":
                    await people.remove(name)
                case "key":
                    await people.renew_api_key(name)
                case _:
                    assert not (await browser.post("/api/auth/logout")).is_error
        await until_it_ends(client)
        await other.rtp()
        await eventually(lambda: nvr.server.live.audience.watchers()[Way.RTSP, stream.id] == 1, "one is left")


@pytest.mark.parametrize(
    "members", [{"set_privacy_mode": True}, {"streaming_enabled": False}, {"enabled": False}, None]
)
async def test_a_stream_that_must_not_be_watched_any_more_sends_everybody_away(
    nvr: Nvr, members: dict[str, bool] | None
) -> None:
    async with recorded_camera(nvr) as (_, stream), caller(nvr) as client:
        await client.play(nvr.rtsp(stream.name), headers=ADMIN)
        await client.rtp()
        if members is None:
            assert (await nvr.client.delete(stream.path)).status_code == 200
        else:
            await stream.change(**members)
        await until_it_ends(client)
        assert nvr.server.live.audience.watchers()[Way.RTSP, stream.id] == 0


async def test_passwords_cannot_be_guessed(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with running_nvr(tmp_path_factory.mktemp("guessed"), rtsp=True, password=PASSWORD) as nvr:
        statuses = [await describes(nvr, nvr.rtsp("cam"), basic("admin", f"guess {tried}")) for tried in range(6)]
        assert statuses == [401] * 5 + [429]
        async with accounts(nvr) as people:
            key = await people.renew_api_key("admin")
        assert await describes(nvr, nvr.rtsp("cam"), basic("admin", key)) == 404


async def test_viewers_bytes_and_start_are_counted(nvr: Nvr) -> None:
    counts = nvr.server.live.audience.counts[Way.RTSP]
    viewers, sent, started = counts.viewers, counts.bytes_sent, counts.started
    async with recorded_camera(nvr) as (_, stream), caller(nvr) as client:
        await client.play(f"{nvr.rtsp(stream.name)}?ticket={await ticket_for(nvr, stream)}")
        await client.rtp()
        assert nvr.server.live.audience.watchers()[Way.RTSP, stream.id] == 1
        assert (await client.request("TEARDOWN", nvr.rtsp(stream.name))).status == 200
        assert nvr.server.live.audience.watchers()[Way.RTSP, stream.id] == 0
    assert (counts.viewers, counts.started) == (viewers + 1, started + 1)
    assert counts.bytes_sent > sent
