"""CPU and memory of recording: one LightNVR process against as many `ffmpeg -c copy` fragmented MP4 recorders.

Both sides record the same cameras, in turns, several times.
"""

import argparse
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cameras import camera_process
from benchmarks.ffmpeg import ffmpeg_recorders
from benchmarks.mp4_file import has_media, recordings_in
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.processes import NeverHappened, cpu_s, pss_mb, total, wait_until
from benchmarks.server import Camera, LightNvr, lightnvr_server
from benchmarks.table import Table, listed, median, verdict

CPU_RATIO, CAMERA_MB, BASE_MB = 1.25, 3.0, 120.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What one side used in one round: cores, MB when all cameras were recorded and at the end, MB/s to the disk."""

    cores: float
    first_mb: float
    last_mb: float
    written_mb_s: float


@dataclass(frozen=True, slots=True)
class Compared:
    """The rounds for one number of cameras; `empty_mb` is the server beside the same cameras before it knew them."""

    cameras: int
    empty_mb: float
    ours: list[Cost]
    theirs: list[Cost]


def main() -> None:
    """Run and print."""
    options = parser("record_cost", __doc__)
    options.add_argument("--cameras", type=positive, nargs="+", default=[16, 64], metavar="N")
    options.add_argument("--rounds", type=positive, default=3)
    options.add_argument("--seconds", type=positive, default=30, help="measured in each round, on each side")
    options.add_argument(
        "--settle", type=float, default=5.0, help="seconds between the first media and the measurement"
    )
    arguments = options.parse_args()
    with workplace(arguments) as folder:
        base_mb = _base_mb(folder / "base", arguments.settle)
        say(f"without cameras: {listed(base_mb, '.1f')} MB")
        compared = [_compare(arguments, folder / str(count), count) for count in arguments.cameras]
    report(_table(arguments, base_mb, compared), arguments)


def _base_mb(folder: Path, settle_s: float) -> tuple[float, float]:
    """Return the memory after the first start, which makes the database, and after a later one."""
    with lightnvr_server(folder) as server:
        first = _empty_mb(server, settle_s)
        server.stop()
        return first, _empty_mb(server, settle_s)


def _empty_mb(server: LightNvr, settle_s: float) -> float:
    server.start()
    # A first login and list, because a server that nobody has asked anything yet is smaller.
    server.recordings()
    time.sleep(settle_s)
    return pss_mb(server.pid)


def _compare(arguments: argparse.Namespace, folder: Path, count: int) -> Compared:
    ours: list[Cost] = []
    theirs: list[Cost] = []
    with camera_process(arguments.cache, count) as cameras, lightnvr_server(folder / "lightnvr") as server:
        server.start()
        server.stop()
        empty_mb = _empty_mb(server, arguments.settle)
        server.add(cameras)
        server.stop()
        for turn in range(arguments.rounds):
            try:
                measured = _round(arguments, server, cameras, folder / "ffmpeg")
            except NeverHappened as failure:
                # What was measured before is still worth printing.
                say(f"{count} cameras, round {turn + 1} does not count: {failure}")
                server.kill()
                continue
            ours.append(measured[0])
            theirs.append(measured[1])
            say(f"{count} cameras, round {turn + 1}: LightNVR {ours[-1]}, ffmpeg {theirs[-1]}")
    if not ours:
        raise NeverHappened(f"No round with {count} cameras came to its end.")
    return Compared(count, empty_mb, ours, theirs)


def _round(
    arguments: argparse.Namespace, server: LightNvr, cameras: Sequence[Camera], folder: Path
) -> tuple[Cost, Cost]:
    shutil.rmtree(server.footage, ignore_errors=True)
    server.start()
    server.recordings()
    server.wait_until_recording(cameras)
    ours = _measure(arguments, [server.pid], server.footage)
    server.stop()
    return ours, _measure_ffmpeg(arguments, cameras, folder)


def _measure_ffmpeg(arguments: argparse.Namespace, cameras: Sequence[Camera], folder: Path) -> Cost:
    shutil.rmtree(folder, ignore_errors=True)
    with ffmpeg_recorders([camera.url for camera in cameras], folder) as recorders:
        wait_until(lambda: all(map(has_media, recorders.files)), "ffmpeg records every camera", patience_s=120)
        return _measure(arguments, recorders.pids, folder)


def _measure(arguments: argparse.Namespace, pids: Iterable[int], footage: Path) -> Cost:
    members = list(pids)
    time.sleep(arguments.settle)
    first_mb = total(pss_mb, members)
    began, used, written = time.monotonic(), total(cpu_s, members), _megabytes(footage)
    time.sleep(arguments.seconds)
    took = time.monotonic() - began
    used, written = total(cpu_s, members) - used, _megabytes(footage) - written
    return Cost(used / took, first_mb, total(pss_mb, members), written / took)


def _megabytes(footage: Path) -> float:
    return sum(path.stat().st_size for path in recordings_in(footage)) / 1e6


def _table(arguments: argparse.Namespace, base_mb: tuple[float, float], compared: Sequence[Compared]) -> Table:
    rows = [
        (f"memory without cameras, {start} start, MB", f"{mb:.1f}", "", "", f"≤ {BASE_MB:g} MB", verdict(mb, BASE_MB))
        for start, mb in zip(("first", "later"), base_mb, strict=True)
    ]
    for one in compared:
        rows += _rows(one)
    notes = (
        f"CPU in cores and memory as PSS, medians of {_rounds(compared)} rounds of {arguments.seconds} s on each side, "
        f"in turns; the ratio is that of the medians (in each round: {_ratios(compared)}). "
        "Cameras: 1280x720, 15 fps, 2 Mbit/s H.264 and AAC, from a separate process that is not counted. ffmpeg: one "
        "process a camera, fragments of 0.5 s. LightNVR also syncs every 2 s and keeps its database. "
        "Memory per added camera: what the process has more, at the end of a round, than without any camera, divided "
        "by their number. A segment's tables go on growing until it is closed (900 s)."
    )
    columns = ("", "LightNVR", "ffmpeg -c copy", "ratio", "target", "")
    return Table("Cost of recording", columns, tuple(rows), notes)


def _rows(one: Compared) -> list[tuple[str, str, str, str, str, str]]:
    name = f"{one.cameras} cameras"

    def row(
        what: str, value: Callable[[Cost], float], form: str, limit: float | None = None
    ) -> tuple[str, str, str, str, str, str]:
        ours, theirs = median([value(cost) for cost in one.ours]), median([value(cost) for cost in one.theirs])
        ratio = ours / theirs
        goal, met = ("", "") if limit is None else (f"≤ {limit:g} ×", verdict(ratio, limit))
        return f"{name}: {what}", format(ours, form), format(theirs, form), f"{ratio:.2f}", goal, met

    added = median([(cost.last_mb - one.empty_mb) / one.cameras for cost in one.ours])
    theirs = median([cost.last_mb / one.cameras for cost in one.theirs])
    goal, met = f"≤ {CAMERA_MB:g} MB", verdict(added, CAMERA_MB)
    return [
        row("CPU, cores", lambda cost: cost.cores, ".3f", CPU_RATIO),
        row("written, MB/s", lambda cost: cost.written_mb_s, ".2f"),
        row("memory at first, MB", lambda cost: cost.first_mb, ".1f"),
        row("memory at the end, MB", lambda cost: cost.last_mb, ".1f"),
        (f"{name}: memory per added camera, MB", f"{added:.2f}", f"{theirs:.2f}", "", goal, met),
    ]


def _rounds(compared: Sequence[Compared]) -> str:
    return " and ".join(dict.fromkeys(str(len(one.ours)) for one in compared))


def _ratios(compared: Sequence[Compared]) -> str:
    return "; ".join(
        f"{one.cameras} cameras: {listed([a.cores / b.cores for a, b in zip(one.ours, one.theirs, strict=True)])}"
        for one in compared
    )


if __name__ == "__main__":
    main()
