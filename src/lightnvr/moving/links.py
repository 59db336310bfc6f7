"""Giving files of the original a name in a storage of ours, without copying them."""

import errno
import itertools
import os
from pathlib import Path, PurePosixPath

from lightnvr.recording.layout import DirectoryFormat, recording_path
from lightnvr.recording.model import CaptureMethod
from lightnvr.recording.storage import Storage

_ELSEWHERE = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EACCES})


class Linker:
    """Makes hard links, and symbolic ones where the file system does not let it. Blocks."""

    def __init__(self, storage: Storage, directory_format: DirectoryFormat, *, pretend: bool) -> None:
        """With `pretend` nothing is made."""
        self.storage = storage
        self._format = directory_format
        self._pretend = pretend
        self.hard = 0
        self.symbolic = 0

    def link(self, file: Path, folder: str, start_us: int, method: CaptureMethod) -> PurePosixPath:
        """Give a file a name in the folder of a stream, and return it: the same one at each call. Raises OSError."""
        for attempt in itertools.count():
            path = recording_path(folder, start_us, method, self._format, attempt)
            target = self.storage.root / path
            if target.exists():
                if target.samefile(file):
                    return path
                continue
            if not target.is_symlink():
                self._make(file, target)
                return path
        raise AssertionError

    def _make(self, file: Path, target: Path) -> None:
        if self._pretend:
            self.hard += 1
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file, target)
            self.hard += 1
        except OSError as error:
            if error.errno not in _ELSEWHERE:
                raise
            target.symlink_to(file)
            self.symbolic += 1
