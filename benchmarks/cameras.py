"""Cameras in a process of their own, whose cost is nobody's."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.processes import NeverHappened
from benchmarks.server import Camera


@contextmanager
def camera_process(cache: Path, count: int, *, full_hd: bool = False) -> Iterator[tuple[Camera, ...]]:
    """Run equal cameras: 1280x720, 15 fps, 2 Mbit/s H.264 with a keyframe every 2 s, and AAC.

    With `full_hd` they have 1920x1080 and 4 Mbit/s.
    The first run on a machine makes the film, which takes some seconds. Raises NeverHappened.
    """
    command: list[str | Path] = [sys.executable, "-m", "lightnvr.demo.cameras"]
    command += ["--clips", cache / "clips", "--count", str(count)]
    command += ["--full-hd"] if full_hd else []
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise NeverHappened("The cameras could not be started; see the messages above.")
        yield tuple(Camera(camera["name"], camera["url"]) for camera in json.loads(line)["cameras"])
    finally:
        process.terminate()
        process.wait()
