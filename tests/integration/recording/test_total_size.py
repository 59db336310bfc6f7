"""What all recordings may take together, as an administrator sets it."""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import anyio

from tests.rig.film import Recipe
from tests.rig.made_recordings import Part, make_recordings
from tests.server_process import COMMAND, ServerProcess

_SIZE = 400_000_000


def test_the_oldest_go_when_all_together_take_more_than_they_may(tmp_path: Path) -> None:
    began_s = int(time.time()) - 5000
    parts = [Part(began_s + 1000 * number, Recipe(seconds=2)) for number in range(4)]
    anyio.run(make_recordings, tmp_path / "data", "door", parts)
    _enlarge(tmp_path / "data")
    environment = {"LIGHTNVR_STORAGE_AUTO_DELETE_OLDEST": "true", "LIGHTNVR_STORAGE_MIN_FREE_PCT": "0"}
    with ServerProcess([COMMAND, "serve"], tmp_path, environment) as server, server.client() as admin:
        before = admin.get("/api/recordings").json()["recordings"]
        assert [row["size_bytes"] for row in before] == [_SIZE] * 4
        for wrong in (500, 999_999_999, -1, 2**63, "1000000000"):
            refused = admin.post("/api/settings", json={"max_storage_size": wrong})
            assert refused.status_code == 400, wrong
            assert "max_storage_size must be 0 or a whole number from 1000000000" in refused.json()["error"]
        # More than fits into 32 bits.
        admin.post("/api/settings", json={"max_storage_size": 3_000_000_000}).raise_for_status()
        assert admin.get("/api/settings").json()["max_storage_size"] == 3_000_000_000
        assert admin.post("/api/storage/cleanup").json()["deleted_count"] == 0

        admin.post("/api/settings", json={"max_storage_size": 1_000_000_000}).raise_for_status()
        # Perhaps the keeper was quicker.
        admin.post("/api/storage/cleanup").raise_for_status()
        assert admin.get("/api/storage/health").json()["deleted"] == {"age": 0, "quota": 0, "total": 2, "space": 0}
        left = admin.get("/api/recordings").json()["recordings"]
        assert [row["id"] for row in left] == [row["id"] for row in before[:2]]


def _enlarge(data_dir: Path) -> None:
    """Let the recordings take as much as many hours would, on the list and, sparsely, on the disk."""
    with closing(sqlite3.connect(data_dir / "lightnvr.db")) as database, database:
        database.execute("UPDATE recordings SET size_bytes = ?", (_SIZE,))
        database.execute("UPDATE recording_days SET size_bytes = recordings * ?", (_SIZE,))
        paths = [path for (path,) in database.execute("SELECT path FROM recordings")]
    for path in paths:
        os.truncate(data_dir / "recordings" / path, _SIZE)
