"""A backup that cannot be made is seen by whoever watches the server."""

from pathlib import Path

import pytest

from tests.cameras import camera
from tests.rig.nvr import running_nvr

pytestmark = pytest.mark.anyio


async def test_a_failed_backup_is_a_problem_until_one_succeeds(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.write_text("a file where the folder should be")
    async with running_nvr(tmp_path) as nvr, camera() as cam:
        stream = await nvr.add(cam.url)
        await stream.connected()
        assert (await nvr.client.post("/api/system/backup")).status_code == 503
        health = await nvr.get("/api/health")
        assert health["status"] == "degraded"
        assert [problem for problem in health["problems"] if problem.startswith("The backup could not be made")]

        folder.unlink()
        assert (await nvr.client.post("/api/system/backup")).status_code == 200
        assert not [problem for problem in (await nvr.get("/api/health"))["problems"] if "backup" in problem]
        assert stream.status.dropped_packets == 0
