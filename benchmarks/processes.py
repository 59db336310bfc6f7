"""What processes cost, as the kernel counts it (proc(5))."""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class NeverHappened(RuntimeError):
    """What a benchmark waited for did not come."""


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU that a process, its children and those it has waited for have used."""
    total = 0.0
    for member in _family(pid):
        # Everything after the name, which may hold spaces: the 12th to 15th of these fields are times.
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15])) / _TICKS_PER_S
    return total


def pss_mb(pid: int) -> float:
    """Return the memory of a process and its children in MB (10^6 bytes); pages shared with others count in part."""
    return sum(_pss_bytes(member) for member in _family(pid)) / 1e6


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
        for task in Path(f"/proc/{member}/task").iterdir():
            members += map(int, (task / "children").read_text().split())
    return members


def _pss_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise NeverHappened(f"The kernel does not tell the memory of process {pid}.")
