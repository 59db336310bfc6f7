"""A disk that loses what was not synced when the power goes, as disks do.

What was synced stays. Of what was written since, any subset of the pages may have reached the disk, each as it was at
any moment since; the size is any between the synced one and the written one. A name stays when its folder, and those
above it, were synced; otherwise it may be gone. A file that was deleted may come back until its folder is synced.
"""

import errno
import random
import threading
from pathlib import Path

_PAGE = 4096


class PowerFailed(OSError):
    """There is no power: nothing reaches the disk any more."""


class PowerCutDisk:
    """A Disk in memory, until the power goes at operation number `fails_at`; `cut` tells what is left then."""

    def __init__(self, root: Path, fails_at: int | None = None) -> None:
        self._root = root
        self._fails_at = fails_at
        self._lock = threading.Lock()
        self._files: dict[Path, _PowerCutFile] = {}
        self._deleted: dict[Path, _PowerCutFile] = {}
        self._names: dict[Path, bool] = {}
        """Every file and folder below the root, and whether its name was synced."""
        self.operations = 0

    @property
    def failed(self) -> bool:
        """Whether the power has gone."""
        return self._fails_at is not None and self.operations >= self._fails_at

    def operate(self) -> None:
        """Count an operation. Raises PowerFailed."""
        with self._lock:
            if not self.failed:
                self.operations += 1
            if self.failed:
                raise PowerFailed(errno.EIO, "Input/output error")

    def create(self, path: Path) -> "_PowerCutFile":
        """See Disk."""
        self.operate()
        if path in self._files:
            raise FileExistsError(errno.EEXIST, "File exists")
        for name in (path, *path.parents):
            if name == self._root:
                break
            self._names.setdefault(name, False)
        self._files[path] = _PowerCutFile(self)
        return self._files[path]

    def open(self, path: Path) -> "_PowerCutFile":
        """See Disk."""
        self.operate()
        if path not in self._files:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        return self._files[path]

    def sync_folder(self, path: Path) -> None:
        """See Disk."""
        self.operate()
        self._names = {name: synced or name.parent == path for name, synced in self._names.items()}
        self._deleted = {name: file for name, file in self._deleted.items() if name.parent != path}

    def remove(self, path: Path) -> bool:
        """See Disk."""
        self.operate()
        file = self._files.pop(path, None)
        if file is not None and self._names.pop(path):
            self._deleted[path] = file
        return file is not None

    def remove_folder(self, path: Path) -> bool:
        """See Disk. Folders stay."""
        self.operate()
        return False

    def cut(self, chance: random.Random) -> dict[Path, bytes]:
        """Return what may be on the disk after a power cut now; each call is another possibility."""
        kept = {name: synced or chance.random() < 0.5 for name, synced in self._names.items()}
        left: dict[Path, bytes] = {}
        for path, file in self._files.items():
            below = [name for name in (path, *path.parents) if name in kept]
            if all(kept[name] for name in below):
                left[path] = file.survive(chance)
        for path, file in self._deleted.items():
            if path not in left and chance.random() < 0.5:
                left[path] = file.survive(chance)
        return left


class _PowerCutFile:
    def __init__(self, disk: PowerCutDisk) -> None:
        self._disk = disk
        self._content = bytearray()
        self._synced_size = 0
        self._synced_pages: dict[int, bytes] = {}
        self._since: dict[int, list[bytes]] = {}
        """What each page held since it was synced."""
        self._sizes = [0]

    def write_at(self, offset: int, content: bytes) -> None:
        # Also in the moment in which the power goes a part may be written.
        if not self._disk.failed:
            if len(self._content) < offset:
                self._content.extend(bytes(offset - len(self._content)))
            self._content[offset : offset + len(content)] = content
            self._changed(offset, offset + len(content))
        self._disk.operate()

    def read_at(self, offset: int, size: int) -> bytes:
        return bytes(self._content[offset : offset + size])

    def size(self) -> int:
        return len(self._content)

    def truncate(self, size: int) -> None:
        self._disk.operate()
        before = len(self._content)
        del self._content[size:]
        self._content.extend(bytes(size - len(self._content)))
        if before != size:
            self._changed(min(size, before), max(size, before))

    def sync(self) -> None:
        self._disk.operate()
        self._synced_size = len(self._content)
        self._synced_pages.update({number: versions[-1] for number, versions in self._since.items()})
        self._since.clear()
        self._sizes = [self._synced_size]

    def close(self) -> None:
        """Nothing is synced by closing."""

    def survive(self, chance: random.Random) -> bytes:
        """Return what may be left of the content."""
        size = chance.choice((min(self._sizes), max(self._sizes), chance.randint(min(self._sizes), max(self._sizes))))
        likely = chance.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        left = bytearray(-(-size // _PAGE) * _PAGE)
        for number in range(-(-size // _PAGE)):
            page = self._synced_pages.get(number, b"")
            if number in self._since and chance.random() < likely:
                page = chance.choice((self._since[number][-1], chance.choice(self._since[number])))
            left[number * _PAGE : number * _PAGE + len(page)] = page
        return bytes(left[:size])

    def _changed(self, start: int, end: int) -> None:
        self._sizes.append(len(self._content))
        for number in range(start // _PAGE, -(-end // _PAGE)):
            page = bytes(self._content[number * _PAGE : (number + 1) * _PAGE])
            self._since.setdefault(number, []).append(page.ljust(_PAGE, b"\x00"))
