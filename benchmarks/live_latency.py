"""Seconds from the moment a camera sends a picture to the moment it is shown, on each way of watching.

Each way runs beside a program that reads the camera's own RTSP and decodes it, in the same seconds. Browsers' ways are
watched in Chromium on /live.html; the numbers in the pictures say when the camera sent them.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from playwright.sync_api import TimeoutError as NothingShown

from benchmarks.browser import PICTURE_WAYS, Watched, browser
from benchmarks.direct import SeenFrame, direct_reader
from benchmarks.live_cameras import LiveCamera, SentFrame, live_cameras
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.server import LightNvr, lightnvr_server
from benchmarks.table import Table, median, percentile, verdict

TARGETS_S = {"webrtc": 0.3, "mse": 0.5, "ll_hls": 2.0, "hls": 8.0}
_WAYS = ("rtsp", "webrtc", "mse", "mp4", "ll_hls", "hls", "mjpeg")
_KEYFRAME_S = 2.0


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds behind the camera, on one way and read directly, picture by picture."""

    way: str
    watched: list[float]
    direct: list[float]


def main() -> None:
    """Run and print."""
    options = parser("live_latency", __doc__)
    options.add_argument("--ways", nargs="+", choices=_WAYS, default=list(_WAYS))
    options.add_argument("--seconds", type=positive, default=15, help="measured on each way")
    options.add_argument("--settle", type=positive, default=10, help="seconds that a player has before that")
    arguments = options.parse_args()
    with (
        workplace(arguments) as folder,
        live_cameras(arguments.cache, 1, seed=1) as cameras,
        lightnvr_server(folder) as server,
    ):
        server.start()
        server.add(camera.camera for camera in cameras)
        server.wait_until_recording([camera.camera for camera in cameras])
        with browser(server) as page:
            found = [_measure(arguments, way, cameras[0], server, page) for way in arguments.ways]
    report(_table(arguments, found), arguments)


def _measure(arguments: argparse.Namespace, way: str, camera: LiveCamera, server: LightNvr, page: Watched) -> Latency:
    with direct_reader(camera.camera.url) as direct:
        try:
            if way == "rtsp":
                seen = _read_restream(server.rtsp(camera.name), arguments.seconds)
            else:
                seen, _ = page.watch(camera.name, way, settle_s=arguments.settle, seconds=arguments.seconds)
        except NothingShown:
            seen = []
    sent = camera.sent()
    during = [frame for frame in direct.seen if not seen or seen[0].at <= frame.at <= seen[-1].at]
    latency = Latency(way, _behind(seen, sent), _behind(during, sent))
    say(f"{way}: {len(latency.watched)} pictures, median {median(latency.watched or [float('nan')]):.3f} s")
    return latency


def _read_restream(url: str, seconds: float) -> list[SeenFrame]:
    with direct_reader(url) as reader:
        reader.stopping.wait(seconds)
    return reader.seen[len(reader.seen) // 4 :]


def _behind(seen: Sequence[SeenFrame], sent: Sequence[SentFrame]) -> list[float]:
    """Return how long ago each picture was sent when it was seen. The film is a loop: the latest time counts."""
    latest: dict[int, list[float]] = {}
    for frame in sent:
        latest.setdefault(frame.number, []).append(frame.at)
    behind = []
    for picture in seen:
        before = [at for at in latest.get(picture.number, ()) if at <= picture.at]
        if before:
            behind.append(picture.at - before[-1])
    return behind


def _table(arguments: argparse.Namespace, found: Sequence[Latency]) -> Table:
    rows = []
    for one in found:
        if not one.watched:
            rows.append((one.way, "no picture", "", "", "", "", ""))
            continue
        ours, theirs = median(one.watched), median(one.direct)
        target = TARGETS_S.get(one.way)
        rows.append(
            (
                one.way,
                f"{theirs:.3f}",
                f"{ours:.3f}",
                f"{percentile(one.watched, 95):.3f}",
                f"{ours - theirs:+.3f}",
                "" if target is None else f"≤ {target:g} s over",
                "" if target is None else verdict(ours - theirs, target),
            )
        )
    notes = (
        f"One camera, 1280x720, 15 fps, a keyframe every {_KEYFRAME_S:g} s. {arguments.seconds} s on each way, after "
        f"{arguments.settle} s for the player to settle. Direct: PyAV, decoding each picture as it comes. rtsp: the "
        f"restream, read so. Others: Chromium without graphics card. {', '.join(sorted(PICTURE_WAYS))}: keyframes only."
    )
    columns = ("seconds behind the camera", "direct, median", "median", "p95", "over direct", "target", "")
    return Table("Live latency", columns, tuple(rows), notes)


if __name__ == "__main__":
    main()
