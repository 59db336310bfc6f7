"""A disk that is not mounted is not an empty disk."""

from pathlib import Path, PurePosixPath

import pytest

from lightnvr.recording.open_recordings import OpenRecordings
from lightnvr.recording.storage import Storage, StorageUnavailable
from tests.rig.film import Recipe
from tests.rig.segments import write


def test_a_storage_is_known_by_its_marker(tmp_path: Path) -> None:
    storage = Storage(1, "main", tmp_path / "a" / "b")
    with pytest.raises(StorageUnavailable, match="mount its disk"):
        storage.check()
    storage.adopt()
    storage.check()
    storage.adopt()
    assert storage.free_bytes() > 0
    next(storage.root.iterdir()).unlink()
    with pytest.raises(StorageUnavailable, match="touch"):
        storage.check()


def test_a_root_that_is_no_folder_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnavailable):
        Storage(1, "main", tmp_path / "file").check()
    with pytest.raises(OSError, match="exists"):
        Storage(1, "main", tmp_path / "file").adopt()


def test_open_recordings_are_found_by_their_file() -> None:
    opened, recording = OpenRecordings(), write(Recipe(seconds=1)).segment.recording
    path = recording.facts.path
    assert opened.find(1, path) is None
    opened.add(recording)
    assert opened.find(1, path) is recording
    assert opened.find(2, path) is None
    assert opened.find(1, PurePosixPath("mp4/other.mp4")) is None
    for found in opened:
        opened.remove(found)
    assert list(opened) == []
    opened.remove(recording)
