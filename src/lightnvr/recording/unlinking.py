"""Takes files of recordings off the disk. Blocks: for worker threads."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath

from lightnvr.recording.disk import Disk
from lightnvr.recording.model import Recording
from lightnvr.recording.storage import Storage


@dataclass(slots=True)
class Unlinked:
    """What became of the files of some recordings.

    `gone` are off the disk and stay so after a power cut. `failed` are on it as before, with the reason by id. Of all
    others it is not known: their storage went away meanwhile.
    """

    gone: list[Recording] = field(default_factory=list)
    freed_bytes: int = 0
    failed: dict[int, str] = field(default_factory=dict)


def absent(storages: Iterable[Storage]) -> dict[int, str]:
    """Return why a storage is not there, by the id of each for which this is so."""
    found: dict[int, str] = {}
    for storage in storages:
        try:
            storage.check()
        except OSError as error:
            found[storage.id] = str(error.strerror or error)
    return found


def unlink(disk: Disk, storage: Storage, recordings: Sequence[Recording], today: date) -> Unlinked:
    """Delete the files of recordings of one storage, and the folders of past days that are empty then.

    A file that is not there counts as deleted only when the storage is there before and afterwards: else it may be on
    a disk that was unplugged.
    """
    done, folders, taken = Unlinked(), set[Path](), list[Recording]()
    if absent([storage]):
        return done
    for recording in recordings:
        relative = PurePosixPath(recording.path)
        if relative.is_absolute() or ".." in relative.parts:
            done.failed[recording.id] = "its path leads out of the storage"
            continue
        try:
            if disk.remove(storage.root / relative):
                done.freed_bytes += recording.size_bytes
        except OSError as error:
            done.failed[recording.id] = error.strerror or str(error)
            continue
        taken.append(recording)
        folders.add((storage.root / relative).parent)
    try:
        for folder in folders:
            # Until its folder is synced, a deleted file comes back after a power cut.
            with contextlib.suppress(FileNotFoundError):
                disk.sync_folder(folder)
        storage.check()
    except OSError:
        return done
    done.gone = taken
    for folder in folders:
        _remove_empty(disk, storage.root, folder, today)
    return done


def _remove_empty(disk: Disk, root: Path, folder: Path, today: date) -> None:
    """Delete a folder of a past day, month or year, and those above it, as long as they are empty.

    The folder of a stream stays, and so does every folder in which a recording may begin now.
    """
    while _is_past(folder.relative_to(root).parts[2:], today):
        try:
            if not disk.remove_folder(folder):
                return
        except OSError:
            return  # an empty folder does no harm
        folder = folder.parent


def _is_past(parts: tuple[str, ...], today: date) -> bool:
    """Whether these folders below a stream's are YYYY, YYYY/MM or YYYY/MM/DD of a time that is over."""
    if not 1 <= len(parts) <= 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return False
    return tuple(int(part) for part in parts) < (today.year, today.month, today.day)[: len(parts)]
