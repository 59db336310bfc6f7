"""What concerns the operating system's process: one per data folder, and frugal with memory."""

import contextlib
import ctypes
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

_M_ARENA_MAX = -8


class AlreadyRunning(OSError):
    """Another LightNVR works in this data folder."""


@contextlib.contextmanager
def sole_owner(data_dir: Path) -> Iterator[None]:
    """Hold the lock of a data folder. Raises AlreadyRunning, OSError.

    Two processes on one folder would take each other's open recordings for interrupted ones.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(data_dir / "lightnvr.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                f"Another LightNVR is running with the data folder {data_dir}: stop it, or give another --data-dir."
            ) from None
        yield
    finally:
        os.close(descriptor)


def limit_malloc_arenas(arenas: int) -> None:
    """Let glibc share few memory pools among the many threads, which otherwise keep one each (mallopt(3))."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, arenas)
