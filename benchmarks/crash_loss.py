"""Footage missing after `kill -9`: LightNVR against `ffmpeg -c copy` into plain and into fragmented MP4.

All three record the same cameras at the same time and are killed at the same moment. The number on the last picture of
each file is compared with that of the last picture the camera had sent. LightNVR's files are looked at after it was
started again and has mended them; the start is also the beginning of the next round.
"""

import argparse
import contextlib
import random
import shutil
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.ffmpeg import FRAGMENTED, PLAIN, Recorders, ffmpeg_recorders
from benchmarks.live_cameras import LiveCamera, live_cameras
from benchmarks.mp4_file import has_media
from benchmarks.numbers import LastPicture, last_picture
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.processes import NeverHappened, wait_until
from benchmarks.server import LightNvr, lightnvr_server
from benchmarks.table import Table, listed, median, percentile, verdict

TARGET_S = 1.0
_OURS, _FRAGMENTED, _PLAIN = "LightNVR", "ffmpeg, fragmented MP4", "ffmpeg, plain MP4"


@dataclass(frozen=True, slots=True)
class Losses:
    """What one recorder lost: seconds for each kill and camera; how many files could not be read at all."""

    seconds: list[float] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def main() -> None:
    """Run and print."""
    options = parser("crash_loss", __doc__)
    options.add_argument("--kills", type=positive, default=20)
    options.add_argument("--cameras", type=positive, default=8)
    options.add_argument("--shortest", type=float, default=3.0, help="seconds recorded before a kill, at least")
    options.add_argument("--longest", type=float, default=13.0, help="seconds recorded before a kill, at most")
    options.add_argument("--seed", type=int, default=1, help="of the random moments")
    arguments = options.parse_args()
    rng = random.Random(arguments.seed)
    losses = {name: Losses() for name in (_OURS, _FRAGMENTED, _PLAIN)}
    with (
        workplace(arguments) as folder,
        live_cameras(arguments.cache, arguments.cameras, arguments.seed) as cameras,
        lightnvr_server(folder / "lightnvr") as server,
    ):
        server.start()
        server.add(camera.camera for camera in cameras)
        for kill in range(arguments.kills):
            wait_s = rng.uniform(arguments.shortest, arguments.longest)
            _kill_once(server, cameras, folder / "ffmpeg", wait_s, losses)
            latest = {name: max(found.seconds[-arguments.cameras :]) for name, found in losses.items()}
            say(f"kill {kill + 1} after {wait_s:.1f} s, most lost: {latest}")
    report(_table(arguments, losses), arguments)


def _kill_once(
    server: LightNvr, cameras: Sequence[LiveCamera], folder: Path, wait_s: float, losses: dict[str, Losses]
) -> None:
    urls = [camera.camera.url for camera in cameras]
    with contextlib.ExitStack() as stack:
        began = time.monotonic()
        fragmented = stack.enter_context(ffmpeg_recorders(urls, folder / "fragmented", FRAGMENTED))
        plain = stack.enter_context(ffmpeg_recorders(urls, folder / "plain", PLAIN))
        wait_until(lambda: all(map(has_media, fragmented.files)), "ffmpeg records every camera")
        wait_until(lambda: _are_written(plain), "ffmpeg records every camera")
        open_files = _open_files(server, cameras)
        time.sleep(wait_s)
        killed = time.monotonic()
        server.kill()
        fragmented.stop(signal.SIGKILL)
        plain.stop(signal.SIGKILL)
    server.start()
    _wait_until_mended(server, open_files)
    files = {_OURS: open_files, _FRAGMENTED: fragmented.files, _PLAIN: plain.files}
    for index, camera in enumerate(cameras):
        for name, found in losses.items():
            path = files[name][index]
            picture = last_picture(path)
            if picture is None:
                found.unreadable.append(path.name)
            found.seconds.append(_missing_s(camera, killed, picture, began))
    server.wait_until_recording([camera.camera for camera in cameras], since=set(open_files))
    shutil.rmtree(folder)


def _missing_s(camera: LiveCamera, killed: float, picture: LastPicture | None, began: float) -> float:
    """Return the seconds from the end of a file to the moment of the kill: all since its start if it is unreadable."""
    if picture is None:
        return killed - began
    sent = [frame for frame in camera.sent() if frame.at <= killed]
    # Numbers come round again every 16 s; the right one is where the count of pictures leads to.
    shown = [frame for frame in sent if frame.number == picture.number]
    if not shown:
        raise NeverHappened(f"{camera.name} has sent no picture {picture.number}.")
    interval_s = (sent[-1].at - sent[0].at) / (len(sent) - 1)
    latest = max(shown, key=lambda frame: -_laps_off(sent[-1].at - frame.at, picture, interval_s, killed - began))
    return max(0.0, sent[-1].at - latest.at)


def _laps_off(missing_s: float, picture: LastPicture, interval_s: float, recorded_s: float) -> float:
    return abs(recorded_s - picture.pictures * interval_s - missing_s)


def _are_written(recorders: Recorders) -> bool:
    return all(path.exists() and path.stat().st_size > 0 for path in recorders.files)


def _open_files(server: LightNvr, cameras: Sequence[LiveCamera]) -> tuple[Path, ...]:
    found: dict[str, Path] = {}

    def all_are_listed() -> bool:
        found.clear()
        for recording in server.recordings():
            if not recording.complete:
                found[recording.file.relative_to(server.footage).parts[0]] = recording.file
        return len(found) == len(cameras)

    wait_until(all_are_listed, "every camera has an open recording in the list")
    return tuple(found[camera.name] for camera in cameras)


def _wait_until_mended(server: LightNvr, files: Sequence[Path]) -> None:
    wanted = set(files)
    wait_until(
        lambda: wanted <= {recording.file for recording in server.recordings() if recording.complete},
        "every recording that was open at the kill is mended",
        every_s=0.2,
    )


def _table(arguments: argparse.Namespace, losses: dict[str, Losses]) -> Table:
    rows = []
    for name, found in losses.items():
        worst = max(found.seconds)
        rows.append(
            (
                name,
                f"{median(found.seconds):.2f}",
                f"{percentile(found.seconds, 95):.2f}",
                f"{worst:.2f}",
                f"{len(found.unreadable)} of {len(found.seconds)}",
                f"≤ {TARGET_S:g} s" if name == _OURS else "",
                verdict(worst, TARGET_S) if name == _OURS else "",
            )
        )
    per_kill = [
        max(losses[_OURS].seconds[i : i + arguments.cameras])
        for i in range(0, len(losses[_OURS].seconds), arguments.cameras)
    ]
    notes = (
        f"{arguments.kills} kills of {arguments.cameras} cameras' recording at random moments "
        f"({arguments.shortest:g} to {arguments.longest:g} s after all were recording). Seconds from the last picture "
        "in the file to the last one sent before the kill; for a file that cannot be read, all since its start: here "
        "seconds, in practice up to the length of a file. "
        f"The most that LightNVR lost at each kill: {listed(per_kill)}."
    )
    columns = ("seconds missing per camera", "median", "p95", "max", "unreadable files", "target", "")
    return Table("Footage lost on kill -9", columns, tuple(rows), notes)


if __name__ == "__main__":
    main()
