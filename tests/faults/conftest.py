"""File systems that a test may fill, take away and give back."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

_SIZE = 24 * 1024 * 1024


class SmallDisk:
    """A file system of 24 MiB in memory, to be seen in the folder `path` while it is mounted."""

    def __init__(self, folder: Path) -> None:
        self._content = folder / "content"
        self.path = folder / "disk"
        for made in (self._content, self.path):
            made.mkdir()
        _run("mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", self._content)

    def mount(self, *, read_only: bool = False) -> None:
        """Show it."""
        _run("mount", "--bind", self._content, self.path)
        if read_only:
            _run("mount", "-o", "remount,bind,ro", self.path)

    def make_writable(self) -> None:
        """What was mounted to be read only can be written."""
        _run("mount", "-o", "remount,bind,rw", self.path)

    def take_away(self) -> None:
        """The folder is empty from now on, as that of a disk which was pulled out."""
        _run("umount", "--lazy", self.path)

    def remove(self) -> None:
        """Leave nothing mounted."""
        if self.path.is_mount():
            self.take_away()
        _run("umount", "--lazy", self._content)


def _run(*words: str | Path) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True)


@pytest.fixture
def unmounted_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A small disk that is not mounted yet."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    try:
        disk = SmallDisk(tmp_path)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this machine does not let root mount a small file system: {error.stderr.strip()}")
    try:
        yield disk
    finally:
        disk.remove()


@pytest.fixture
def small_disk(unmounted_disk: SmallDisk) -> Path:
    """The folder of a small disk that is mounted."""
    unmounted_disk.mount()
    return unmounted_disk.path
