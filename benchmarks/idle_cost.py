"""CPU of recording after the live view was used and left again, against a server whose live view was never used."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cameras import camera_process
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.processes import cpu_s
from benchmarks.server import Camera, LightNvr, lightnvr_server
from benchmarks.table import Table, listed, median, verdict
from benchmarks.watching import viewers

_RATIO = 1.05
_LINGER_S = 45.0
"""Longer than the 30 s after which live outputs stop, and the 10 s after that of sub-streams."""


def main() -> None:
    """Run and print."""
    options = parser("idle_cost", __doc__)
    options.add_argument("--cameras", type=positive, default=16)
    options.add_argument("--rounds", type=positive, default=3)
    options.add_argument("--seconds", type=positive, default=30, help="measured in each round, on each side")
    options.add_argument("--use", type=positive, default=15, help="seconds that every stream is watched on each way")
    arguments = options.parse_args()
    never: list[float] = []
    used: list[float] = []
    with workplace(arguments) as folder, camera_process(arguments.cache, arguments.cameras) as cameras:
        for turn in range(arguments.rounds):
            never.append(_round(arguments, folder / f"never{turn}", cameras, use=False))
            used.append(_round(arguments, folder / f"used{turn}", cameras, use=True))
            say(f"round {turn + 1}: never used {never[-1]:.3f} cores, used {used[-1]:.3f}")
    ratio = median([after / before for before, after in zip(never, used, strict=True)])
    row = ("CPU, cores", listed(never, ".3f"), listed(used, ".3f"), f"{ratio:.2f}", "equal", verdict(ratio, _RATIO))
    notes = (
        f"{arguments.cameras} cameras, {arguments.seconds} s a round. Used: all streams were watched by MSE, RTSP, "
        f"HLS and pictures for {arguments.use} s each; then {_LINGER_S:g} s passed. Equal: within {_RATIO - 1:.0%}."
    )
    columns = ("", "never used", "used and left", "ratio", "target", "")
    report(Table("Cost of a live view that nobody uses", columns, (row,), notes), arguments)


def _round(arguments: argparse.Namespace, folder: Path, cameras: Sequence[Camera], *, use: bool) -> float:
    with lightnvr_server(folder) as server:
        server.start()
        server.add(cameras)
        server.wait_until_recording(cameras)
        if use:
            _use(arguments, server, [camera.name for camera in cameras])
            time.sleep(_LINGER_S)
        else:
            # As long as the other side, so that files and tables are as large.
            time.sleep(4 * arguments.use + _LINGER_S)
        began, before = time.monotonic(), cpu_s(server.pid)
        time.sleep(arguments.seconds)
        cores = (cpu_s(server.pid) - before) / (time.monotonic() - began)
        server.stop()
        return cores


def _use(arguments: argparse.Namespace, server: LightNvr, names: Sequence[str]) -> None:
    for way in ("mse", "rtsp"):
        with viewers(server, way, names) as group:
            group.add(len(names))
            time.sleep(arguments.use)
    for address in ("/hls/{}/index.m3u8", "/api/streams/{}/snapshot"):
        ends = time.monotonic() + arguments.use
        while time.monotonic() < ends:
            for name in names:
                server.client.get(address.format(name)).raise_for_status()
            time.sleep(1)


if __name__ == "__main__":
    main()
