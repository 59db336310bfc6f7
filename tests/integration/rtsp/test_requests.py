"""What the server answers, above all to requests that are wrong, and that none of them harms it."""

import asyncio
import socket
import struct
from typing import Literal

import pytest

from lightnvr.live.rtsp import Limits
from tests.cameras import camera, film
from tests.integration.rtsp.raw_client import raw_client
from tests.rig.nvr import eventually

pytestmark = pytest.mark.anyio

TCP = {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"}


async def test_options_names_the_methods_without_asking_who_it_is() -> None:
    async with camera(credentials=("admin", "secret")) as cam, raw_client(cam.port) as client:
        answer = await client.request("OPTIONS", "*")
    assert answer.status == 200
    assert "DESCRIBE" in answer.headers["public"]


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: camera\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"DESCRIBE  RTSP/1.0\r\nCSeq: 1\r\n\r\n",
        b"DESCRIBE rtsp://camera/stream RTSP/1.0\r\nCSeq 1\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: minus\r\n\r\n",
        b"OPTIONS \xff\xfe RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    ],
)
async def test_what_is_not_rtsp_is_answered_400_and_the_connection_ends(garbage: bytes) -> None:
    async with camera() as cam:
        async with raw_client(cam.port) as client:
            answer = await client.send(garbage)
            assert answer.status == 400
            assert await client.reader.read() == b""
        async with raw_client(cam.port) as client:
            assert (await client.request("DESCRIBE", cam.url)).status == 200


async def test_headers_without_end_are_answered_413() -> None:
    async with camera() as cam, raw_client(cam.port) as client:
        assert (await client.send(b"OPTIONS * RTSP/1.0\r\nX: " + b"x" * 100_000)).status == 413


async def test_a_body_that_is_too_large_is_answered_413() -> None:
    async with camera() as cam, raw_client(cam.port) as client:
        answer = await client.request("SET_PARAMETER", cam.url, {"Content-Length": "99999999"})
        assert answer.status == 413


async def test_another_version_is_answered_505() -> None:
    async with camera() as cam, raw_client(cam.port) as client:
        assert (await client.send(b"OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n")).status == 505


async def test_a_request_without_cseq_is_answered_400_and_the_connection_goes_on() -> None:
    async with camera() as cam, raw_client(cam.port) as client:
        assert (await client.send(b"OPTIONS * RTSP/1.0\r\n\r\n")).status == 400
        assert (await client.request("OPTIONS", "*")).status == 200


async def test_unknown_paths_and_tracks_are_answered_404() -> None:
    async with camera() as cam, raw_client(cam.port) as client:
        assert (await client.request("DESCRIBE", cam.url + "x")).status == 404
        assert (await client.request("SETUP", cam.url + "/trackID=7", TCP)).status == 404
        assert (await client.request("SETUP", cam.url + "/trackID=x", TCP)).status == 404


async def test_an_unreadable_url_is_answered_400() -> None:
    async with camera() as cam, raw_client(cam.port) as client:
        assert (await client.request("DESCRIBE", "rtsp://[::1/stream")).status == 400


async def test_methods_that_publish_are_answered_405_and_unknown_ones_501() -> None:
    async with camera() as cam, raw_client(cam.port) as client:
        answer = await client.request("ANNOUNCE", cam.url)
        assert answer.status == 405
        assert "PLAY" in answer.headers["allow"]
        assert (await client.request("DANCE", cam.url)).status == 501


async def test_an_unknown_session_is_answered_454() -> None:
    async with camera() as cam, raw_client(cam.port) as client:
        for method in ("PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER"):
            assert (await client.request(method, cam.url, {"Session": "unheard-of"})).status == 454


async def test_play_before_setup_is_answered_455() -> None:
    async with camera() as cam, raw_client(cam.port) as client:
        assert (await client.request("PLAY", cam.url)).status == 455


