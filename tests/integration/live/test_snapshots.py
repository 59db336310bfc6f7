"""Single pictures of cameras: the latest, in the form that was asked for, decoded once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tests.cameras import camera, film
from tests.rig.jpeg import number, size
from tests.rig.metrics import metrics
from tests.rig.nvr import Nvr, WatchedStream, eventually, running_nvr

pytestmark = pytest.mark.xdist_group("snapshots")


@pytest.fixture(scope="module")
async def nvr(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nvr]:
    """A server without login."""
    async with running_nvr(tmp_path_factory.mktemp("nvr")) as running:
        yield running


async def picture(nvr: Nvr, stream: WatchedStream, **form: int) -> httpx.Response:
    answer = await nvr.client.get("/api/frame.jpeg", params={"src": stream.name, **form})
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("codec", ["h264", "hevc", "mjpeg", "av1"])
async def test_the_picture_is_one_the_camera_just_sent(nvr: Nvr, codec: str) -> None:
    async with camera(film(codec)) as cam:  # type: ignore[arg-type]
        stream = await nvr.add(cam.url)
        await stream.connected()

        answer = await picture(nvr, stream)

        assert size(answer.content) == (320, 240)
        assert number(answer.content) in cam.frames_sent
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == "private, no-store"


async def test_the_picture_tells_when_it_was_taken(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        before = datetime.now(UTC)
        await stream.connected()
        answer = await picture(nvr, stream)

        taken = datetime.fromisoformat(answer.headers["x-picture-time"])

        assert (before - taken).total_seconds() < 1
        assert taken <= datetime.now(UTC)
        assert abs((parsedate_to_datetime(answer.headers["last-modified"]) - taken).total_seconds()) < 1


async def test_however_many_ask_a_keyframe_is_decoded_once(nvr: Nvr) -> None:
    async with camera(film(gop=360)) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        before = await metrics(nvr.client)

        forms = [{"width": width} for width in (160, 100, 80)] * 20
        answers = await asyncio.gather(*(picture(nvr, stream, **form) for form in forms))

        after = await metrics(nvr.client)
        assert len({answer.content for answer in answers}) == 3
        assert after.value("lightnvr_snapshot_decodes_total") - before.value("lightnvr_snapshot_decodes_total") == 1
        assert after.value("lightnvr_snapshot_encodes_total") - before.value("lightnvr_snapshot_encodes_total") == 3


async def test_the_same_picture_is_not_sent_twice_to_one_who_has_it(nvr: Nvr) -> None:
    async with camera(film(gop=360)) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        answer = await picture(nvr, stream)

        again = await nvr.client.get(f"{stream.path}/snapshot", headers={"If-None-Match": answer.headers["etag"]})

        assert again.status_code == 304


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"width": 160}, (160, 120)),
        ({"height": 60}, (80, 60)),
        ({"width": 100, "height": 100}, (100, 100)),
        ({"width": 4000}, (320, 240)),
        ({"width": 4000, "height": 120}, (320, 120)),
    ],
)
async def test_a_picture_is_made_smaller_but_never_larger(
    nvr: Nvr, form: dict[str, int], expected: tuple[int, int]
) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()

        assert size((await picture(nvr, stream, **form)).content) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [("width", "0"), ("width", "9000"), ("height", "8"), ("height", "wide"), ("quality", "0"), ("quality", "101")],
)
async def test_what_is_out_of_range_is_named(nvr: Nvr, name: str, value: str) -> None:
    answer = await nvr.client.get("/api/frame.jpeg", params={"src": "any", name: value})

    assert answer.status_code == 400
    assert name in answer.json()["error"]


async def test_an_mjpeg_camera_s_picture_is_passed_on_as_it_is(nvr: Nvr) -> None:
    async with camera(film("mjpeg")) as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        before = await metrics(nvr.client)
        await picture(nvr, stream)
        after = await metrics(nvr.client)

        assert after.value("lightnvr_snapshot_decodes_total") == before.value("lightnvr_snapshot_decodes_total")
        assert size((await picture(nvr, stream, width=160)).content) == (160, 120)


async def test_a_sub_stream_is_connected_for_its_picture_and_left_again(nvr: Nvr) -> None:
    async with camera() as cam, camera(film(width=256, height=192)) as sub:
        stream = await nvr.add(cam.url, sub_stream_url=sub.url)
        await stream.connected()
        assert sub.connections_total == 0

        answer = await nvr.client.get("/api/frame.jpeg", params={"src": f"{stream.name}_sub"})

        assert answer.status_code == 200, answer.text
        assert size(answer.content) == (256, 192)
        assert number(answer.content) in sub.frames_sent


async def test_a_camera_that_is_away_is_said_in_words(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await cam.stop()
        await eventually(lambda: bool(stream.status.last_error), "the camera is missed")

        answer = await nvr.client.get("/api/frame.jpeg", params={"src": stream.name})

        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["error"] == stream.status.last_error

        await cam.start()
        await stream.connected()
        await picture(nvr, stream)


async def test_a_private_or_switched_off_camera_shows_nothing(nvr: Nvr) -> None:
    async with camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await picture(nvr, stream)

        for member, value, word in (
            ("set_privacy_mode", True, "private"),
            ("streaming_enabled", False, "switched off"),
        ):
            await stream.change(**{member: value})
            answer = await nvr.client.get(f"{stream.path}/snapshot")
            assert answer.status_code == 403
            assert word in answer.json()["error"]
            await stream.change(**{member: not value})


async def test_a_stream_that_does_not_exist_is_not_found(nvr: Nvr) -> None:
    for path in ("/api/frame.jpeg?src=nobody", "/go2rtc/api/frame.jpeg?src=nobody&t=1&cache=30s"):
        assert (await nvr.client.get(path)).status_code == 404
    assert (await nvr.client.get("/api/streams/nobody/snapshot")).status_code == 404
