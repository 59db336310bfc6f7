"""A server that is killed while it deletes leaves rows and files that agree, and what is protected."""

import asyncio
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.rig.fake_time import NOON_US
from tests.rig.finished import keep, media_files
from tests.rig.recordings_database import recordings_database
from tests.rig.waiting import until
from tests.server_process import ADMIN_PASSWORD, COMMAND, ServerProcess

_KILLS = 5
_OLD = 450
_PROTECTED = 20
_UNTRACED = {"COVERAGE_PROCESS_CONFIG": ""}


async def _fill(data: Path) -> None:
    root = data / "recordings"
    async with recordings_database(data / "lightnvr.db") as database:
        await keep(database, root, _PROTECTED, stream="kept", protected=True)
        for camera in range(3):
            await keep(database, root, _OLD // 3, stream=f"cam{camera}", start_us=NOON_US)


def _listed(client: httpx.Client) -> set[Path]:
    answer = client.get("/api/recordings", params={"limit": "all"}).raise_for_status().json()
    return {Path(recording["file_path"]) for recording in answer["recordings"]}


@contextmanager
def _deleting(url: str, by: str) -> Iterator[None]:
    def clean() -> None:
        body = {"filter": {"end": "2100-01-01"}} if by.endswith("batch-delete") else None
        with suppress(httpx.TransportError):
            httpx.post(f"{url}{by}", json=body, auth=("admin", ADMIN_PASSWORD), timeout=60).raise_for_status()

    thread = threading.Thread(target=clean)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _wait_for_deletions(root: Path, enough: int) -> None:
    until(lambda: len(media_files(root)) <= enough, "some are deleted")


@pytest.mark.parametrize("by", ["/api/storage/cleanup", "/api/recordings/batch-delete"])
def test_a_kill_while_deleting_leaves_rows_and_files_that_agree(tmp_path: Path, by: str) -> None:
    data, chance = tmp_path / "data", random.Random(11)
    data.mkdir()
    asyncio.run(_fill(data))
    root = data / "recordings"
    (root / ".lightnvr-storage").touch()
    left = len(media_files(root))
    assert left == _OLD + _PROTECTED
    for _ in range(_KILLS):
        with ServerProcess([COMMAND, "serve"], tmp_path, _UNTRACED) as server:
            with server.client() as client:
                until(lambda: _listed(client) == set(media_files(root)), "rows and files agree")
            with _deleting(server.url, by):
                _wait_for_deletions(root, left - chance.randint(5, 60))
                server.kill()
            left = len(media_files(root))
    with ServerProcess([COMMAND, "serve"], tmp_path) as server, server.client() as client:
        until(lambda: _listed(client) == set(media_files(root)), "rows and files agree")
        assert len(media_files(root)) > _PROTECTED
        while not (answer := client.post("/api/storage/cleanup").raise_for_status().json())["finished"]:
            pass
        assert answer["failed_count"] == 0
        assert _listed(client) == set(media_files(root))
        assert len(media_files(root)) == _PROTECTED
        protected = client.get("/api/recordings/protected").raise_for_status().json()
        assert protected["protected_count"] == _PROTECTED


def test_nothing_is_deleted_while_the_storage_is_unplugged(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    asyncio.run(_fill(data))
    root, away = data / "recordings", tmp_path / "away"
    (root / ".lightnvr-storage").touch()
    root.rename(away)
    root.mkdir()
    with ServerProcess([COMMAND, "serve"], tmp_path) as server, server.client() as client:
        answer = client.post("/api/storage/cleanup", json={"aggressive": True}).raise_for_status().json()
        assert answer["deleted_count"] == 0
        state = client.get("/api/storage/health").raise_for_status().json()
        assert state["pressure_level"] == "Unknown"
        assert "mount its disk" in state["error"]
        recording = client.get("/api/recordings", params={"limit": 1}).json()["recordings"][0]["id"]
        refused = client.delete(f"/api/recordings/{recording}")
        assert refused.status_code == 503
        assert "mount its disk" in refused.json()["error"]
        assert client.get("/api/recordings").json()["pagination"]["total"] == _OLD + _PROTECTED
        root.rmdir()
        away.rename(root)
        assert client.delete(f"/api/recordings/{recording}").is_success
        assert _listed(client) == set(media_files(root))
