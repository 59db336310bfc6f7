"""Pictures lost or doubled where one file ends and the next begins, over many rotations of many cameras.

Each picture carries a number; every picture of every file is decoded and the numbers must follow each other.
"""

import argparse
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cameras import camera_process
from benchmarks.continuity import Continuity, continuity
from benchmarks.ffmpeg import ffmpeg_recorders, segmented
from benchmarks.mp4_file import recordings_in
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.server import Camera, lightnvr_server
from benchmarks.table import Table

_SEGMENT_S = 10


def main() -> None:
    """Run and print."""
    options = parser("rotation", __doc__)
    options.add_argument("--cameras", type=positive, default=10)
    options.add_argument("--rotations", type=positive, default=10, help="of each camera")
    arguments = options.parse_args()
    with workplace(arguments) as folder:
        ours, theirs = _record(arguments, folder)
        say("decoding every picture")
        found = {
            "LightNVR": sum(map(continuity, ours), Continuity()),
            "ffmpeg -f segment": sum(map(continuity, theirs), Continuity()),
        }
    report(_table(arguments, found), arguments)


def _record(arguments: argparse.Namespace, folder: Path) -> tuple[list[list[Path]], list[list[Path]]]:
    with camera_process(arguments.cache, arguments.cameras) as cameras, lightnvr_server(folder / "lightnvr") as server:
        server.start()
        server.add(cameras, segment_s=_SEGMENT_S)
        urls = [camera.url for camera in cameras]
        with ffmpeg_recorders(urls, folder / "ffmpeg", segmented(_SEGMENT_S), name="{}-%03d.mp4") as recorders:
            server.wait_until_recording(cameras)
            # A file is cut at the first keyframe after its time; they come every 2 s.
            seconds = arguments.rotations * (_SEGMENT_S + 2) + 2
            say(f"recording {arguments.cameras} cameras for {seconds} s")
            time.sleep(seconds)
            recorders.stop(signal.SIGINT)
        server.stop()
        ours = [sorted(recordings_in(server.footage / camera.name)) for camera in cameras]
    return ours, _ffmpeg_files(folder / "ffmpeg", cameras)


def _ffmpeg_files(folder: Path, cameras: Sequence[Camera]) -> list[list[Path]]:
    return [sorted(folder.glob(f"{index}-*.mp4")) for index in range(len(cameras))]


def _table(arguments: argparse.Namespace, found: dict[str, Continuity]) -> Table:
    rows = tuple(
        (
            name,
            str(one.rotations),
            str(one.pictures),
            str(one.unreadable),
            str(one.lost),
            str(one.doubled),
            "0" if name == "LightNVR" else "",
            ("met" if one.is_perfect else "MISSED") if name == "LightNVR" else "",
        )
        for name, one in found.items()
    )
    notes = (
        f"{arguments.cameras} cameras, files of {_SEGMENT_S} s, both recorders at the same time. Every picture was "
        "decoded and its number read."
    )
    columns = ("pictures", "rotations", "decoded", "unreadable", "lost", "doubled", "target", "")
    return Table("Rotation", columns, rows, notes)


if __name__ == "__main__":
    main()
