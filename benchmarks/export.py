"""Exporting one hour of a camera that sends 2 Mbit/s: LightNVR beside `ffmpeg -c copy` of the same span.

The files and what is written lie on the same disk, and what was recorded is in the page cache for all of them.
"""

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.processes import pss_mb
from benchmarks.recorded_hours import SEGMENT_S, START_US, STREAM, RecordedHours, recorded_hours
from benchmarks.server import lightnvr_server
from benchmarks.table import Table, median, verdict

TARGET_TIMES = 1.2
TARGET_MB = 50.0
_FFMPEG, _SERVER, _COMMAND, _EVIDENCE = "ffmpeg -c copy", "LightNVR, download", "lightnvr export", "download, evidence"
_BEGIN_S = 300


@dataclass(slots=True)
class Runs:
    """What was measured of one way: seconds, and MB that its process needed more than before."""

    seconds: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    size_bytes: int = 0


def main() -> None:
    """Run and print."""
    options = parser("export", __doc__)
    options.add_argument("--minutes", type=positive, default=60, help="length of the clip")
    options.add_argument("--rounds", type=positive, default=5)
    arguments = options.parse_args()
    with workplace(arguments) as folder:
        segments = -(-(_BEGIN_S + arguments.minutes * 60) // SEGMENT_S)
        hours = recorded_hours(arguments.cache, folder, segments)
        found = _measure(arguments, folder, hours)
    report(_table(arguments, found), arguments)


def _measure(arguments: argparse.Namespace, folder: Path, hours: RecordedHours) -> dict[str, Runs]:
    target = folder / "clip"
    start = datetime.fromtimestamp(START_US / 1e6, UTC) + timedelta(seconds=_BEGIN_S)
    span = {"start": start.isoformat(), "end": (start + timedelta(minutes=arguments.minutes)).isoformat()}
    environment = {"LIGHTNVR_STORAGE_RETENTION_DAYS": "0", "LIGHTNVR_STORAGE_AUTO_DELETE_OLDEST": "false"}
    found = {name: Runs() for name in (_FFMPEG, _SERVER, _COMMAND, _EVIDENCE)}
    with lightnvr_server(hours.data_dir, environment) as server:
        server.start()
        download: list[str | Path] = [f"{server.url_with_password}/api/streams/{STREAM}/export", "--get"]
        for name, value in span.items():
            download += ["--data-urlencode", f"{name}={value}"]
        export: list[str | Path] = [Path(sys.executable).with_name("lightnvr"), "export", "--data-dir", hours.data_dir]
        export += ["--stream", STREAM, "--start", span["start"], "--end", span["end"], "--output", target]
        curl: list[str | Path] = ["curl", "--silent", "--show-error", "--fail", "--output", target]
        ways: dict[str, tuple[Sequence[str | Path], int | None]] = {
            _FFMPEG: (_ffmpeg(folder, hours, arguments.minutes * 60, target), None),
            _SERVER: ([*curl, *download], server.pid),
            _COMMAND: (export, None),
            _EVIDENCE: ([*curl, *download, "--data-urlencode", "evidence=true"], server.pid),
        }
        for path in hours.files:
            path.read_bytes()
        for turn in range(arguments.rounds + 1):
            for name, (command, pid) in ways.items():
                _run(command, pid, target, found[name] if turn else Runs())
            say(f"round {turn}: {', '.join(f'{name} {runs.seconds[-1:]}' for name, runs in found.items())}")
    return found


def _ffmpeg(folder: Path, hours: RecordedHours, seconds: int, target: Path) -> list[str | Path]:
    lines: list[str] = []
    for number, path in enumerate(hours.files):
        lines.append(f"file '{path}'")
        if not number:
            lines.append(f"inpoint {_BEGIN_S}")
        if number == len(hours.files) - 1:
            lines.append(f"outpoint {_BEGIN_S + seconds - number * SEGMENT_S}")
    listing = folder / "files.txt"
    listing.write_text("\n".join(lines) + "\n")
    command: list[str | Path] = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "concat", "-safe", "0"]
    return [*command, "-i", listing, "-c", "copy", "-f", "mp4", target]


def _run(command: Sequence[str | Path], pid: int | None, target: Path, runs: Runs) -> None:
    before = 0.0 if pid is None else pss_mb(pid)
    began = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    with _highest(lambda: pss_mb(process.pid if pid is None else pid), process) as highest:
        status = process.wait()
    runs.seconds.append(time.perf_counter() - began)
    if status:
        raise RuntimeError(f"{command[0]} ended with status {status}")
    runs.memory_mb.append(max(0.0, max(highest, default=before) - before))
    runs.size_bytes = target.stat().st_size
    target.unlink()


@contextmanager
def _highest(measure: Callable[[], float], process: subprocess.Popen[bytes]) -> Iterator[list[float]]:
    found: list[float] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.05) and process.poll() is None:
            try:
                found.append(measure())
            except RuntimeError:
                return  # it has just ended

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        done.set()
        watcher.join()


def _table(arguments: argparse.Namespace, found: dict[str, Runs]) -> Table:
    reference = median(found[_FFMPEG].seconds)
    rows = []
    for name, runs in found.items():
        times, memory = median(runs.seconds) / reference, max(runs.memory_mb)
        targets = name in (_SERVER, _COMMAND)
        rows.append(
            (
                name,
                f"{median(runs.seconds):.2f}",
                f"{times:.2f}",
                f"≤ {TARGET_TIMES:g}" if targets else "",
                verdict(times, TARGET_TIMES) if targets else "",
                f"{memory:.0f}",
                f"≤ {TARGET_MB:g}" if name == _SERVER else "",
                verdict(memory, TARGET_MB) if name == _SERVER else "",
                f"{runs.size_bytes / 1e6:.1f}",
            )
        )
    notes = (
        f"A clip of {arguments.minutes} minutes across recordings of 15 minutes, median of {arguments.rounds} rounds, "
        "each way once in each. Memory is the most that the process needed (PSS), for downloads more than before the "
        "server needed. The command starts Python first. The evidence also hashes the clip and every source."
    )
    columns = ("export", "seconds", "× ffmpeg", "target", "", "MB of memory", "target", "", "MB")
    return Table("Export", columns, tuple(rows), notes)


if __name__ == "__main__":
    main()
