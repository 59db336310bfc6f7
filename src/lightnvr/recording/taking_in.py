"""Looking at the files of a storage, for those that have no row, or another one. Blocks: for worker threads."""

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lightnvr.media.mp4.boxes import MalformedBox
from lightnvr.recording.disk import Disk
from lightnvr.recording.layout import start_from_name
from lightnvr.recording.recognition import recognise
from lightnvr.recording.scan import NotOurRecording
from lightnvr.recording.storage import Storage
from lightnvr.recording.sync_rows import Indexed

_SETTLED_US = 120_000_000
"""A file of this run that began longer ago than this has long been taken up by its recorder."""


class NotUsable(Exception):
    """The file is no recording of ours, or nothing of it is left; the text says which."""


class BeingWritten(Exception):
    """The file may be a recording that begins just now."""


@dataclass(frozen=True, slots=True)
class RunTimes:
    """When this run of the program and the comparison began, microseconds since 1970 UTC."""

    process_us: int
    sync_us: int

    def may_be_written(self, start_us: int, written_us: int) -> bool:
        """Whether a file that began and was written at these times may have a recorder that has just made it."""
        return written_us >= self.process_us and start_us > self.sync_us - _SETTLED_US


def sizes(storage: Storage, paths: Sequence[PurePosixPath]) -> dict[PurePosixPath, int | None]:
    """Return the size in bytes of each file, None for one that is certainly not there.

    Left out is what cannot be told: the file cannot be looked at, or the whole folder of its stream is gone, which may
    be a disk of its own or have been moved. Raises StorageUnavailable when the storage is not there afterwards.
    """
    found: dict[PurePosixPath, int | None] = {}
    there: dict[PurePosixPath, bool] = {}
    for path in paths:
        folder = PurePosixPath(*path.parts[:2]) if len(path.parts) > 2 else path.parent
        if folder not in there:
            there[folder] = (storage.root / folder).is_dir()
        if not there[folder]:
            continue
        try:
            found[path] = (storage.root / path).stat().st_size
        except FileNotFoundError:
            found[path] = None
        except OSError:
            continue
    storage.check()
    return found


def files(storage: Storage) -> Iterator[PurePosixPath]:
    """Yield the files below `mp4/` that are called like recordings, folder by folder. Links are not followed."""
    root = storage.root
    for folder, below, names in os.walk(root / "mp4"):
        below.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if start_from_name(name) is not None and not path.is_symlink():
                yield PurePosixPath(path.relative_to(root))


def take_in(disk: Disk, storage: Storage, path: PurePosixPath, stream_name: str, times: RunTimes | None) -> Indexed:
    """Return what a file holds. One that was left open is finished: its torn end is cut off. Nothing is removed.

    `stream_name` is for files that do not say whose they are. `times` None means that nobody writes to it.

    Raises NotUsable, BeingWritten, OSError.
    """
    at = storage.root / path
    file = disk.open(at)
    try:
        found = recognise(file, storage, path, stream_name)
        opened, segment = found.opened, found.opened.segment
        if not len(segment.index):
            raise NotUsable("nothing that was recorded is left in it")
        if found.scanned.finalised:
            return Indexed(opened, file.size())
        if times is not None and times.may_be_written(opened.facts.start_us, at.stat().st_mtime_ns // 1000):
            raise BeingWritten
        return Indexed(opened, segment.finalise(opened.progress.end_us))
    except (NotOurRecording, MalformedBox, struct.error, ArithmeticError, LookupError) as error:
        raise NotUsable(str(error)) from error
    finally:
        file.close()
