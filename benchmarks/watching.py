"""Processes full of viewers, for benchmarks that need many."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.processes import wait_until
from benchmarks.server import LightNvr


@dataclass(slots=True)
class Viewers:
    """Viewers of one way, spread over all streams; more can be added."""

    server: LightNvr
    way: str
    streams: Sequence[str]
    count: int = 0
    processes: list["subprocess.Popen[str]"] = field(default_factory=list)

    def add(self, count: int, *, patience_s: float = 60) -> None:
        """Add viewers and wait until all have media. Raises NeverHappened."""
        url = self.server.rtsp_url if self.way == "rtsp" else self.server.url_with_password
        command = [sys.executable, "-m", "benchmarks.sinks", "--way", self.way, "--url", url]
        command += ["--count", str(count), "--first", str(self.count), "--streams", *self.streams]
        self.processes.append(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        )
        self.count += count
        wait_until(lambda: self.fresh() == self.count, f"{self.count} viewers have media", patience_s=patience_s)

    def fresh(self) -> int:
        """Return how many had media in the last seconds."""
        total = 0
        for process in self.processes:
            if process.stdin is not None and process.stdout is not None and process.poll() is None:
                process.stdin.write("?\n")
                process.stdin.flush()
                total += int(json.loads(process.stdout.readline())["fresh"])
        return total

    def stop(self) -> None:
        """End all of them."""
        for process in self.processes:
            if process.stdin is not None:
                process.stdin.close()
        for process in self.processes:
            process.wait()


@contextmanager
def viewers(server: LightNvr, way: str, streams: Sequence[str]) -> Iterator[Viewers]:
    """Give a group without anybody in it yet; all are ended when the context is left."""
    group = Viewers(server, way, streams)
    try:
        yield group
    finally:
        group.stop()
