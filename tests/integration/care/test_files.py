"""Single files can be looked at and deleted by their paths, in the folders of recordings and nowhere else."""

from pathlib import Path

import pytest

from tests.cameras import camera
from tests.rig.care import Keeping
from tests.rig.finished import SIZE, media_files, rows_and_files_agree

pytestmark = pytest.mark.anyio


async def test_a_file_is_looked_at_and_deleted_with_its_recording(kept: Keeping) -> None:
    await kept.keep(2)
    first, second = media_files(kept.nvr.root)
    facts = await kept.get("/files/check", path=first)
    assert facts == {"exists": True, "size": SIZE, "mtime": int(first.stat().st_mtime)}
    answer = await kept.client.delete("/api/recordings/files", params={"path": str(first)})
    assert (answer.status_code, answer.json()) == (200, {"success": True, "existed": True})
    assert media_files(kept.nvr.root) == [second]
    assert await rows_and_files_agree(kept.database, kept.nvr.root)
    assert await kept.get("/files/check", path=first) == {"exists": False}
    again = await kept.client.delete("/api/recordings/files", params={"path": str(first)})
    assert again.json() == {"success": True, "existed": False}


async def test_a_file_without_a_recording_is_deleted_too(kept: Keeping) -> None:
    (kept.nvr.root / "mp4/old").mkdir(parents=True)
    stray = kept.nvr.root / "mp4/old/recording_20200101_000000.mp4"
    stray.write_bytes(b"stray")
    assert (await kept.client.delete("/api/recordings/files", params={"path": str(stray)})).json()["existed"] is True
    assert not stray.exists()


async def test_nothing_else_on_the_server_is_told_or_touched(kept: Keeping, tmp_path: Path) -> None:
    await kept.keep(1)
    root = kept.nvr.root
    (file,) = media_files(root)
    outside = tmp_path / "outside"
    outside.mkdir()
    secret = outside / "secret.mp4"
    secret.write_bytes(b"secret")
    folder = root / "mp4/links"
    folder.mkdir()
    (folder / "file.mp4").symlink_to(secret)
    (folder / "folder").symlink_to(outside)
    (folder / "inside.mp4").symlink_to(file)
    (folder / "directory.mp4").mkdir()
    (root / "mp4/shallow.mp4").write_bytes(b"")
    (root / "other").mkdir()
    (root / "other/x.mp4").write_bytes(b"")
    paths = [
        secret,
        tmp_path / "lightnvr.db",
        "/etc/passwd",
        "/etc/nothing",
        "etc/passwd",
        file.relative_to(root),
        f"{root}/mp4/../../outside/secret.mp4",
        f"{root}/mp4/links/../door/{file.name}",
        f"{root}/mp4/..",
        folder / "file.mp4",
        folder / "folder/secret.mp4",
        folder / "inside.mp4",
        folder / "directory.mp4",
        folder,
        root,
        root / "mp4/shallow.mp4",
        root / "other/x.mp4",
        root / ".lightnvr-storage",
        f"{file}\0",
        "",
        "x" * 5000,
    ]
    before = {path: path.read_bytes() for path in (secret, file, root / "mp4/shallow.mp4", root / "other/x.mp4")}
    for path in paths:
        for method, place in (("GET", "/files/check"), ("DELETE", "/files")):
            said = await kept.refused(method, place, params={"path": str(path)})
            assert said.startswith("path "), (path, said)
    assert {path: path.read_bytes() for path in before} == before
    assert (folder / "inside.mp4").is_symlink()
    assert await kept.refused("GET", "/files/check") == "path is missing"


async def test_what_is_protected_or_being_written_stays(kept: Keeping) -> None:
    (recording_id,) = await kept.keep(1, protected=True)
    (file,) = media_files(kept.nvr.root)
    refused = await kept.client.delete("/api/recordings/files", params={"path": str(file)})
    assert (refused.status_code, "protected" in refused.json()["error"]) == (409, True)
    assert await kept.listed() == [recording_id]
    async with camera() as cam:
        stream = await kept.nvr.add(cam.url)
        rows = await stream.has_recordings(bool, "a recording that is being written")
        path = rows[0]["file_path"]
        assert (await kept.get("/files/check", path=path))["exists"] is True
        refused = await kept.client.delete("/api/recordings/files", params={"path": path})
        assert (refused.status_code, "being written" in refused.json()["error"]) == (409, True)
        assert (await kept.get("/files/check", path=path))["exists"] is True
