"""/live.html in Chromium: every way of watching shows what the camera sends."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.cameras import InThread, RtspCamera, camera, film, in_thread
from tests.e2e.chromium import visiting, visiting_as_admin
from tests.e2e.live_page import PICTURE_WAYS, WAYS, LivePage
from tests.rig.waiting import until
from tests.server_process import COMMAND, ServerProcess

pytestmark = pytest.mark.xdist_group("live page")

WIDTH, HEIGHT = 640, 360
STREAM = "Front <b>Door"
_HLS_JS = Path(__file__).parents[2] / "src/lightnvr/static/vendor/hls.min.js"
_NEEDS_HLS_JS = pytest.mark.skipif(not _HLS_JS.exists(), reason="make setup found no npm to get hls.js with")
EVERY_WAY = [pytest.param(way, marks=_NEEDS_HLS_JS if "hls" in way else ()) for way in WAYS]

_SENTENCE = re.compile(r"\w+ \w+.*\w")

Camera = InThread[RtspCamera]


@pytest.fixture(scope="module")
def cam() -> Iterator[Camera]:
    """A camera with a keyframe every second and sound."""
    recording = film("h264", "aac", width=WIDTH, height=HEIGHT, bit_rate=800_000)
    with in_thread(lambda: camera(recording)) as running:
        yield running


@pytest.fixture(scope="module")
def sub() -> Iterator[Camera]:
    """The same camera's small stream; it says so with numbers from a million on."""
    recording = film(width=320, height=240, first_number=1_000_000)
    with in_thread(lambda: camera(recording)) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, cam: Camera, sub: Camera) -> Iterator[ServerProcess]:
    """LightNVR with that camera."""
    settings = {
        "LIGHTNVR_RTSP_PORT": "0",
        "LIGHTNVR_WEBRTC_PORT": "0",
        "LIGHTNVR_GO2RTC_STUN_ENABLED": "false",
        "LIGHTNVR_STREAMS_STALL_TIMEOUT_S": "3",
    }
    with ServerProcess([COMMAND, "serve"], tmp_path_factory.mktemp("live"), settings) as running:
        with running.client() as client:
            body = {"name": STREAM, "url": cam.camera.url, "sub_stream_url": sub.camera.url}
            client.post("/api/streams", json=body).raise_for_status()
            wait_until_connected(client)
        yield running


@pytest.fixture(scope="module")
def logged_in(browser: Browser, server: ServerProcess) -> Iterator[Page]:
    """A page of admin, kept for the module."""
    with visiting_as_admin(browser, server.url) as page:
        yield page


@pytest.fixture
def live(logged_in: Page) -> Iterator[LivePage]:
    """The page for one test."""
    yield LivePage(logged_in)
    logged_in.goto("about:blank")


def wait_until_connected(client: httpx.Client) -> None:
    until(
        lambda: client.get("/api/streams/1").raise_for_status().json()["status"] == "connected",
        "the camera is connected",
    )


def change(server: ServerProcess, **members: bool) -> None:
    with server.client() as client:
        client.put("/api/streams/1", json=members).raise_for_status()


def sent_so_far(cam: Camera) -> int:
    return cam.camera.frames_sent[-1]


@pytest.mark.parametrize("way", EVERY_WAY)
def test_the_pictures_are_those_the_camera_sends(live: LivePage, cam: Camera, way: str) -> None:
    count = 3 if way in PICTURE_WAYS else 20
    live.watch(STREAM, way)

    numbers = live.numbers(count, way, WIDTH)

    sent = cam.camera.frames_sent
    assert set(numbers) <= set(sent)
    places = [len(sent) - 1 - sent[::-1].index(number) for number in numbers]
    assert places == sorted(places), f"not in the order in which they were sent: {numbers}"
    expect(live.state).to_have_text("Playing.")
    expect(live.fact("size")).to_have_text(f"{WIDTH} × {HEIGHT}")
    expect(live.fact("codec")).to_have_text(re.compile("H264|avc1|JPEG"))
    expect(live.fact("bits")).to_contain_text("bit/s")
    expect(live.fact("latency")).to_contain_text(" s ")


@pytest.mark.parametrize("way", EVERY_WAY)
def test_the_picture_goes_on_by_itself_when_the_camera_is_back(live: LivePage, cam: Camera, way: str) -> None:
    live.watch(STREAM, way)
    live.numbers(2, way, WIDTH)

    cam.wait_for(lambda c: c.stop())
    expect(live.state).not_to_have_attribute("data-state", "playing")
    expect(live.state).to_have_text(_SENTENCE)
    before = len(cam.camera.frames_sent)
    cam.wait_for(lambda c: c.start())
    cam.wait_until(lambda c: len(c.frames_sent) > before, timeout=60)
    first = cam.camera.frames_sent[before]

    assert live.numbers(2, way, WIDTH, after=first)
    expect(live.state).to_have_text("Playing.")


@pytest.mark.parametrize("way", EVERY_WAY)
def test_privacy_ends_the_picture_in_words_and_its_end_brings_it_back(
    live: LivePage, server: ServerProcess, way: str
) -> None:
    live.watch(STREAM, way)
    live.numbers(1, way, WIDTH)
    try:
        change(server, set_privacy_mode=True)
        expect(live.state).to_contain_text("is private at the moment")
        expect(live.state).to_have_attribute("data-state", "failed")
    finally:
        change(server, set_privacy_mode=False)

    expect(live.state).to_have_text("Playing.")


@pytest.mark.parametrize("way", EVERY_WAY)
def test_a_ticket_in_the_address_is_enough(browser: Browser, server: ServerProcess, cam: Camera, way: str) -> None:
    with server.client() as client:
        ticket = client.post("/api/streams/1/ticket").raise_for_status().json()["ticket"]
    with visiting(browser, server.url) as page:
        live = LivePage(page)
        live.watch(STREAM, way, ticket=ticket)

        assert set(live.numbers(2, way, WIDTH)) <= set(cam.camera.frames_sent)


def test_stream_and_way_are_chosen_on_the_page(live: LivePage, sub: Camera) -> None:
    live.watch(STREAM, "mse")
    live.numbers(1, "mse", WIDTH)

    live.page.get_by_label("Stream").select_option(f"{STREAM}_sub")
    live.page.get_by_label("Way of watching").select_option("mjpeg")

    numbers = live.numbers(2, "mjpeg", 320)
    assert set(numbers) <= set(sub.camera.frames_sent)
    live.page.get_by_role("button", name="Stop").click()
    expect(live.state).to_have_text("Stopped.")


def test_a_stream_that_does_not_exist_is_told_in_words(live: LivePage, server: ServerProcess) -> None:
    with server.client() as client:
        ticket = client.post("/api/streams/1/ticket").raise_for_status().json()["ticket"]
    live.watch("nobody", "snapshot", ticket=ticket)

    expect(live.state).to_have_text("Stream not found")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_and_keeps_to_its_policy(live: LivePage, scheme: str) -> None:
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(message.text)

    live.page.on("console", listen)
    live.page.on("pageerror", lambda error: complaints.append(str(error)))
    live.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    live.page.set_viewport_size({"width": 360, "height": 740})
    live.watch(STREAM, "mse")
    expect(live.state).to_have_text("Playing.")

    assert live.page.evaluate("document.scrollingElement.scrollWidth") <= 360
    assert complaints == []
    live.page.set_viewport_size({"width": 1280, "height": 720})


def test_the_page_of_cameras_leads_to_it(live: LivePage) -> None:
    live.page.goto("/")
    live.page.get_by_role("link", name="Live view").click()

    expect(live.page.get_by_role("heading", name="Live view")).to_be_visible()