async def test_setup_while_playing_is_answered_455() -> None:
    async with camera(film("h264", "pcm_alaw")) as cam, raw_client(cam.port) as client:
        await client.play(cam.url, tracks=2)
        assert (await client.request("SETUP", cam.url + "/trackID=0", TCP)).status == 455


async def test_setup_of_several_tracks_at_once_is_answered_459() -> None:
    async with camera(film("h264", "pcm_alaw")) as cam, raw_client(cam.port) as client:
        assert (await client.request("SETUP", cam.url, TCP)).status == 459


async def test_playing_one_of_several_tracks_is_answered_460() -> None:
    async with camera(film("h264", "pcm_alaw")) as cam, raw_client(cam.port) as client:
        await client.play(cam.url, tracks=2)
        assert (await client.request("PLAY", cam.url + "/trackID=0")).status == 460


@pytest.mark.parametrize(
    "transport",
    [
        "RTP/AVP;multicast",
        "RTP/SAVP;unicast;client_port=5000-5001",
        "RTP/AVP;unicast;client_port=0-99999",
        "RTP/AVP/TCP;unicast;interleaved=300-301",
        "RTP/AVP/TCP;unicast;interleaved=0-1;mode=record",
    ],
)
async def test_transports_it_does_not_have_are_answered_461(transport: str) -> None:
    async with camera() as cam, raw_client(cam.port) as client:
        assert (await client.request("SETUP", cam.url + "/trackID=0", {"Transport": transport})).status == 461


async def test_the_first_transport_that_both_have_is_taken() -> None:
    async with camera(udp=False) as cam, raw_client(cam.port) as client:
        offer = "RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=4-5"
        answer = await client.request("SETUP", cam.url + "/trackID=0", {"Transport": offer})
    assert answer.headers["transport"] == "RTP/AVP/TCP;unicast;interleaved=4-5"


async def test_setup_without_transport_is_answered_400() -> None:
    async with camera() as cam, raw_client(cam.port) as client:
        assert (await client.request("SETUP", cam.url + "/trackID=0")).status == 400


async def test_a_required_extension_is_answered_551() -> None:
    async with camera() as cam, raw_client(cam.port) as client:
        answer = await client.request("DESCRIBE", cam.url, {"Require": "warp"})
    assert (answer.status, answer.headers["unsupported"]) == (551, "warp")


@pytest.mark.parametrize("authentication", ["digest", "basic"])
async def test_without_credentials_nothing_is_shown(authentication: Literal["digest", "basic"]) -> None:
    async with (
        camera(credentials=("admin", "secret"), authentication=authentication) as cam,
        raw_client(cam.port) as client,
    ):
        for method in ("DESCRIBE", "SETUP", "PLAY"):
            answer = await client.request(method, cam.url_as())
            assert answer.status == 401
            assert answer.headers["www-authenticate"].lower().startswith(authentication)


@pytest.mark.parametrize("header", ["Basic %%%", "Basic bm9jb2xvbg==", "Digest", 'Digest username="admin"', "Bearer x"])
@pytest.mark.parametrize("authentication", ["digest", "basic"])
async def test_damaged_credentials_are_answered_401(header: str, authentication: Literal["digest", "basic"]) -> None:
    credentials = ("admin", "secret")
    async with camera(credentials=credentials, authentication=authentication) as cam, raw_client(cam.port) as client:
        assert (await client.request("DESCRIBE", cam.url_as(), {"Authorization": header})).status == 401


async def test_pause_stops_delivery_and_play_takes_it_up_again() -> None:
    async with camera() as cam, raw_client(cam.port) as client:
        await client.play(cam.url)
        await client.rtp()
        assert (await client.request("PAUSE", cam.url)).status == 200
        sent = len(cam.frames_sent)
        assert (await client.request("GET_PARAMETER", cam.url)).status == 200
        assert len(cam.frames_sent) == sent
        assert (await client.request("PLAY", cam.url)).status == 200
        await client.rtp()
        assert (await client.request("TEARDOWN", cam.url)).status == 200
        assert (await client.request("GET_PARAMETER", cam.url)).status == 454


