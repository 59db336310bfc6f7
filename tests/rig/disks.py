"""Disks that misbehave: that stall, refuse, or hold everything in memory."""

import errno
import threading
from collections.abc import Callable
from pathlib import Path

from lightnvr.recording.disk import Disk, DiskFile, OsDisk
from tests.rig.waiting import PATIENCE_S

Hook = Callable[[str, Path], None]


class WatchedDisk:
    """A disk that asks a hook before everything it does; the hook may wait or raise OSError.

    The hook gets the name of the method (of Disk or DiskFile) and the path.
    """

    def __init__(self, hook: Hook, disk: Disk | None = None) -> None:
        self._hook = hook
        self._disk = disk or OsDisk()

    def create(self, path: Path) -> DiskFile:
        """See Disk."""
        self._hook("create", path)
        return _WatchedFile(self._disk.create(path), path, self._hook)

    def open(self, path: Path) -> DiskFile:
        """See Disk."""
        self._hook("open", path)
        return _WatchedFile(self._disk.open(path), path, self._hook)

    def sync_folder(self, path: Path) -> None:
        """See Disk."""
        self._hook("sync_folder", path)
        self._disk.sync_folder(path)

    def remove(self, path: Path) -> bool:
        """See Disk."""
        self._hook("remove", path)
        return self._disk.remove(path)

    def remove_folder(self, path: Path) -> bool:
        """See Disk."""
        self._hook("remove_folder", path)
        return self._disk.remove_folder(path)


class _WatchedFile:
    def __init__(self, file: DiskFile, path: Path, hook: Hook) -> None:
        self._file = file
        self._path = path
        self._hook = hook

    def write_at(self, offset: int, content: bytes) -> None:
        try:
            self._hook("write_at", self._path)
        except OSError:
            # A full disk takes the beginning.
            self._file.write_at(offset, content[: len(content) // 2])
            raise
        self._file.write_at(offset, content)

    def read_at(self, offset: int, size: int) -> bytes:
        return self._file.read_at(offset, size)

    def size(self) -> int:
        return self._file.size()

    def truncate(self, size: int) -> None:
        self._hook("truncate", self._path)
        self._file.truncate(size)

    def sync(self) -> None:
        self._hook("sync", self._path)
        self._file.sync()

    def close(self) -> None:
        self._file.close()


class Stall:
    """A hook that makes writing wait for as long as it is told to."""

    def __init__(self) -> None:
        self._flows = threading.Event()
        self._flows.set()
        self.reached = threading.Event()
        """Set when something waits."""

    def __call__(self, what: str, path: Path) -> None:
        if what in ("write_at", "sync", "create") and not self._flows.is_set():
            self.reached.set()
            assert self._flows.wait(PATIENCE_S)

    def begin(self) -> None:
        """Let nothing be written any more."""
        self._flows.clear()

    def end(self) -> None:
        """Let everything be written again."""
        self._flows.set()


class Refusal:
    """A hook that refuses what is chosen, as a full disk does: truncating and removing still work."""

    def __init__(self, *refused: str, error: int = errno.ENOSPC) -> None:
        self.refused = frozenset(refused or ("write_at",))
        self.error = error
        self.active = False
        self.refusals = 0

    def __call__(self, what: str, path: Path) -> None:
        if self.active and what in self.refused:
            self.refusals += 1
            raise OSError(self.error, "No space left on device")


class MemoryFile:
    """A DiskFile in memory, with a log of all that was written to it."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = bytearray(content)
        self.log: list[tuple[int, bytes] | int] = []
        """(offset, content) of each write, the new size for each truncation."""
        self.synced = 0
        self.closed = False

    def write_at(self, offset: int, content: bytes) -> None:
        """See DiskFile."""
        self.log.append((offset, bytes(content)))
        _write(self.content, offset, content)

    def read_at(self, offset: int, size: int) -> bytes:
        """See DiskFile."""
        return bytes(self.content[offset : offset + size])

    def size(self) -> int:
        """See DiskFile."""
        return len(self.content)

    def truncate(self, size: int) -> None:
        """See DiskFile."""
        self.log.append(size)
        _truncate(self.content, size)

    def sync(self) -> None:
        """See DiskFile."""
        self.synced += 1

    def close(self) -> None:
        """See DiskFile."""
        self.closed = True

    def content_after(self, steps: int, partly: int = 0) -> bytes:
        """Return what the file held after so many steps of the log and `partly` bytes of the next write."""
        content = bytearray()
        for step in self.log[:steps]:
            if isinstance(step, int):
                _truncate(content, step)
            else:
                _write(content, *step)
        if partly and steps < len(self.log) and not isinstance(step := self.log[steps], int):
            _write(content, step[0], step[1][:partly])
        return bytes(content)


class MemoryDisk:
    """A Disk in memory."""

    def __init__(self, files: dict[Path, MemoryFile] | None = None) -> None:
        self.files = files or {}

    def create(self, path: Path) -> MemoryFile:
        """See Disk."""
        if path in self.files:
            raise FileExistsError(errno.EEXIST, "File exists")
        return self.files.setdefault(path, MemoryFile())

    def open(self, path: Path) -> MemoryFile:
        """See Disk."""
        if path not in self.files:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        return self.files[path]

    def sync_folder(self, path: Path) -> None:
        """See Disk."""

    def remove(self, path: Path) -> bool:
        """See Disk."""
        return self.files.pop(path, None) is not None

    def remove_folder(self, path: Path) -> bool:
        """See Disk. There are no folders here."""
        return False


def _write(content: bytearray, offset: int, written: bytes) -> None:
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(written)] = written


def _truncate(content: bytearray, size: int) -> None:
    if size < len(content):
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))
