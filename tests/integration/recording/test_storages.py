"""Each stream is recorded to the storage that it names, and goes over to another one without a gap."""

from pathlib import Path

import pytest

from tests.cameras import camera
from tests.rig.footage import assert_sent
from tests.rig.nvr import WatchedStream, running_nvr
from tests.rig.recorded import recorded_numbers

pytestmark = pytest.mark.anyio


async def test_a_stream_is_recorded_where_it_says_and_moves_while_it_is_recorded(tmp_path: Path) -> None:
    paths = f"archive={tmp_path / 'archive'}, nas={tmp_path / 'nas'}"
    async with running_nvr(tmp_path / "data", paths=paths) as nvr, camera() as first, camera() as second:
        stays = await nvr.add(first.url)
        moves = await nvr.add(second.url, storage="archive")
        assert (await moves.view())["storage"] == "archive"
        for stream, storage in ((stays, "main"), (moves, "archive")):
            await stream.connected()
            (row,) = await stream.has_recordings(lambda rows: len(rows) == 1 and rows[0]["duration"] >= 1, "one")
            assert (row["storage"], row["offline"]) == (storage, False)
        await moves.change(storage="nas")
        await moves.has_recordings(lambda rows: len(rows) == 2 and rows[1]["duration"] >= 1, "another")
        await moves.change(enabled=False)
        rows = await moves.has_recordings(lambda rows: all(row["complete"] for row in rows), "finished")
        assert [row["storage"] for row in rows] == ["archive", "nas"]
        assert [Path(row["file_path"]).is_relative_to(tmp_path / row["storage"]) for row in rows] == [True, True]
        assert rows[0]["end_time"] == rows[1]["start_time"]
        assert_sent([n for row in rows for n in recorded_numbers(Path(row["file_path"]))], second.frames_sent)
        for row in rows:
            assert (await nvr.client.get(f"/api/recordings/play/{row['id']}")).status_code == 200
        health = await nvr.get("/api/storage/health")
        assert [(each["name"], each["online"], each["error"]) for each in health["storages"]] == [
            ("main", True, ""),
            ("archive", True, ""),
            ("nas", True, ""),
        ]
        refused = await nvr.client.put(moves.path, json={"storage": "attic"})
        assert refused.status_code == 400
        assert refused.json() == {"error": "storage must be the name of a storage in the settings, or empty"}


async def test_what_is_on_a_storage_that_is_not_in_the_settings_any_more_stays_listed(tmp_path: Path) -> None:
    async with camera() as cam:
        async with running_nvr(tmp_path / "data", paths=f"old={tmp_path / 'old'}") as nvr:
            stream = await nvr.add(cam.url, storage="old")
            await stream.connected()
            await stream.has_recordings(lambda rows: len(rows) == 1 and rows[0]["duration"] >= 1, "one")
        async with running_nvr(tmp_path / "data") as nvr:
            (row, *_) = (await nvr.get("/api/recordings", order="asc"))["recordings"]
            assert (row["storage"], row["offline"]) == ("old", False)
            assert (await nvr.client.get(f"/api/recordings/play/{row['id']}")).status_code == 200
            (listed,) = (await nvr.get("/api/streams"))["streams"]
            assert listed["storage"] == "old"
            changed = await nvr.client.put(f"/api/streams/{listed['id']}", json={"retention_days": 3})
            assert changed.status_code == 200
            again = WatchedStream(nvr, listed)
            rows = await again.has_recordings(lambda rows: len(rows) >= 2, "another")
            assert rows[-1]["storage"] == "main"
