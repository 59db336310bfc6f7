"""Cleaning up concerns every stream that has recordings, and nothing but recordings."""

import time
from pathlib import Path

import pytest

from lightnvr.db.engine import database_url, open_database
from tests.rig.fake_time import NOON_US
from tests.rig.finished import keep, media_files
from tests.rig.nvr import running_nvr

pytestmark = pytest.mark.anyio


async def test_streams_that_are_disabled_deleted_or_the_hundredth_are_aged_like_the_others(tmp_path: Path) -> None:
    names = ["disabled", "own rules", *(f"deleted {number}" for number in range(100))]
    async with running_nvr(tmp_path, retention_days=7) as nvr:
        await nvr.add("rtsp://127.0.0.1:1/none", name="disabled", enabled=False)
        await nvr.add("rtsp://127.0.0.1:1/none", name="own rules", enabled=False, retention_days=0)
        database = open_database(database_url("", nvr.settings.database.path))
        try:
            young_us = (int(time.time()) - 86_400) * 10**6
            old = {name: (await keep(database, nvr.root, 1, stream=name, start_us=NOON_US))[0] for name in names}
            young = {name: (await keep(database, nvr.root, 1, stream=name, start_us=young_us))[0] for name in names}
            answer = await nvr.client.post("/api/storage/cleanup", json={"aggressive": False})
            assert answer.status_code == 200, answer.text
        finally:
            await database.close()
        listed = await nvr.get("/api/recordings", limit="all")
        assert {row["id"] for row in listed["recordings"]} == {*young.values(), old["own rules"]}


async def test_files_that_are_no_recordings_are_never_touched_whatever_the_pressure(tmp_path: Path) -> None:
    # More than any disk has free: everything that may go has to go.
    async with running_nvr(tmp_path, auto_delete_oldest=True, min_free_pct=50, retention_days=7) as nvr:
        root = nvr.root
        strangers = {
            root / "mp4" / "door" / "2020" / "01" / "01" / "recording_20200101_000000.mp4": b"in no list",
            root / "mp4" / "holiday.mp4": b"a film",
            root / "old" / "model.onnx": b"a model",
            root / "database.bak": b"a copy",
        }
        for path, content in strangers.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        database = open_database(database_url("", nvr.settings.database.path))
        try:
            await keep(database, root, 3, start_us=NOON_US)
        finally:
            await database.close()
        answer = await nvr.client.post("/api/storage/cleanup", json={"aggressive": True})
        assert answer.status_code == 200, answer.text
        assert (await nvr.get("/api/recordings"))["pagination"]["total"] == 0
        assert {path: path.read_bytes() for path in strangers} == strangers
        assert set(media_files(root)) == {path for path in strangers if path.suffix == ".mp4"}
