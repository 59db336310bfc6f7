"""How long `lightnvr import` takes for an original with many recordings, how much memory, and how long a second run.

The files are ordinary MP4 of 15 minutes with sound, each under many names: what is measured is reading indexes that are
in memory already, and storing. A disk that turns adds its own time to each file.
"""

import argparse
import os
import sqlite3
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.table import Table
from tests.rig.film import Recipe
from tests.rig.original import OriginalInstallation, write_plain_mp4
from tests.server_process import COMMAND

_CAMERAS = 16
_SEGMENT_S = 900
_LOOK_S = 0.2
_LINKS = 20_000
"""So many names one file has at most: file systems end at some 65,000."""


@dataclass(frozen=True, slots=True)
class _Run:
    seconds: float
    cpu_s: float
    peak_mb: float


def main() -> None:
    """Run and print."""
    options = parser("moving_in", __doc__)
    options.add_argument("--rows", type=positive, default=100_000)
    arguments = options.parse_args()
    with workplace(arguments) as folder:
        original = OriginalInstallation(folder / "original")
        say(f"making {arguments.rows} recordings")
        _fill(original, arguments.rows)
        runs = {name: _import(original, folder) for name in ("first run", "second run, nothing new")}
    report(_table(arguments, runs), arguments)


def _fill(original: OriginalInstallation, rows: int) -> None:
    films = []
    for number in range(-(-rows // _LINKS)):
        film = original.recordings / f"film{number}.mp4"
        write_plain_mp4(film, Recipe(seconds=_SEGMENT_S, audio=True, gop=30))
        films.append(film)
    begins = int(time.time()) - (rows // _CAMERAS + 1) * _SEGMENT_S
    for camera in range(_CAMERAS):
        original.insert("streams", name=f"cam{camera}", url=f"rtsp://127.0.0.1:9/{camera}", retention_days=0)
        (original.recordings / f"mp4/cam{camera}").mkdir(parents=True)
    with closing(sqlite3.connect(original.database)) as connection:
        for row in range(rows):
            name, start_s = f"cam{row % _CAMERAS}", begins + row // _CAMERAS * _SEGMENT_S
            path = original.recordings / "mp4" / name / f"recording_{start_s}.mp4"
            path.hardlink_to(films[row // _LINKS])
            connection.execute(
                "INSERT INTO recordings (stream_name, file_path, start_time, end_time, is_complete)"
                " VALUES (?, ?, ?, ?, 1)",
                (name, str(path), start_s, start_s + _SEGMENT_S),
            )
        connection.commit()
    original.write_settings()


def _import(original: OriginalInstallation, folder: Path) -> _Run:
    say("taking over")
    command = (COMMAND, "import", "--from", "lightnvr", original.settings_file)
    began = time.perf_counter()
    with subprocess.Popen([*command, "--data-dir", folder / "data"], stdout=subprocess.PIPE, text=True) as process:
        peak_kb = 0
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            # What the system says afterwards includes this process, of which it was a copy.
            peak_kb = max(peak_kb, _peak_kb(process.pid))
            time.sleep(_LOOK_S)
        printed = process.stdout.read() if process.stdout is not None else ""
    _, status, usage = ended
    if status:
        raise SystemExit(f"the import failed:\n{printed}")
    return _Run(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, peak_kb / 1024)


def _peak_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _table(arguments: argparse.Namespace, runs: dict[str, _Run]) -> Table:
    rows = [
        (name, *(f"{value:.0f}" for value in (run.seconds, run.cpu_s, arguments.rows / run.cpu_s, run.peak_mb)))
        for name, run in runs.items()
    ]
    notes = f"{arguments.rows:,} recordings of 15 minutes, {_CAMERAS} cameras, 15 pictures a second and sound; SQLite."
    return Table(
        "Moving in from the original",
        ("", "seconds", "CPU, seconds", "recordings a CPU second", "peak, MB"),
        tuple(rows),
        notes,
    )


if __name__ == "__main__":
    main()
