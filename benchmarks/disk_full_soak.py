"""Recording many cameras into a disk that is far too small: pictures lost, and how little space was ever free.

The disk is a tmpfs of its own, so this needs root. What the cameras send is far more than it holds: from the moment it
is full, old recordings make room for new ones all the time.
"""

import argparse
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cameras import camera_process
from benchmarks.continuity import Continuity, SeenRecordings, continuity
from benchmarks.mp4_file import recordings_in
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.processes import NeverHappened
from benchmarks.server import Camera, LightNvr, lightnvr_server
from benchmarks.table import Table

_SEGMENT_S = 10
_LOOK_EVERY_S = 0.5
_DECODED_FILES = 20
"""Of each camera: decoding all that is left takes longer than recording it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened. Sizes are bytes."""

    seconds: float
    found: Continuity
    recordings: int
    gaps_s: Sequence[float]
    dropped: int
    complaints: int
    least_free: int
    freed: int
    deleted: int


def main() -> None:
    """Run and print."""
    options = parser("disk_full_soak", __doc__)
    options.add_argument("--cameras", type=positive, default=16)
    options.add_argument("--seconds", type=positive, default=600)
    options.add_argument("--size", type=positive, default=1024, help="of the disk, in MiB")
    arguments = options.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("disk_full_soak mounts a small file system, which only root can do: run it with sudo.")
    with workplace(arguments) as folder, _small_disk(folder / "disk", arguments.size) as disk:
        outcome = _soak(arguments, folder, disk)
    report(_table(arguments, outcome), arguments)


@contextmanager
def _small_disk(place: Path, size_mib: int) -> Iterator[Path]:
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _soak(arguments: argparse.Namespace, folder: Path, disk: Path) -> Outcome:
    data = folder / "lightnvr"
    environment = {"LIGHTNVR_STORAGE_PATH": str(disk / "recordings")}
    with camera_process(arguments.cache, arguments.cameras) as cameras, lightnvr_server(data, environment) as server:
        server.start()
        server.add(cameras, segment_s=_SEGMENT_S)
        seen = SeenRecordings(data / "lightnvr.db", (camera.name for camera in cameras))
        began, told_at = time.monotonic(), 0.0
        least_free = _free(disk)
        while (passed := time.monotonic() - began) < arguments.seconds:
            least_free = min(least_free, _free(disk))
            seen.look()
            if passed - told_at > 60:
                told_at = passed
                say(f"{passed:.0f} s: {len(seen)} recordings so far, {_free(disk) / 1e6:.0f} MB free")
            time.sleep(_LOOK_EVERY_S)
        state = server.client.get("/api/storage/health").raise_for_status().json()
        dropped = _dropped(server, cameras)
        server.stop()
        seen.look()
        say("decoding what is left")
        mp4 = disk / "recordings" / "mp4"
        files = [sorted(recordings_in(mp4 / camera.name))[-_DECODED_FILES:] for camera in cameras]
        found = sum(map(continuity, files), Continuity())
        printed = (data / "output.txt").read_text(errors="replace")
    return Outcome(
        passed,
        found,
        len(seen),
        seen.gaps_s(),
        dropped,
        printed.count("No space left") + printed.count("Nothing can be written"),
        least_free,
        state["freed_bytes"],
        sum(state["deleted"].values()),
    )


def _free(disk: Path) -> int:
    status = os.statvfs(disk)
    return status.f_bavail * status.f_frsize


def _dropped(server: LightNvr, cameras: Sequence[Camera]) -> int:
    streams = server.client.get("/api/streams").raise_for_status().json()["streams"]
    names = {camera.name for camera in cameras}
    if {stream["name"] for stream in streams if stream["recording"] == "recording"} != names:
        raise NeverHappened("Not every camera is recorded at the end.")
    return sum(stream["dropped_packets"] for stream in streams)


def _table(arguments: argparse.Namespace, outcome: Outcome) -> Table:
    found = outcome.found
    missing = found.lost + found.doubled + found.unreadable
    rows = (
        _row("pictures lost, doubled or unreadable in what is left", missing, f"of {found.pictures}"),
        _row("gaps between recordings, also of those deleted", len(outcome.gaps_s), f"of {outcome.recordings}"),
        _row("packets dropped", outcome.dropped, ""),
        _row("complaints of a full disk in the log", outcome.complaints, ""),
        (
            "least free space, MB",
            f"{outcome.least_free / 1e6:.0f}",
            f"of {arguments.size * 1.048576:.0f}",
            "> 0",
            "met" if outcome.least_free > 0 else "MISSED",
        ),
        ("deleted to make room, MB", f"{outcome.freed / 1e6:.0f}", f"{outcome.deleted} recordings", "", ""),
    )
    notes = (
        f"{arguments.cameras} cameras of 2 Mbit/s into a tmpfs of {arguments.size} MiB for {outcome.seconds:.0f} s, in "
        f"files of {_SEGMENT_S} s. The last {_DECODED_FILES} files of each camera were decoded, picture by picture; of "
        f"all others the times were compared; the longest gap is {max(outcome.gaps_s, default=0):.2f} s."
    )
    return Table("A disk that is always full", ("", "found", "", "target", ""), rows, notes)


def _row(name: str, found: int, of: str) -> tuple[str, ...]:
    return name, str(found), of, "0", "MISSED" if found else "met"


if __name__ == "__main__":
    main()
