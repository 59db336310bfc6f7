"""Memory for the beginnings of clips: what the server needs more, compared with the media that it keeps.

The same cameras, not recorded but for events, in two servers by turns: one whose clips begin 10 seconds early, and one
whose clips do not.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cameras import camera_process
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.processes import pss_mb, wait_until
from benchmarks.server import Camera, LightNvr, lightnvr_server
from benchmarks.table import Table, listed, median, verdict

_TARGET = 1.1
_BYTES = "lightnvr_prebuffer_bytes{"
_CONNECTED = "lightnvr_stream_up{"


def main() -> None:
    """Run and print."""
    options = parser("prebuffer_memory", __doc__)
    options.add_argument("--cameras", type=positive, default=16)
    options.add_argument("--rounds", type=positive, default=3)
    options.add_argument("--seconds", type=positive, default=10, help="that clips begin early")
    options.add_argument("--settle", type=float, default=20.0, help="seconds from what is kept to the measurement")
    arguments = options.parse_args()
    without: list[tuple[float, float]] = []
    with_early: list[tuple[float, float]] = []
    with workplace(arguments) as folder, camera_process(arguments.cache, arguments.cameras) as cameras:
        for turn in range(arguments.rounds):
            for early_s, measured in ((0, without), (arguments.seconds, with_early)):
                measured.append(_measure(arguments, cameras, folder / f"{turn} {early_s}", early_s))
                say(
                    f"round {turn + 1}, {early_s} s: {measured[-1][0]:.1f} MB of memory, {measured[-1][1]:.1f} of media"
                )
    report(_table(arguments, without, with_early), arguments)


def _measure(
    arguments: argparse.Namespace, cameras: Sequence[Camera], folder: Path, early_s: int
) -> tuple[float, float]:
    """Return the memory of a server and the media that it keeps, in MB."""
    with lightnvr_server(folder) as server:
        server.start()
        for camera in cameras:
            body = {
                "name": camera.name,
                "url": camera.url,
                "record": False,
                "detection_based_recording": True,
                "pre_detection_buffer": early_s,
            }
            server.client.post("/api/streams", json=body).raise_for_status()
        wait_until(lambda: _sum(server, _CONNECTED) == arguments.cameras, "every camera is connected")
        time.sleep(arguments.seconds + arguments.settle)
        return pss_mb(server.pid), _sum(server, _BYTES) / 1e6


def _table(
    arguments: argparse.Namespace, without: list[tuple[float, float]], with_early: list[tuple[float, float]]
) -> Table:
    turns = list(zip(with_early, without, strict=True))
    memory = [more[0] - less[0] for more, less in turns]
    media = [more[1] - less[1] for more, less in turns]
    ratio = median(memory) / median(media)
    row = (
        f"{arguments.cameras} cameras, {arguments.seconds} s",
        f"{median(memory):.1f}",
        f"{median(media):.1f}",
        f"{ratio:.2f}",
        f"≤ {_TARGET:g} ×",
        verdict(ratio, _TARGET),
    )
    each = [needed / kept for needed, kept in zip(memory, media, strict=True)]
    notes = (
        f"What is more than in a server whose clips do not begin early; medians of {arguments.rounds} rounds (ratio in "
        f"each: {listed(each, '.2f')}). Memory as PSS. Cameras: 1280x720, 15 fps, 2 Mbit/s H.264 and AAC."
    )
    columns = ("", "memory, MB", "media, MB", "ratio", "target", "")
    return Table("Memory for the beginnings of clips", columns, (row,), notes)


def _sum(server: LightNvr, metric: str) -> float:
    lines = server.client.get("/api/metrics").raise_for_status().text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(metric))


if __name__ == "__main__":
    main()
