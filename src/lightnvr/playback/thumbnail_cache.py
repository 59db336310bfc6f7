"""Thumbnails on the disk, no more of them than fit in a bound."""

import contextlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

_SUFFIX = ".jpg"
_UNFINISHED = ".new"


class ThumbnailCache:
    """A folder of pictures. The ones that were not asked for longest go first. Thread-safe. Blocks: for worker threads.

    A folder that cannot be written costs time, not pictures: they are made again.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._sizes: OrderedDict[str, int] | None = None
        self._total = 0

    def read(self, name: str) -> bytes | None:
        """Return a picture, None when it is not there."""
        with self._lock:
            sizes = self._known()
            if name not in sizes:
                return None
            sizes.move_to_end(name)
            try:
                return (self._folder / f"{name}{_SUFFIX}").read_bytes()
            except OSError:
                self._total -= sizes.pop(name)
                return None

    def keep(self, name: str, jpeg: bytes) -> None:
        """Keep a picture, and remove others when there are too many."""
        path = self._folder / f"{name}{_SUFFIX}"
        with self._lock:
            sizes = self._known()
            unfinished = path.with_suffix(_UNFINISHED)
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                # Never half of a picture, whatever happens.
                unfinished.write_bytes(jpeg)
                unfinished.replace(path)
            except OSError:
                with contextlib.suppress(OSError):
                    unfinished.unlink()
                return
            self._total += len(jpeg) - sizes.pop(name, 0)
            sizes[name] = len(jpeg)
            while self._total > self._max_bytes:
                self._remove(next(iter(sizes)))

    def remove(self, names: Iterable[str]) -> None:
        """Remove pictures that are of no use any more."""
        with self._lock:
            for name in names:
                if name in self._known():
                    self._remove(name)

    def names(self) -> list[str]:
        """Return the names of all pictures that are kept."""
        with self._lock:
            return list(self._known())

    def _remove(self, name: str) -> None:
        sizes = self._known()
        self._total -= sizes.pop(name)
        with contextlib.suppress(OSError):
            (self._folder / f"{name}{_SUFFIX}").unlink()

    def _known(self) -> OrderedDict[str, int]:
        if self._sizes is None:
            found: list[tuple[float, str, int]] = []
            with contextlib.suppress(OSError), os.scandir(self._folder) as entries:
                for entry in entries:
                    if entry.name.endswith(_UNFINISHED):
                        Path(entry.path).unlink()
                    elif entry.name.endswith(_SUFFIX):
                        status = entry.stat()
                        found.append((status.st_mtime, entry.name.removesuffix(_SUFFIX), status.st_size))
            self._sizes = OrderedDict((name, size) for _, name, size in sorted(found))
            self._total = sum(self._sizes.values())
        return self._sizes
