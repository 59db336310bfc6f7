"""What concerns the operating system's process: one per data folder, and frugal with memory."""

import asyncio
import contextlib
import ctypes
import fcntl
import gc
import logging
import os
import resource
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NoReturn

_M_ARENA_MAX = -8
_M_MMAP_THRESHOLD = -3
_M_TRIM_THRESHOLD = -1
_LARGE_BYTES = 256 * 1024
_HOUSEKEEPING_S = 15.0


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


def open_files_limit() -> int:
    """Return how many files and connections the process may have open at a time (getrlimit(2))."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def allow_many_open_files() -> None:
    """Raise that limit as far as the system allows: cameras, recordings and clients share it, and 1024 is usual."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))


def begin_again() -> NoReturn:
    """Put the program as it is installed now in the place of this one, with the same words and the same process id.

    Files and sockets of this one are closed (PEP 446). Raises OSError.
    """
    logging.shutdown()
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - what the user ran, again


def give_memory_back() -> None:
    """Return free memory to the system (malloc_trim(3)); takes a millisecond. Opening cameras leaves much of it."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


@contextlib.asynccontextmanager
async def housekeeping() -> AsyncIterator[None]:
    """Give memory back every few seconds while the context is open."""

    async def keep() -> None:
        while True:
            await asyncio.sleep(_HOUSEKEEPING_S)
            await asyncio.to_thread(give_memory_back)

    task = asyncio.create_task(keep(), name="housekeeping")
    try:
        yield
    finally:
        task.cancel()


def leave_out_of_collections() -> None:
    """Collect garbage, and spare all that is there now in later collections (gc.freeze).

    That is a hundred thousand objects of modules, which stay until the end. To look through them all takes 80 ms in
    which no other thread runs, again and again while large lists are answered.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def be_frugal_with_memory() -> None:
    """Let glibc share one memory pool among the many threads and give back what is free (mallopt(3)).

    Otherwise each thread keeps a pool of its own, and the first large block that is freed makes glibc keep tens of
    megabytes for later. Without glibc nothing is done.
    """
    with contextlib.suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in ((_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, _LARGE_BYTES), (_M_TRIM_THRESHOLD, _LARGE_BYTES)):
            mallopt(option, value)
