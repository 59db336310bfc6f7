"""CPU of built-in motion on keyframes: a server that records and looks against the same one that only records.

Streams are changed through the API, as a user would, in turns. What the cameras show moves all the time, so the side
that looks also has an event on each stream to keep up with.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cameras import camera_process
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.processes import NeverHappened, cpu_s, wait_until
from benchmarks.server import Camera, LightNvr, lightnvr_server
from benchmarks.table import Table, listed, median, verdict

_TARGETS = {"720p": 1.5, "1080p": 3.0}
"""Percent of a core that a camera may cost more."""

_LOOKS = "lightnvr_detection_looks_total"


@dataclass(frozen=True, slots=True)
class Cost:
    """Percent of a core for each camera, in each round; `looks` is how many keyframes were looked at in all."""

    size: str
    alone: list[float]
    looking: list[float]
    looks: int

    @property
    def added(self) -> list[float]:
        """What looking cost in each round."""
        return [looking - alone for alone, looking in zip(self.alone, self.looking, strict=True)]


def main() -> None:
    """Run and print."""
    options = parser("motion_cost", __doc__)
    options.add_argument("--cameras", type=positive, default=16)
    options.add_argument("--sizes", nargs="+", choices=list(_TARGETS), default=list(_TARGETS))
    options.add_argument("--rounds", type=positive, default=3)
    options.add_argument("--seconds", type=positive, default=30, help="measured in each round, on each side")
    options.add_argument("--settle", type=float, default=12.0, help="seconds after streams were changed")
    arguments = options.parse_args()
    with workplace(arguments) as folder:
        costs = [_cost(arguments, folder / size, size) for size in arguments.sizes]
    report(_table(arguments, costs), arguments)


def _cost(arguments: argparse.Namespace, folder: Path, size: str) -> Cost:
    cost = Cost(size, [], [], 0)
    count, looks = arguments.cameras, 0
    with (
        camera_process(arguments.cache, count, full_hd=size == "1080p") as cameras,
        lightnvr_server(folder) as server,
    ):
        server.start()
        server.add(cameras)
        server.wait_until_recording(cameras)
        for turn in range(arguments.rounds):
            _set_motion(server, cameras, on=False)
            cost.alone.append(_percent(arguments, server) / count)
            _set_motion(server, cameras, on=True)
            _wait_for_looks(server, count)
            before = _looks(server)
            cost.looking.append(_percent(arguments, server) / count)
            looks += _looks(server) - before
            say(f"{size}, round {turn + 1}: alone {cost.alone[-1]:.2f} %, looking {cost.looking[-1]:.2f} % a camera")
        server.stop()
    return Cost(size, cost.alone, cost.looking, looks)


def _set_motion(server: LightNvr, cameras: Sequence[Camera], *, on: bool) -> None:
    wanted = {"detection_based_recording": on, "detection_model": "motion" if on else ""}
    for camera in cameras:
        server.client.put(f"/api/streams/{camera.name}", json=wanted).raise_for_status()


def _wait_for_looks(server: LightNvr, count: int) -> None:
    before = _looks(server)
    wait_until(lambda: _looks(server) >= before + count, "every camera is looked at", every_s=0.5)


def _looks(server: LightNvr) -> int:
    lines = server.client.get("/api/metrics").raise_for_status().text.splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith(_LOOKS))


def _percent(arguments: argparse.Namespace, server: LightNvr) -> float:
    time.sleep(arguments.settle)
    began, before = time.monotonic(), cpu_s(server.pid)
    time.sleep(arguments.seconds)
    return (cpu_s(server.pid) - before) / (time.monotonic() - began) * 100


def _table(arguments: argparse.Namespace, costs: Sequence[Cost]) -> Table:
    rows = []
    for cost in costs:
        added, target = median(cost.added), _TARGETS[cost.size]
        rows.append(
            (
                cost.size,
                f"{median(cost.alone):.2f}",
                f"{median(cost.looking):.2f}",
                f"{added:.2f} ({listed(cost.added)})",
                f"≤ {target:g}",
                verdict(added, target),
                str(cost.looks),
            )
        )
    if not all(cost.looks for cost in costs):
        raise NeverHappened("No picture was looked at.")
    notes = (
        f"Percent of a core for each of {arguments.cameras} cameras, medians of {arguments.rounds} rounds of "
        f"{arguments.seconds} s on each side, in turns. H.264 of 15 pictures a second, a keyframe every 2 s, 2 Mbit/s "
        "(720p) and 4 Mbit/s (1080p), and AAC. Everything is recorded on both sides; the side that looks also keeps "
        "5 s for clips in memory, and since things move in every picture it has an event going on on each stream."
    )
    columns = ("", "recording", "and looking", "difference", "target", "", "keyframes looked at")
    return Table("Cost of built-in motion", columns, tuple(rows), notes)


if __name__ == "__main__":
    main()
