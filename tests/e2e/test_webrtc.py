"""WebRTC in Debian's Chromium: the pictures that are seen are those that the camera sent."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.cameras import InThread, RtspCamera, camera, film, in_thread
from tests.e2e.chromium import visiting_as_admin
from tests.server_process import COMMAND, ServerProcess

pytestmark = pytest.mark.xdist_group("page")

WATCH = """async ([src, trickles]) => {
  const player = {numbers: [], kinds: [], states: []};
  const connection = new RTCPeerConnection();
  const video = document.createElement("video");
  video.muted = video.autoplay = video.playsInline = true;
  video.srcObject = new MediaStream();
  document.body.prepend(video);
  connection.ontrack = (event) => { player.kinds.push(event.track.kind); video.srcObject.addTrack(event.track); };
  connection.onconnectionstatechange = () => player.states.push(connection.connectionState);
  connection.addTransceiver("video", {direction: "recvonly"});
  connection.addTransceiver("audio", {direction: "recvonly"});
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", {willReadFrequently: true});
  // The strip of lightnvr.demo.numbering: white, black, 24 bits, parity, black, white; blocks one block from the edges.
  const number = () => {
    canvas.width = video.videoWidth; canvas.height = video.videoHeight;
    context.drawImage(video, 0, 0);
    const size = Math.max(8, Math.floor(canvas.width / 80) & ~1);
    const row = context.getImageData(0, Math.floor(1.5 * size), canvas.width, 1).data;
    const bits = Array.from({length: 29}, (_, block) => row[4 * Math.floor((block + 1.5) * size)] > 128 ? 1 : 0);
    const parity = bits.slice(2, 27).reduce((sum, bit) => sum + bit, 0) % 2;
    if (bits.slice(0, 2).join("") !== "10" || bits.slice(27).join("") !== "01" || parity) return null;
    return bits.slice(2, 26).reduce((value, bit) => 2 * value + bit, 0);
  };
  const seen = () => { player.numbers.push(number()); video.requestVideoFrameCallback(seen); };
  video.requestVideoFrameCallback(seen);
  const found = [];
  connection.onicecandidate = (event) => { if (event.candidate) found.push(event.candidate); };
  await connection.setLocalDescription(await connection.createOffer());
  const answer = await fetch(`/api/webrtc?src=${encodeURIComponent(src)}`, {
    method: "POST", headers: {"Content-Type": "application/sdp"}, body: connection.localDescription.sdp,
  });
  if (answer.status !== 201) throw new Error(await answer.text());
  player.location = answer.headers.get("Location");
  await connection.setRemoteDescription({type: "answer", sdp: await answer.text()});
  if (trickles) {
    while (connection.iceGatheringState !== "complete") await new Promise((done) => setTimeout(done, 10));
    const lines = found.map((candidate) => `a=${candidate.candidate}\\r\\n`).join("");
    const patched = await fetch(player.location, {
      method: "PATCH",
      headers: {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": answer.headers.get("ETag")},
      body: `a=ice-ufrag:${found[0].usernameFragment}\\r\\nm=video 9 UDP/TLS/RTP/SAVPF 0\\r\\na=mid:0\\r\\n${lines}`,
    });
    player.patched = patched.status;
  }
  player.stats = async () => Object.fromEntries(
    [...(await connection.getStats()).values()].filter((s) => s.type === "inbound-rtp").map((s) => [s.kind, s]));
  player.connection = connection;
  (window.players ??= []).push(player);
}"""
SEEN = "([place, count]) => window.players[place].numbers.length >= count && window.players[place].numbers"
HEARD = "async () => { const s = (await window.players[0].stats()).audio; return s && s.packetsReceived > 20 && s; }"


@pytest.fixture(scope="module")
def cam() -> Iterator[InThread[RtspCamera]]:
    """A camera with one keyframe in 24 seconds: who sees anything before the next got it from the cache."""
    with in_thread(lambda: camera(film("h264", "aac", gop=360))) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, cam: InThread[RtspCamera]) -> Iterator[ServerProcess]:
    """A server that records the camera."""
    with ServerProcess([COMMAND, "serve"], tmp_path_factory.mktemp("webrtc")) as running:
        with running.client() as client:
            client.post("/api/streams", json={"name": "Front Door", "url": cam.camera.url}).raise_for_status()
        cam.wait_until(lambda camera: len(camera.frames_sent) > 20, 60)
        yield running


@pytest.fixture
def watcher(browser: Browser, server: ServerProcess) -> Iterator[Page]:
    """The page of admin on this server."""
    with visiting_as_admin(browser, server.url) as page:
        yield page


def _numbers(page: Page, count: int, place: int = 0) -> list[int | None]:
    numbers: list[int | None] = page.wait_for_function(SEEN, arg=[place, count]).json_value()
    return numbers


def _assert_sent(numbers: list[int | None], camera: RtspCamera) -> None:
    # The first callbacks can come before the canvas shows anything.
    known = [number for number in numbers if number is not None]
    assert len(known) > len(numbers) - 4, numbers
    sent = camera.frames_sent
    assert set(known) <= set(sent)
    turns = [a for a, b in pairwise(known) if b < a]
    assert len(turns) <= 1, known


def test_pictures_and_sound_of_the_camera_are_seen_and_heard(watcher: Page, cam: InThread[RtspCamera]) -> None:
    watcher.evaluate(WATCH, ["Front Door", False])

    _assert_sent(_numbers(watcher, 60), cam.camera)
    assert watcher.evaluate("window.players[0].kinds") == ["video", "audio"]
    heard: dict[str, Any] = watcher.wait_for_function(HEARD).json_value()
    assert heard["packetsLost"] == 0
    stats = watcher.evaluate("async () => (await window.players[0].stats()).video")
    assert stats["framesDecoded"] > 0


def test_two_viewers_and_candidates_that_come_later(watcher: Page, cam: InThread[RtspCamera]) -> None:
    watcher.evaluate(WATCH, ["Front Door", True])
    watcher.evaluate(WATCH, ["Front Door", False])

    for place in (0, 1):
        _assert_sent(_numbers(watcher, 30, place), cam.camera)
    assert watcher.evaluate("window.players[0].patched") == 204
    assert cam.camera.connections_total == 1


def test_the_browser_is_told_when_the_session_is_over(watcher: Page) -> None:
    watcher.evaluate(WATCH, ["Front Door", False])
    _numbers(watcher, 5)

    status = watcher.evaluate("async () => (await fetch(window.players[0].location, {method: 'DELETE'})).status")

    assert status == 200
    watcher.wait_for_function("() => ['closed', 'failed'].includes(window.players[0].connection.connectionState)")
