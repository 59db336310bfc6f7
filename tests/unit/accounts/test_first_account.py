"""Files that only their owner may read are there whole, or as they were."""

import os
import stat
from pathlib import Path

import pytest

from lightnvr.accounts.first_account import write_private


def test_a_file_is_private_and_replaces_what_was_there(tmp_path: Path) -> None:
    other, path = tmp_path / "other", tmp_path / "folder" / "secret"
    other.write_text("stays")
    write_private(path, "first")
    path.unlink()
    path.symlink_to(other)
    write_private(path, "second")
    assert (path.read_text(), path.is_symlink(), other.read_text()) == ("second", False, "stays")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_disk_that_is_full_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    write_private(path, "first")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_private(path, "second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]