async def test_a_silent_client_without_a_session_is_disconnected() -> None:
    async with camera(limits=Limits(session_timeout=0.2)) as cam, raw_client(cam.port) as client:
        assert await client.reader.read() == b""


async def test_a_udp_viewer_that_falls_silent_is_disconnected() -> None:
    async with camera(limits=Limits(session_timeout=0.3)) as cam, raw_client(cam.port) as client:
        offer = {"Transport": "RTP/AVP;unicast;client_port=60000-60001"}
        answer = await client.request("SETUP", cam.url + "/trackID=0", offer)
        client.session = answer.headers["session"].partition(";")[0]
        assert (await client.request("PLAY", cam.url)).status == 200
        assert await client.reader.read() == b""


async def test_a_viewer_that_never_reads_is_dropped_and_others_go_on() -> None:
    limits = Limits(max_backlog=100_000)
    async with camera(speed=200, limits=limits) as cam, raw_client(cam.port) as lazy, raw_client(cam.port) as keen:
        await lazy.play(cam.url)
        lazy.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await keen.play(cam.url)
        while cam.viewers_dropped == 0:
            await keen.rtp()
        last = (await keen.rtp()).sequence
        assert (await keen.rtp()).sequence == (last + 1) & 0xFFFF
        assert cam.viewers_dropped == 1


async def _stops_reading(writer: asyncio.StreamWriter, request: bytes) -> bool:
    """Whether, of a hundred megabytes of requests, not all are read."""
    try:
        for _ in range(100_000_000 // len(request)):
            writer.write(request)
            async with asyncio.timeout(3):
                await writer.drain()
    except TimeoutError:
        return True
    return False


async def test_one_who_does_not_read_the_answers_is_not_answered_any_more() -> None:
    async with camera() as cam, raw_client(cam.port) as client:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        ask = b"OPTIONS * RTSP/1.0\r\nCSeq: " + b"1" * 8000 + b"\r\n\r\n"
        assert await _stops_reading(client.writer, ask)
        async with raw_client(cam.port) as other:
            assert (await other.request("OPTIONS", "*")).status == 200


async def test_no_more_connections_than_allowed() -> None:
    async with camera(limits=Limits(connections=2)) as cam:
        async with raw_client(cam.port) as one, raw_client(cam.port) as two, raw_client(cam.port) as three:
            assert (await one.request("OPTIONS", "*")).status == (await two.request("OPTIONS", "*")).status == 200
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await three.request("OPTIONS", "*")
        await eventually(lambda: not cam.connections_open, "all are gone")
        async with raw_client(cam.port) as again:
            assert (await again.request("OPTIONS", "*")).status == 200


async def test_one_who_is_gone_before_being_accepted_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async with camera() as cam:
        for _ in range(50):
            gone = socket.create_connection(("127.0.0.1", cam.port))
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            gone.close()
        async with raw_client(cam.port) as client:
            assert (await client.request("OPTIONS", "*")).status == 200
            await eventually(lambda: cam.connections_open == 1, "all others are gone")
    assert "defect" not in caplog.text


async def test_several_viewers_see_the_same_stream() -> None:
    async with camera() as cam, raw_client(cam.port) as one, raw_client(cam.port) as two:
        await one.play(cam.url)
        await two.play(cam.url)
        first = await two.rtp()
        same = await one.rtp()
        while same.sequence != first.sequence:
            same = await one.rtp()
        assert same.data == first.data


async def test_closing_the_server_leaves_no_connection() -> None:
    async with camera() as cam, raw_client(cam.port) as client:
        await client.play(cam.url)
        assert cam.connections_open == 1
        await cam.stop()
        assert cam.connections_open == 0
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.until_the_end()
