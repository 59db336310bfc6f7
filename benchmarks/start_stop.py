"""Seconds from start to the API's first answer, from start to all cameras being recorded, and from SIGTERM to the end.

Afterwards every file is looked at: is it finished, and does the database say so?
"""

import argparse
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cameras import camera_process
from benchmarks.mp4_file import is_ordinary, recordings_in
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.server import lightnvr_server
from benchmarks.table import Table, listed, median, verdict

ANSWER_S, RECORDING_S, STOP_S = 2.0, 10.0, 5.0


@dataclass(frozen=True, slots=True)
class Run:
    """One start and stop: seconds, and how many of how many files were not finished."""

    answer_s: float
    recording_s: float
    stop_s: float
    files: int
    unfinished: int


def main() -> None:
    """Run and print."""
    options = parser("start_stop", __doc__)
    options.add_argument("--cameras", type=positive, default=32)
    options.add_argument("--rounds", type=positive, default=5)
    options.add_argument("--seconds", type=float, default=5.0, help="recorded before the stop")
    arguments = options.parse_args()
    with workplace(arguments) as folder:
        runs = _runs(arguments, folder)
    report(_table(arguments, runs), arguments)


def _runs(arguments: argparse.Namespace, folder: Path) -> list[Run]:
    runs: list[Run] = []
    with camera_process(arguments.cache, arguments.cameras) as cameras, lightnvr_server(folder) as server:
        server.start()
        server.add(cameras)
        server.wait_until_recording(cameras)
        server.stop()
        for turn in range(arguments.rounds):
            before = set(recordings_in(server.footage))
            began = time.monotonic()
            answer_s = server.start()
            server.wait_until_recording(cameras, since=before)
            recording_s = time.monotonic() - began
            time.sleep(arguments.seconds)
            stop_s = server.stop()
            made = set(recordings_in(server.footage)) - before
            unfinished = sum(not is_ordinary(path) for path in made) + _rows_still_open(folder / "lightnvr.db")
            runs.append(Run(answer_s, recording_s, stop_s, len(made), unfinished))
            say(f"round {turn + 1}: {runs[-1]}")
    return runs


def _rows_still_open(database: Path) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM recordings WHERE NOT complete").fetchone()[0])


def _table(arguments: argparse.Namespace, runs: list[Run]) -> Table:
    def row(what: str, seconds: list[float], limit: float) -> tuple[str, ...]:
        worst = max(seconds)
        return what, f"{median(seconds):.2f}", f"{worst:.2f}", f"≤ {limit:g} s", verdict(worst, limit)

    files, unfinished = sum(run.files for run in runs), sum(run.unfinished for run in runs)
    rows = (
        row("start to the API's answer, s", [run.answer_s for run in runs], ANSWER_S),
        row(f"start to {arguments.cameras} cameras recorded, s", [run.recording_s for run in runs], RECORDING_S),
        row("SIGTERM to the end, s", [run.stop_s for run in runs], STOP_S),
        (f"files not finished, of {files}", "", str(unfinished), "0", verdict(unfinished, 0)),
    )
    notes = (
        f"Each round: {listed([run.answer_s for run in runs])}; {listed([run.recording_s for run in runs])}; "
        f"{listed([run.stop_s for run in runs])}. "
        "A camera counts as recorded when a whole fragment is in its file; a file as finished when it is an ordinary "
        "MP4 that ffprobe takes without complaint and its row says complete."
    )
    columns = (f"{arguments.cameras} cameras", "median", "max", "target", "")
    return Table("Start and stop", columns, rows, notes)


if __name__ == "__main__":
    main()
