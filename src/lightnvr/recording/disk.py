"""The few things that recordings do to a file system, in one place so that tests can cut the power."""

import contextlib
import errno
import os
from pathlib import Path
from typing import Protocol

_PATIENCE = 100


class DiskFile(Protocol):
    """A file that is open for writing. Every method raises OSError when the disk refuses."""

    def write_at(self, offset: int, content: bytes) -> None:
        """Write all of `content` at this offset."""
        ...

    def read_at(self, offset: int, size: int) -> bytes:
        """Read up to `size` bytes."""
        ...

    def size(self) -> int:
        """Return the size in bytes."""
        ...

    def truncate(self, size: int) -> None:
        """Cut the file off."""
        ...

    def sync(self) -> None:
        """Return when everything written so far survives a power cut (fdatasync)."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class Disk(Protocol):
    """A file system."""

    def create(self, path: Path) -> DiskFile:
        """Make a new file and the folders above it. Raises FileExistsError, OSError."""
        ...

    def open(self, path: Path) -> DiskFile:
        """Open an existing file for reading and writing. Raises FileNotFoundError, OSError."""
        ...

    def sync_folder(self, path: Path) -> None:
        """Return when the names in this folder survive a power cut."""
        ...

    def remove(self, path: Path) -> bool:
        """Delete a file. Returns False when there is none. Raises OSError."""
        ...

    def remove_folder(self, path: Path) -> bool:
        """Delete a folder in which nothing is. Returns False when there is something, or no folder. Raises OSError."""
        ...


def sync_names(disk: Disk, file: Path, root: Path) -> None:
    """Return when the name of a file and those of its folders below `root` survive a power cut. Raises OSError."""
    folder = file.parent
    disk.sync_folder(folder)
    while folder != root:
        folder = folder.parent
        disk.sync_folder(folder)


class OsFile:
    """A DiskFile of the operating system."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write_at(self, offset: int, content: bytes) -> None:
        """See DiskFile."""
        view = memoryview(content)
        while view:
            written = os.pwrite(self._descriptor, view, offset)
            view, offset = view[written:], offset + written

    def read_at(self, offset: int, size: int) -> bytes:
        """See DiskFile."""
        return os.pread(self._descriptor, size, offset)

    def size(self) -> int:
        """See DiskFile."""
        return os.fstat(self._descriptor).st_size

    def truncate(self, size: int) -> None:
        """See DiskFile."""
        os.ftruncate(self._descriptor, size)

    def sync(self) -> None:
        """See DiskFile."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """See DiskFile. Closing twice does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class OsDisk:
    """The Disk of the operating system."""

    def create(self, path: Path) -> OsFile:
        """See Disk."""
        for _ in range(_PATIENCE):
            # Folders in which nothing is are deleted, perhaps just after this one was made.
            with contextlib.suppress(FileNotFoundError):
                return self._create(path)
        return self._create(path)

    @staticmethod
    def _create(path: Path) -> OsFile:
        with contextlib.suppress(FileExistsError):
            path.parent.mkdir(parents=True, exist_ok=True)
        return OsFile(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640))

    def open(self, path: Path) -> OsFile:
        """See Disk."""
        return OsFile(os.open(path, os.O_RDWR | os.O_CLOEXEC))

    def sync_folder(self, path: Path) -> None:
        """See Disk."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, path: Path) -> bool:
        """See Disk."""
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        return True

    def remove_folder(self, path: Path) -> bool:
        """See Disk."""
        try:
            path.rmdir()
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENOTEMPTY, errno.EEXIST):
                return False
            raise
        return True
