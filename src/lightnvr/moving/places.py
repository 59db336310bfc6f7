"""Where the files of the original are: its folders, what was moved since, and which storage of ours each is in."""

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from lightnvr.recording.storage import Storage

_OUTSIDE = "It lies outside of the folders of recordings."


class NotThere(Exception):
    """The file of a recording cannot be used; the text is a sentence saying why."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What was below one folder when it was recorded and is below another now, as the host of a container sees it."""

    before: PurePosixPath
    now: PurePosixPath


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of the original: the storage it is in, and its path below the root of that."""

    storage: Storage
    path: PurePosixPath

    @property
    def absolute(self) -> Path:
        """Where it is."""
        return self.storage.root / self.path


def now_at(path: PurePosixPath, moved: Iterable[Moved]) -> PurePosixPath:
    """Return where something is now that was recorded as being at `path`."""
    for each in moved:
        if path.is_relative_to(each.before):
            return each.now / path.relative_to(each.before)
    return path


def new_storages(folders: Sequence[Path], there: Mapping[str, Path]) -> dict[str, Path]:
    """Return names for those folders of the original that lie in no storage of ours; `there` has those by name."""
    found: dict[str, Path] = {}
    for folder in dict.fromkeys(folders):
        if any(folder.is_relative_to(root) for root in (*there.values(), *found.values())):
            continue
        number, name = 1, "original"
        while name in there or name in found:
            number += 1
            name = f"original-{number}"
        found[name] = folder
    return found


class Places:
    """Finds the files of recordings in the folders of the original, and nowhere else."""

    def __init__(self, storages: Sequence[Storage], folders: Sequence[Path], moved: Sequence[Moved]) -> None:
        """`folders` are those of the original; each lies in one of `storages`."""
        self._storages = sorted(storages, key=lambda storage: len(storage.root.parts), reverse=True)
        self._folders = [Path(os.path.realpath(folder)) for folder in folders]
        self._moved = moved
        self._real = lru_cache(maxsize=4096)(os.path.realpath)

    def find(self, recorded_path: str) -> FoundFile:
        """Return the file that a recording names. Blocks. Raises NotThere."""
        path = PurePosixPath(recorded_path)
        if not path.is_absolute() or ".." in path.parts or "\0" in recorded_path:
            raise NotThere("Its path is not one of a file of the original.")
        place = Path(now_at(path, self._moved))
        storage = next((each for each in self._storages if place.is_relative_to(each.root)), None)
        if storage is None:
            raise NotThere(_OUTSIDE)
        # A link within the folder may lead out of it.
        folder = Path(self._real(place.parent))
        if not any(folder.is_relative_to(each) for each in self._folders):
            raise NotThere(_OUTSIDE)
        try:
            status = place.lstat()
        except (FileNotFoundError, NotADirectoryError):
            raise NotThere("The file is missing.") from None
        except OSError as error:
            raise NotThere(f"The file cannot be looked at: {error.strerror}.") from None
        if not stat.S_ISREG(status.st_mode):
            raise NotThere("It is a link or a folder, and no file.")
        return FoundFile(storage, PurePosixPath(place.relative_to(storage.root)))
