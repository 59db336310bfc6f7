"""What is listed and what is on the disk are compared, both ways, and nothing is deleted by mistake."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.cameras import camera
from tests.rig.nvr import Nvr, Row, WatchedStream, running_nvr
from tests.rig.recorded import recorded_numbers

pytestmark = pytest.mark.anyio

_COUNTS = ("added", "updated", "missing", "returned", "skipped", "failed", "uncertain")


@asynccontextmanager
async def _recorded(folder: Path) -> AsyncIterator[tuple[Nvr, WatchedStream, Row]]:
    """A server with one finished recording of a real camera."""
    async with running_nvr(folder) as nvr, camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        await stream.has_recordings(lambda rows: len(rows) == 1 and rows[0]["duration"] >= 2, "a recording")
        (row,) = await stream.stopped()
        yield nvr, stream, row


def _move(path: Path, to: Path) -> None:
    path.rename(to)


def _cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


def _size(path: Path) -> int:
    return path.stat().st_size


async def _sync(nvr: Nvr) -> Row:
    answer = await nvr.client.post("/api/recordings/sync", params={"wait": 30})
    assert answer.status_code == 200, answer.text
    done: Row = answer.json()
    assert (done["success"], done["state"]) == (True, "complete"), done
    assert await nvr.get("/api/recordings/sync") == done
    return done


async def _changes(nvr: Nvr) -> Row:
    done = await _sync(nvr)
    return {name: done[name] for name in _COUNTS if done[name]}


async def test_a_recording_whose_file_is_gone_is_marked_and_found_again(tmp_path: Path) -> None:
    async with _recorded(tmp_path) as (nvr, stream, row):
        assert await _changes(nvr) == {}
        path, aside = Path(row["file_path"]), tmp_path / "aside.mp4"
        _move(path, aside)
        assert await _changes(nvr) == {"missing": 1}
        assert await _changes(nvr) == {}
        (marked,) = await stream.recordings()
        assert marked == row | {"damaged": "The file is missing.", "size": "0 B", "size_bytes": 0}
        assert (await nvr.client.get(f"/api/recordings/play/{row['id']}")).status_code == 404
        span = {"stream": stream.name, "start": str(row["start_time_unix"]), "end": str(row["end_time_unix"] + 1)}
        assert (await nvr.client.get("/api/timeline/manifest", params=span)).status_code == 404
        _move(aside, path)
        assert await _changes(nvr) == {"returned": 1}
        assert await stream.recordings() == [row]
        assert (await nvr.client.get("/api/timeline/manifest", params=span)).status_code == 200


async def test_a_folder_or_a_marker_that_is_gone_changes_nothing(tmp_path: Path) -> None:
    async with _recorded(tmp_path) as (nvr, stream, row):
        folder = nvr.root / "mp4" / stream.folder
        for gone in (folder, nvr.root / "mp4"):
            gone.rename(tmp_path / "aside")
            assert await _changes(nvr) == {"uncertain": 1}
            assert await stream.recordings() == [row]
            (tmp_path / "aside").rename(gone)
        nvr.root.rename(tmp_path / "aside")
        nvr.root.mkdir()
        done = await _sync(nvr)
        assert done["unavailable"] == ["main"]
        assert done["message"] == "Recording sync complete; not there, and left alone: main"
        assert {done[name] for name in _COUNTS} == {0}
        assert await stream.recordings() == [row]
        assert list(nvr.root.iterdir()) == []


async def test_what_is_no_recording_of_ours_is_left_as_it_is(tmp_path: Path) -> None:
    async with _recorded(tmp_path) as (nvr, stream, row):
        folder = Path(row["file_path"]).parent
        strangers = {
            folder / "recording_20260801_100000.mp4": b"not a film at all",
            folder / "recording_20260801_110000.mp4": b"",
            folder / "holiday.mp4": b"not ours",
            folder / "notes.txt": b"not ours either",
            nvr.root / "recording_20260801_120000.mp4": b"above the recordings",
        }
        for path, content in strangers.items():
            path.write_bytes(content)
        link = folder / "recording_20260801_130000.mp4"
        link.symlink_to(row["file_path"])
        assert await _changes(nvr) == {"skipped": 2}
        assert {path: path.read_bytes() for path in strangers} == strangers
        assert link.is_symlink()
        assert await stream.recordings() == [row]


async def test_a_file_that_comes_from_elsewhere_is_listed_with_what_it_says_of_itself(tmp_path: Path) -> None:
    async with _recorded(tmp_path) as (nvr, stream, row):
        copy = nvr.root / "mp4" / "from a backup" / "recording_20200101_000000.mp4"
        copy.parent.mkdir()
        shutil.copyfile(row["file_path"], copy)
        assert await _changes(nvr) == {"added": 1}
        first, second = await stream.recordings()
        assert {first["file_path"], second["file_path"]} == {row["file_path"], str(copy)}
        assert second == first | {"id": second["id"], "file_path": second["file_path"]}
        assert await _changes(nvr) == {}


async def test_a_file_that_was_cut_off_is_finished_again_and_its_row_says_so(tmp_path: Path) -> None:
    async with _recorded(tmp_path) as (nvr, stream, row):
        path = Path(row["file_path"])
        pictures = len(recorded_numbers(path))
        _cut(path)
        assert await _changes(nvr) == {"updated": 1}
        (now,) = await stream.recordings()
        assert now["size_bytes"] == _size(path)
        assert now["start_time"] == row["start_time"]
        assert 0 < len(recorded_numbers(path)) < pictures
        assert await _changes(nvr) == {}


async def test_what_is_being_written_is_left_alone(tmp_path: Path) -> None:
    async with running_nvr(tmp_path) as nvr, camera() as cam:
        stream = await nvr.add(cam.url)
        await nvr.cut_every(1, stream)
        await stream.connected()
        for _ in range(20):
            assert await _changes(nvr) == {}
        await stream.has_recordings(lambda rows: len(rows) >= 3, "some recordings")
        assert await _changes(nvr) == {}
        parts = await stream.footage()
        numbers = [number for part in parts for number in part.numbers]
        assert None not in numbers
        assert await _changes(nvr) == {}
