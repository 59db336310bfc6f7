"""A place where recordings are kept, with a marker so that an unmounted disk is not mistaken for an empty one."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

_MARKER = ".lightnvr-storage"


class StorageUnavailable(OSError):
    """The storage is not there; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Storage:
    """One storage: an id in the database and a root on disk."""

    id: int
    name: str
    root: Path

    def adopt(self) -> None:
        """Make the root if it is missing and mark it as this storage. Raises OSError."""
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / _MARKER).write_text(f"{self.name}\nLightNVR records only where this file is: do not delete it.\n")

    def is_marked(self) -> bool:
        """Whether the marker is there, from an earlier run perhaps."""
        try:
            return (self.root / _MARKER).is_file()
        except OSError:
            return False

    def check(self) -> None:
        """Raises StorageUnavailable when the marker is missing, which means the disk is not mounted."""
        try:
            marked_as = (self.root / _MARKER).read_text(errors="replace").partition("\n")[0].strip()
        except (FileNotFoundError, NotADirectoryError):
            marked_as = None
        except OSError as error:
            raise StorageUnavailable(f"The storage {self.root} cannot be read: {error.strerror}.") from error
        if marked_as and marked_as != self.name:
            raise StorageUnavailable(
                f"{self.root} is the storage {marked_as}, not {self.name}: another disk is mounted there. If it was"
                f" renamed on purpose, write {self.name} into {self.root / _MARKER}."
            )
        if marked_as is None:
            place = next(folder for folder in (self.root, *self.root.parents) if folder.exists())
            if not os.access(place, os.W_OK):
                raise StorageUnavailable(
                    f"The storage {self.root} cannot be made: {place} is read-only or belongs to another user."
                )
            raise StorageUnavailable(
                f"The storage {self.root} is not there: mount its disk. If it was emptied on purpose, run"
                f" `touch {self.root / _MARKER}`."
            )

    def free_bytes(self) -> int:
        """Return the free space in bytes. Raises OSError."""
        return shutil.disk_usage(self.root).free
