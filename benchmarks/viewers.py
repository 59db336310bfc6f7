"""How many may watch while 16 cameras are recorded: viewers are added until a recorded picture is late or lost.

Viewers read and throw away, in processes that are not counted. Each way alone, beside `ffmpeg -c copy` processes that
read the same cameras and serve one viewer each.
"""

import argparse
import itertools
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av

from benchmarks.cameras import camera_process
from benchmarks.mp4_file import newest, recordings_in
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.processes import NeverHappened, cpu_s, total
from benchmarks.server import Camera, LightNvr, lightnvr_server
from benchmarks.table import Table
from benchmarks.watching import viewers

TARGETS = {"mse": 64, "webrtc": 48, "rtsp": 64}
_LATE_S = 2.5
_LINGER_S = 75.0
_LOOK_S = 0.25
_FRAME_S = 1 / 15


@dataclass(frozen=True, slots=True)
class Held:
    """What one way could do: viewers that cost the recording nothing, cores a viewer, and what stopped it."""

    way: str
    most: int
    cores_each: float
    limit: str


def main() -> None:
    """Run and print."""
    options = parser("viewers", __doc__)
    options.add_argument("--cameras", type=positive, default=16)
    options.add_argument("--ways", nargs="+", choices=sorted(TARGETS), default=list(TARGETS))
    options.add_argument("--step", type=positive, default=16, help="viewers added at a time")
    options.add_argument("--most", type=positive, default=128, help="viewers after which no more are added")
    options.add_argument("--seconds", type=positive, default=15, help="measured with each number of viewers")
    options.add_argument("--reference", type=positive, default=8, help="ffmpeg processes to compare with")
    arguments = options.parse_args()
    with (
        workplace(arguments) as folder,
        camera_process(arguments.cache, arguments.cameras) as cameras,
        lightnvr_server(folder) as server,
    ):
        server.start()
        server.add(cameras)
        server.wait_until_recording(cameras)
        held = [_add_until_it_hurts(arguments, server, cameras, way) for way in arguments.ways]
        server.stop()
        lost = _holes(server.footage)
        reference = _ffmpeg_cores(arguments, cameras)
    report(_table(arguments, held, reference, lost), arguments)


def _add_until_it_hurts(arguments: argparse.Namespace, server: LightNvr, cameras: Sequence[Camera], way: str) -> Held:
    names = [camera.name for camera in cameras]
    # What the way before needed lingers for 30 s, its WebRTC sessions for 30 s more.
    time.sleep(_LINGER_S)
    alone, _ = _watch_recording(server, names, arguments.seconds)
    most, each, limit = 0, 0.0, f"not reached with {arguments.most}"
    with viewers(server, way, names) as group:
        while group.count < arguments.most:
            try:
                group.add(arguments.step)
            except NeverHappened as failure:
                limit = str(failure)
                break
            cores, latest_s = _watch_recording(server, names, arguments.seconds)
            fresh, dropped = group.fresh(), _dropped(server)
            say(f"{way}: {group.count} viewers, {cores:.3f} cores ({alone:.3f} without), late by {latest_s:.1f} s")
            if latest_s > _LATE_S or dropped:
                limit = f"recording late by {latest_s:.1f} s, {dropped} packets dropped, with {group.count}"
                break
            if fresh < group.count:
                limit = f"{group.count - fresh} of {group.count} viewers had no media"
                break
            most, each = group.count, (cores - alone) / group.count
    return Held(way, most, each, limit)


def _watch_recording(server: LightNvr, names: Sequence[str], seconds: float) -> tuple[float, float]:
    """Return the cores that the server used, and for how long the slowest file was not written to at worst."""
    began, used = time.monotonic(), cpu_s(server.pid)
    sizes: dict[str, tuple[int, float]] = {}
    worst = 0.0
    while (now := time.monotonic()) - began < seconds:
        for name in names:
            file = newest(server.footage / name)
            size = file.stat().st_size if file else 0
            before = sizes.get(name, (-1, now))
            if size != before[0]:
                sizes[name] = (size, now)
            worst = max(worst, now - before[1])
        time.sleep(_LOOK_S)
    return (cpu_s(server.pid) - used) / (time.monotonic() - began), worst


def _dropped(server: LightNvr) -> int:
    streams = server.client.get("/api/health").raise_for_status().json()["streams_detail"]
    return sum(stream["frames_dropped"] + stream["reconnects"] for stream in streams)


def _holes(footage: Path) -> int:
    """Return how many times a picture is missing in what was recorded."""
    holes = 0
    for path in recordings_in(footage):
        with av.open(str(path)) as container:
            packets = container.demux(video=0)
            times = [float(packet.dts * packet.time_base) for packet in packets if packet.dts is not None]
        holes += sum(later - earlier > 1.5 * _FRAME_S for earlier, later in itertools.pairwise(times))
    return holes


def _ffmpeg_cores(arguments: argparse.Namespace, cameras: Sequence[Camera]) -> float:
    """Return the cores that an `ffmpeg -c copy` uses to read a camera and serve one viewer."""
    running: list[subprocess.Popen[bytes]] = []
    with _drain() as port:
        try:
            for index in range(arguments.reference):
                url = cameras[index % len(cameras)].url
                command = ["ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-i", url, "-c", "copy"]
                command += ["-f", "mpegts", f"tcp://127.0.0.1:{port}"]
                running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))
            time.sleep(5)
            pids = [process.pid for process in running]
            began, used = time.monotonic(), total(cpu_s, pids)
            time.sleep(arguments.seconds)
            return (total(cpu_s, pids) - used) / (time.monotonic() - began) / len(running)
        finally:
            for process in running:
                process.kill()
                process.wait()


@contextmanager
def _drain() -> Iterator[int]:
    """Take connections and throw away what comes, in threads; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=drain, args=(connection,), daemon=True).start()

    def drain(connection: socket.socket) -> None:
        with connection:
            while connection.recv(1 << 18):
                pass

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.close()


def _table(arguments: argparse.Namespace, held: Sequence[Held], reference: float, lost: int) -> Table:
    rows = tuple(
        (
            one.way,
            str(one.most),
            f"{one.cores_each * 1000:.2f}",
            f"{reference * 1000:.2f}",
            one.limit,
            f"≥ {TARGETS[one.way]}",
            "met" if one.most >= TARGETS[one.way] else "MISSED",
        )
        for one in held
    )
    notes = (
        f"{arguments.cameras} cameras of 2 Mbit/s recorded all the time, {arguments.seconds} s with each number of "
        f"viewers, {arguments.step} added at a time, on the same cores. Late: no growth of a file for {_LATE_S:g} s. "
        f"Thousandths of a core for each viewer, without the recording; ffmpeg: {arguments.reference} processes that "
        f"each read a camera and serve one viewer. Pictures missing in all that was recorded meanwhile: {lost}."
    )
    columns = ("way", "viewers", "mcores each", "ffmpeg -c copy", "limit", "target", "")
    return Table("Viewers", columns, rows, notes)


if __name__ == "__main__":
    main()
