"""WebRTC as players see it: a real server, real cameras, and a foreign player that decodes."""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import httpx
import pytest

from lightnvr.accounts.admission import Admission, Proof, ProofKind
from lightnvr.accounts.model import Role, User
from lightnvr.live.audience import Way
from lightnvr.live.errors import TooManyViewers
from lightnvr.live.webrtc import NoSuchSession, WebRtc, WebRtcOptions
from lightnvr.live.webrtc.transport import Transport
from tests.cameras import camera, film
from tests.integration.live.conftest import PASSWORD
from tests.rig import offers
from tests.rig.nvr import Nvr, WatchedStream, eventually
from tests.rig.webrtc_player import SDP, Player, playing

pytestmark = pytest.mark.anyio


def _follow_each_other(numbers: Sequence[int | None]) -> bool:
    # aiortc gives the latest picture only when it is slow, so some may be missing between two.
    known = [number for number in numbers if number is not None]
    return len(known) == len(numbers) and known == sorted(set(known))


def _watchers(nvr: Nvr, stream: WatchedStream) -> int:
    return nvr.server.live.audience.watchers()[Way.WEBRTC, stream.id]


async def _sees(player: Player, pictures: int) -> None:
    seen = len(player.numbers)
    await eventually(lambda: len(player.numbers) >= seen + pictures, lambda: f"{pictures} more after {player.numbers}")


async def test_picture_and_sound_are_those_of_the_camera_from_the_cached_keyframe_on(nvr: Nvr) -> None:
    # One keyframe in the whole film: only who gets the GOP from its beginning sees anything.
    async with camera(await asyncio.to_thread(film, "h264", "aac", gop=360)) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await eventually(lambda: len(cam.frames_sent) > 20, "pictures before the viewer comes")
        async with playing(nvr.client, stream.name) as player:
            await _sees(player, 40)
            await eventually(lambda: player.sounds > 20, "sound")
            assert _follow_each_other(player.numbers), player.numbers
            assert _watchers(nvr, stream) == 1
        await eventually(lambda: _watchers(nvr, stream) == 0, "the viewer is gone")
        assert cam.connections_total == 1


async def test_opus_is_passed_through_and_an_offer_without_addresses_works(nvr: Nvr) -> None:
    async with camera(await asyncio.to_thread(film, "h264", "opus")) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with playing(nvr.client, stream.name, keeps_candidates=False) as player:
            await _sees(player, 15)
            await eventually(lambda: player.sounds > 20, "sound")


async def test_two_viewers_share_the_packets_and_the_recording_is_complete(nvr: Nvr) -> None:
    async with camera(await asyncio.to_thread(film, "h264", "aac")) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with playing(nvr.client, stream.name) as one, playing(nvr.client, stream.name, audio=False) as two:
            await asyncio.gather(_sees(one, 20), _sees(two, 20))
            assert _watchers(nvr, stream) == 2
            tasks = [task.get_name() for task in asyncio.all_tasks()]
            assert tasks.count(f"live {stream.name} rtp") == 1
        recorded = await stream.numbers()
    assert len(recorded) > 20
    assert None not in recorded


async def test_lost_packets_are_sent_again(nvr: Nvr, monkeypatch: pytest.MonkeyPatch) -> None:
    send = Transport.send
    counted = dropped = 0
    dropped_once: set[bytes] = set()

    def lossy(self: Transport, packet: bytes) -> bool:
        nonlocal counted, dropped
        if packet[0] & 0x80 and not 192 <= packet[1] < 224:
            counted += 1
            if counted % 10 == 0 and packet not in dropped_once:
                dropped_once.add(packet)
                dropped += 1
                return True
        return send(self, packet)

    async with camera(await asyncio.to_thread(film, "h264", gop=360, width=640, height=480, bit_rate=1_500_000)) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        monkeypatch.setattr(Transport, "send", lossy)
        async with playing(nvr.client, stream.name, audio=False) as player:
            await _sees(player, 60)
            assert _follow_each_other(player.numbers), player.numbers
    assert dropped > 10


