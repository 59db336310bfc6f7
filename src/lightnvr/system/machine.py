"""The machine and this process on it, as Linux tells (proc(5))."""

import os
import platform
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_SAMPLE_S = 0.1


@dataclass(frozen=True, slots=True)
class Amount:
    """How much of something there is and how much of it is used, in bytes."""

    total: int
    used: int

    @property
    def free(self) -> int:
        """What is not used."""
        return max(0, self.total - self.used)


@dataclass(frozen=True, slots=True)
class MachineState:
    """How the machine is. `cpu_pct` is of all processors together, 0 to 100, over a tenth of a second.

    `memory` is used by all programs (what can be given up at once is free), `rss_bytes` by this process.
    """

    cpu_model: str
    cores: int
    cpu_pct: float
    memory: Amount
    rss_bytes: int
    threads: int


@dataclass(frozen=True, slots=True)
class ProcessUse:
    """What this process takes. `cpu_s` is processor time since its start, in seconds."""

    cpu_s: float
    rss_bytes: int
    threads: int


class CpuMeter:
    """Measures how much processor time this process takes between two looks at it."""

    def __init__(self) -> None:
        self._cpu_s = 0.0
        self._at_s: float | None = None

    def percent(self, cpu_s: float) -> float:
        """Return per cent of one processor since the last call, 0 at the first. `cpu_s` is the time taken so far."""
        now = time.monotonic()
        before, self._cpu_s = self._cpu_s, cpu_s
        since, self._at_s = self._at_s, now
        return 0.0 if since is None or now <= since else 100 * (cpu_s - before) / (now - since)


def machine_state() -> MachineState:
    """Look at the machine. Blocks for a tenth of a second. Raises OSError where there is no /proc."""
    before = _cpu_times()
    time.sleep(_SAMPLE_S)
    busy, total = (after - first for after, first in zip(_cpu_times(), before, strict=True))
    use = process_use()
    return MachineState(
        cpu_model=_cpu_model(),
        cores=len(os.sched_getaffinity(0)),
        cpu_pct=round(100 * busy / total, 1) if total else 0.0,
        memory=_memory(),
        rss_bytes=use.rss_bytes,
        threads=use.threads,
    )


def process_use() -> ProcessUse:
    """Look at this process. Takes some microseconds."""
    times = os.times()
    pages = int((_PROC / "self/statm").read_text().split()[1])
    return ProcessUse(
        cpu_s=times.user + times.system,
        rss_bytes=pages * os.sysconf("SC_PAGE_SIZE"),
        threads=max(threading.active_count(), _native_threads()),
    )


def disk_amount(folder: Path) -> Amount:
    """Return the space of the file system that a folder is on, as it is for us. Blocks. Raises OSError."""
    volume = os.statvfs(folder)
    free = volume.f_bavail * volume.f_frsize
    used = (volume.f_blocks - volume.f_bfree) * volume.f_frsize
    return Amount(used + free, used)


def _native_threads() -> int:
    return sum(1 for _ in os.scandir(_PROC / "self/task"))


def _cpu_times() -> tuple[int, int]:
    """Return the ticks that all processors were busy, and all ticks."""
    line = (_PROC / "stat").read_text().split("\n", 1)[0]
    ticks = [int(part) for part in line.split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def _memory() -> Amount:
    found = {}
    for line in (_PROC / "meminfo").read_text().splitlines():
        name, _, rest = line.partition(":")
        found[name] = int(rest.split()[0]) * 1024
    total = found["MemTotal"]
    return Amount(total, total - found.get("MemAvailable", found["MemFree"]))


def _cpu_model() -> str:
    for line in (_PROC / "cpuinfo").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name.strip() in {"model name", "Model", "Hardware"} and rest.strip():
            return rest.strip()
    return platform.machine()
