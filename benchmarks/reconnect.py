"""Seconds from the moment a camera answers again to its first media on disk, after cuts of random length.

Several cameras are cut at the same time, each on its own. A camera that is back sends at once, but a recorder has to
wait for its next keyframe, which comes every 2 s.
"""

import argparse
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from benchmarks.live_cameras import LiveCamera, live_cameras
from benchmarks.mp4_file import recordings_in
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.server import LightNvr, lightnvr_server
from benchmarks.table import Table, listed, median, percentile, verdict

TARGET_S = 5.0
_SHORT_S = (0.5, 20.0)
_LONG_S = (30.0, 90.0)
_STEADY_S = (3.0, 15.0)


@dataclass(frozen=True, slots=True)
class Cut:
    """One cut: how long the camera was away, and how long it took to be recorded again, in seconds."""

    away_s: float
    back_s: float


def main() -> None:
    """Run and print."""
    options = parser("reconnect", __doc__)
    options.add_argument("--cuts", type=positive, default=20, help="in all")
    options.add_argument("--cameras", type=positive, default=5, help="that share the cuts")
    options.add_argument("--long", action="store_true", help="every other cut lasts 30 to 90 s instead of up to 20 s")
    options.add_argument("--longest", type=float, default=_SHORT_S[1], help="seconds that a short cut lasts at most")
    options.add_argument("--seed", type=int, default=1, help="of the random lengths")
    arguments = options.parse_args()
    with (
        workplace(arguments) as folder,
        live_cameras(arguments.cache, arguments.cameras, arguments.seed) as cameras,
        lightnvr_server(folder) as server,
    ):
        server.start()
        server.add(camera.camera for camera in cameras)
        server.wait_until_recording([camera.camera for camera in cameras])
        shares = [len(range(index, arguments.cuts, arguments.cameras)) for index in range(arguments.cameras)]
        with ThreadPoolExecutor(arguments.cameras) as pool:
            work = partial(_cut_repeatedly, arguments, server)
            cuts = [cut for some in pool.map(work, enumerate(cameras), shares) for cut in some]
    report(_table(arguments, cuts), arguments)


def _cut_repeatedly(
    arguments: argparse.Namespace, server: LightNvr, numbered: tuple[int, LiveCamera], cuts: int
) -> list[Cut]:
    index, camera = numbered
    rng = random.Random(f"{arguments.seed} {index}")
    done: list[Cut] = []
    for turn in range(cuts):
        time.sleep(rng.uniform(*_STEADY_S))
        is_long = arguments.long and (index + turn) % 2 == 0
        away_s = rng.uniform(*_LONG_S) if is_long else rng.uniform(_SHORT_S[0], arguments.longest)
        camera.cut()
        time.sleep(away_s)
        before = set(recordings_in(server.footage / camera.name))
        answered = camera.answer()
        server.wait_until_recording([camera.camera], since=before)
        done.append(Cut(away_s, time.monotonic() - answered))
        say(f"{camera.name}: away {away_s:.1f} s, recorded again after {done[-1].back_s:.2f} s")
    return done


def _table(arguments: argparse.Namespace, cuts: list[Cut]) -> Table:
    groups = {
        "all cuts": cuts,
        "cuts up to 10 s": [cut for cut in cuts if cut.away_s <= 10],
        "cuts of 10 to 30 s": [cut for cut in cuts if 10 < cut.away_s <= 30],
        "cuts over 30 s": [cut for cut in cuts if cut.away_s > 30],
    }
    rows = []
    for name, some in groups.items():
        if not some:
            continue
        seconds = [cut.back_s for cut in some]
        worst, met = percentile(seconds, 95), name == "all cuts"
        rows.append(
            (
                name,
                str(len(some)),
                f"{min(seconds):.2f}",
                f"{median(seconds):.2f}",
                f"{worst:.2f}",
                f"{max(seconds):.2f}",
                f"p95 ≤ {TARGET_S:g} s" if met else "",
                verdict(worst, TARGET_S) if met else "",
            )
        )
    notes = (
        f"{arguments.cameras} cameras that were cut independently of each other: connections reset, port closed. "
        "Seconds from the port's answering again to the first whole fragment in a file. "
        f"Lengths of the cuts in seconds: {listed(sorted(cut.away_s for cut in cuts), '.1f')}."
    )
    columns = ("seconds until recorded again", "cuts", "min", "median", "p95", "max", "target", "")
    return Table("A camera comes back", columns, tuple(rows), notes)


if __name__ == "__main__":
    main()