async def test_a_session_ends_where_its_location_says(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with playing(nvr.client, stream.name) as player:
            await _sees(player, 5)
            assert (await nvr.client.delete(player.location)).status_code == 200
            assert _watchers(nvr, stream) == 0
            await eventually(lambda: player.has_ended, "the player is told")
            assert (await nvr.client.delete(player.location)).status_code == 404
            assert (await nvr.client.patch(player.location, content="a=candidate:x")).status_code == 404


async def test_candidates_may_come_later(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with playing(nvr.client, stream.name, keeps_candidates=False) as player:
            sdp = player.connection.localDescription.sdp.splitlines()
            fragment = [line for line in sdp if line.startswith(("a=ice-", "a=candidate", "a=end-of", "a=mid:0"))]
            body = "\r\n".join(fragment) + "\r\n"
            headers = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": player.etag}
            assert (await nvr.client.patch(player.location, content=body, headers=headers)).status_code == 204
            await _sees(player, 5)
            for wrong in ({"content": body, "headers": {"If-Match": '"other"'}}, {"content": "a=ice-ufrag:zzzz\r\n"}):
                answer = await nvr.client.patch(player.location, **wrong)
                assert answer.status_code == 422
                assert answer.json()["error"]
            assert (await nvr.client.patch(player.location, content="x")).status_code == 400


async def test_json_is_answered_in_json_also_at_the_address_of_the_original(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        body = {"type": "offer", "sdp": offers.chromium()}
        for path in ("/api/webrtc", "/go2rtc/api/webrtc"):
            answer = await nvr.client.post(path, params={"src": stream.name}, json=body)
            assert answer.status_code == 200, answer.text
            assert answer.json()["type"] == "answer"
            assert answer.json()["sdp"].count("a=end-of-candidates") == 2
            # The relay's port has nothing but what is below /go2rtc/.
            assert answer.headers["location"].startswith(f"{path}/")
            assert (await nvr.client.delete(answer.headers["location"])).status_code == 200


async def test_what_cannot_be_watched_is_told_in_a_sentence(nvr: Nvr) -> None:
    async with camera(await asyncio.to_thread(film, "hevc")) as cam, camera(started=False) as gone:
        hevc, away = await nvr.add(cam.url), await nvr.add(gone.url)
        off = await nvr.add(cam.url, streaming_enabled=False)
        await hevc.connected()

        async def refused(name: str, sdp: str = offers.chromium(), **headers: str) -> tuple[int, str]:
            answer = await nvr.client.post("/api/webrtc", params={"src": name}, content=sdp, headers={**SDP, **headers})
            return answer.status_code, answer.json()["error"]

        assert await refused("nobody") == (404, "Stream not found")
        status, sentence = await refused(hevc.name)
        assert (status, sentence[:25]) == (406, "The camera sends H.265, w")
        status, sentence = await refused(away.name)
        assert status == 503
        assert "Nothing listens" in sentence
        assert (await refused(off.name))[0] == 403
        assert (await refused(hevc.name, "no offer"))[0] == 400
        assert (await refused(hevc.name, Origin="http://elsewhere.example"))[0] == 403
        assert (await nvr.client.post("/api/webrtc", params={"src": hevc.name}, json={"sdp": 5})).status_code == 400
        assert (await nvr.client.post("/api/webrtc", params={"src": hevc.name}, json=[])).status_code == 400


async def test_private_mode_ends_it_at_once(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with playing(nvr.client, stream.name) as player:
            await _sees(player, 5)
            await stream.change(set_privacy_mode=True)
            await eventually(lambda: player.has_ended, "the player is told")
            assert _watchers(nvr, stream) == 0


async def test_a_camera_that_comes_back_is_seen_by_the_same_viewer(nvr: Nvr) -> None:
    async with camera(await asyncio.to_thread(film, "h264", "aac")) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with playing(nvr.client, stream.name) as player:
            await _sees(player, 10)
            await cam.stop()
            await eventually(lambda: not _sends(nvr, stream), "the camera is gone")
            await cam.start()
            await _sees(player, 15)
            assert not player.has_ended


def _sends(nvr: Nvr, stream: WatchedStream) -> bool:
    supervisor = nvr.server.fleet.find(stream.id)
    return supervisor is not None and bool(supervisor.hub.tracks)


async def test_a_ticket_opens_its_stream_only(nvr: Nvr) -> None:
    async with camera() as cam:
        stream, other = await nvr.add(cam.url), await nvr.add(cam.url)
        await stream.connected()
        ticket = (await nvr.client.post(f"{stream.path}/ticket")).json()["ticket"]
        async with httpx.AsyncClient(base_url=nvr.client.base_url, timeout=30) as anonymous:
            async with playing(anonymous, stream.name, query=f"&ticket={ticket}") as player:
                await _sees(player, 5)
                assert (await anonymous.delete(player.location)).status_code == 200
            query = {"src": other.name, "ticket": ticket}
            refused = await anonymous.post("/api/webrtc", params=query, content=offers.chromium(), headers=SDP)
            assert refused.status_code == 403
            nobody = await anonymous.post("/api/webrtc", params={"src": stream.name}, content="v=0")
            assert nobody.status_code == 401


async def test_ice_servers_as_whep_has_them(nvr: Nvr) -> None:
    answer = await nvr.client.options("/api/webrtc")

    assert answer.status_code == 204
    assert answer.headers["link"] == '<stun:stun.l.google.com:19302>; rel="ice-server"'
    assert "application/sdp" in answer.headers["accept-post"]


async def test_another_picture_size_is_seen_by_the_same_viewer(nvr: Nvr) -> None:
    small = await asyncio.to_thread(film, "h264", seconds=3)
    large = await asyncio.to_thread(film, "h264", seconds=3, width=640, height=480, first_number=1000)
    async with camera(small, large) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        async with playing(nvr.client, stream.name) as player:
            await eventually(lambda: any((n or 0) >= 1000 for n in player.numbers), lambda: f"{player.numbers}")
            await eventually(lambda: player.numbers[-1] in range(45), lambda: f"{player.numbers}")
            assert None not in player.numbers


async def test_who_logs_out_sees_nothing_more(nvr: Nvr) -> None:
    async with camera() as cam, httpx.AsyncClient(base_url=nvr.client.base_url, timeout=30) as browser:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await browser.post("/api/auth/login", json={"username": "admin", "password": PASSWORD})
        async with playing(browser, stream.name) as player:
            await _sees(player, 5)
            await browser.post("/api/auth/logout")
            await eventually(lambda: player.has_ended, "the player is told")


async def test_offers_that_nobody_follows_up_are_limited_and_forgotten(nvr: Nvr) -> None:
    admission = Admission(User(1, "admin", Role.ADMIN, "", True, "", 0, 0, 0), Proof(ProofKind.NONE, 1))
    options = WebRtcOptions(max_viewers=3, connect_s=0.5)
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        webrtc = WebRtc(nvr.server.live, options, partial(datetime.now, UTC), random.Random(1))
        answers = await asyncio.gather(*(webrtc.offer(stream.name, admission, offers.chromium()) for _ in range(3)))
        assert len({answered.session_id for answered in answers}) == 3
        with pytest.raises(TooManyViewers, match="webrtc_max_viewers"):
            await webrtc.offer(stream.name, admission, offers.chromium())
        await eventually(lambda: webrtc.viewers == 0, "all are forgotten")
        await webrtc.offer(stream.name, admission, offers.chromium())
        with pytest.raises(NoSuchSession):
            await webrtc.end(answers[0].session_id, admission)
        await webrtc.close()
        assert webrtc.viewers == 0
