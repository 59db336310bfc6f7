"""What processes cost, as the kernel counts it (proc(5))."""

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class NeverHappened(RuntimeError):
    """What a benchmark waited for did not come."""


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU that a process, its children and those it has waited for have used."""
    total = 0.0
    for member in _family(pid):
        # Everything after the name, which may hold spaces: the 12th to 15th of these fields are times.
        fields = _read(f"/proc/{member}/stat").rpartition(")")[2].split()
        total += sum(map(int, fields[11:15])) / _TICKS_PER_S
    return total


def pss_mb(pid: int) -> float:
    """Return the memory of a process and its children in MB (10^6 bytes); pages shared with others count in part.

    Raises NeverHappened when the process has ended.
    """
    sizes = [_pss_bytes(member) for member in _family(pid)]
    if not sizes[0]:
        raise NeverHappened(f"Process {pid} ended while it was measured.")
    return sum(sizes) / 1e6


def total(measure: Callable[[int], float], pids: Iterable[int]) -> float:
    """Return the sum of a measure over processes."""
    return sum(measure(pid) for pid in pids)


def wait_until(condition: Callable[[], bool], what: str, *, patience_s: float = 60, every_s: float = 0.05) -> float:
    """Return the seconds it took for a condition to hold. Raises NeverHappened."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > patience_s:
            raise NeverHappened(f"Waited {patience_s:g} s in vain: {what}.")
        time.sleep(every_s)
    return time.monotonic() - began


def _family(pid: int) -> list[int]:
    members = [pid]
    for member in members:
        for task in _tasks(member):
            members += map(int, _read(f"/proc/{member}/task/{task}/children").split())
    return members


def _pss_bytes(pid: int) -> int:
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _tasks(pid: int) -> list[str]:
    with suppress(FileNotFoundError, ProcessLookupError):
        return [task.name for task in Path(f"/proc/{pid}/task").iterdir()]
    return []


def _read(path: str) -> str:
    """Return a file of proc; nothing when the thread or the process has ended meanwhile, as short-lived ones do."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(path).read_text()
    return ""
