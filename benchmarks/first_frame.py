"""Seconds from a viewer's request to the first picture that can be decoded, of a camera that is connected already.

The first request of each way starts what that way needs; the others find it running.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from urllib.parse import urljoin

import av
from websockets.sync.client import connect

from benchmarks.browser import browser
from benchmarks.live_cameras import live_cameras
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.processes import NeverHappened
from benchmarks.server import LightNvr, lightnvr_server
from benchmarks.table import Table, median, verdict

_TARGET_S = 0.5


def main() -> None:
    """Run and print."""
    options = parser("first_frame", __doc__)
    options.add_argument("--rounds", type=positive, default=10, help="requests on each way")
    arguments = options.parse_args()
    found: dict[str, list[float]] = {}
    with (
        workplace(arguments) as folder,
        live_cameras(arguments.cache, 1, seed=1) as cameras,
        lightnvr_server(folder) as server,
    ):
        server.start()
        server.add(camera.camera for camera in cameras)
        server.wait_until_recording([camera.camera for camera in cameras])
        name = cameras[0].name
        ways: dict[str, Callable[[], float]] = {
            "snapshot": partial(_body, server, f"/api/frame.jpeg?src={name}"),
            "mjpeg": partial(_until, server, f"/api/stream.mjpeg?src={name}", b"\xff\xd9\r\n--"),
            "mse": partial(_mse, server, name),
            "mp4": partial(_until, server, f"/api/stream.mp4?src={name}", b"mdat"),
            "ts": partial(_demux, f"{server.url_with_password}/api/stream.ts?src={name}", {}),
            "rtsp": partial(_demux, server.rtsp(name), {"rtsp_transport": "tcp"}),
            "ll_hls": partial(_hls, server, f"/hls/{name}/ll.m3u8"),
            "hls": partial(_hls, server, f"/hls/{name}/index.m3u8"),
        }
        for way, ask in ways.items():
            found[way] = [_timed(ask) for _ in range(arguments.rounds)]
            say(f"{way}: {median(found[way]):.3f} s, first {found[way][0]:.3f} s")
        with browser(server) as page:
            found["webrtc, shown in Chromium"] = [
                _shown(page.watch(name, "webrtc", settle_s=0, seconds=0.2)[1]) for _ in range(arguments.rounds)
            ]
    report(_table(arguments, found), arguments)


def _timed(ask: Callable[[], float]) -> float:
    """Return the seconds until a way had its picture; `ask` returns that moment, so that parting does not count."""
    began = time.monotonic()
    return ask() - began


def _shown(text: str) -> float:
    return float(text.split(maxsplit=1)[0])


def _body(server: LightNvr, address: str) -> float:
    server.client.get(address).raise_for_status()
    return time.monotonic()


def _until(server: LightNvr, address: str, mark: bytes) -> float:
    """Read an endless answer until this is in it: what comes before it, or with it, is a whole picture."""
    content = b""
    with server.client.stream("GET", address) as answer:
        answer.raise_for_status()
        for chunk in answer.iter_raw():
            content += chunk
            if mark in content:
                return time.monotonic()
    raise NeverHappened(f"{address} ended.")


def _mse(server: LightNvr, name: str) -> float:
    address = f"{server.url.replace('http', 'ws', 1)}/api/ws?src={name}&ticket={server.ticket(name)}"
    with connect(address, max_size=None, compression=None) as socket:
        socket.send(json.dumps({"type": "mse", "value": ""}))
        while True:
            message = socket.recv()
            if isinstance(message, bytes) and b"mdat" in message[:4096]:
                return time.monotonic()


def _demux(url: str, options: dict[str, str]) -> float:
    """Wait for a demuxer's first keyframe, with as little looking at the stream before as FFmpeg allows."""
    with av.open(url, options={**options, "probesize": "32768", "analyzeduration": "0"}, timeout=10.0) as container:
        next(packet for packet in container.demux(video=0) if packet.is_keyframe)
        return time.monotonic()


def _hls(server: LightNvr, address: str) -> float:
    """Get the playlist, what it begins with and the latest segment, or the latest part that begins with a keyframe."""
    text = server.client.get(address).raise_for_status().text
    lines = text.splitlines()
    wanted = [line.split('"')[1] for line in lines if line.startswith("#EXT-X-MAP")][-1:]
    parts = [line.split('URI="')[1].split('"')[0] for line in lines if "#EXT-X-PART:" in line and "INDEPENDENT" in line]
    segments = [line for line in lines if line and not line.startswith("#")]
    for piece in [*wanted, (parts or segments)[-1]]:
        server.client.get(urljoin(f"{server.url}{address}", piece)).raise_for_status()
    return time.monotonic()


def _table(arguments: argparse.Namespace, found: Mapping[str, Sequence[float]]) -> Table:
    rows = tuple(
        (
            way,
            f"{seconds[0]:.3f}",
            f"{median(seconds):.3f}",
            f"{max(seconds):.3f}",
            f"≤ {_TARGET_S:g} s",
            verdict(median(seconds), _TARGET_S),
        )
        for way, seconds in found.items()
    )
    notes = (
        f"One camera, 1280x720, 15 fps, a keyframe every 2 s, {arguments.rounds} requests on each way, from request "
        "to the last byte of a picture that can be decoded (mp4: to the first fragment; ts and rtsp: to what FFmpeg's "
        "demuxer gives out first). WebRTC: to the picture on the page, in Chromium without a graphics card."
    )
    return Table("First picture", ("seconds", "first request", "median", "max", "target", ""), rows, notes)


if __name__ == "__main__":
    main()
