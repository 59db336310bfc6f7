"""/api/system/backup, /backups, /api/system/restore and /api/setup/status."""

import io
import re
import zipfile
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from lightnvr.backup.model import Contents
from lightnvr.backup.replacing import is_replacing
from tests.integration.api.running import RunningApi


def _make(client: httpx.Client) -> dict[str, Any]:
    made: dict[str, Any] = client.post("/api/system/backup").raise_for_status().json()
    return made


def test_a_backup_is_made_listed_downloaded_and_deleted(api: RunningApi) -> None:
    with api.client() as client:
        assert client.get("/api/system/backups").json()["backups"] == []
        made = _make(client)
        assert re.fullmatch(r"lightnvr_backup_\d{8}_\d{6}_manual_[0-9a-f]{16}\.zip", made["filename"])
        assert (made["success"], made["message"]) == (True, "Backup created successfully")
        assert made["backupUrl"] == f"/backups/{made['filename']}"
        listed = client.get("/api/system/backups").json()
        (item,) = listed["backups"]
        assert (item["filename"], item["url"], item["reason"]) == (made["filename"], made["backupUrl"], "manual")
        assert (item["size_bytes"], item["created_at_unix"]) == (made["size_bytes"], int(api.clock()))
        assert (listed["database_included"], listed["problems"]) == (True, [])

        whole = client.get(made["backupUrl"])
        assert whole.headers["content-type"] == "application/zip"
        assert made["filename"] in whole.headers["content-disposition"]
        assert "lightnvr.db" in zipfile.ZipFile(io.BytesIO(whole.content)).namelist()
        part = client.get(made["backupUrl"], headers={"Range": "bytes=0-3"})
        assert (part.status_code, part.content) == (206, b"PK\x03\x04")
        assert client.head(made["backupUrl"]).headers["content-length"] == str(item["size_bytes"])

        assert client.delete(f"/api/system/backups/{made['filename']}").json() == {"success": True}
        for gone in (client.delete(f"/api/system/backups/{made['filename']}"), client.get(made["backupUrl"])):
            assert (gone.status_code, gone.json()) == (404, {"error": "Backup not found"})


def test_nothing_else_can_be_reached_where_backups_are(api: RunningApi, tmp_path: Path) -> None:
    with api.client() as client:
        made = _make(client)
        folder = tmp_path / "backups"
        (folder / "notes.txt").write_text("secret")
        for name in ("notes.txt", "..%2Fsecret.key", "%2e%2e%2fsecret.key", "..%252Fsecret.key", "%00", "x" * 300):
            answer = client.get(f"/backups/{name}")
            assert answer.status_code in {400, 404}, name
            assert "error" in answer.json()
        folder.joinpath(made["filename"]).rename(tmp_path / "elsewhere.zip")
        folder.joinpath(made["filename"]).symlink_to(tmp_path / "secret.key")
        assert client.get(made["backupUrl"]).status_code == 404
    with api.client(None) as nobody:
        assert nobody.get(made["backupUrl"]).status_code == 401


def test_a_backup_that_cannot_be_made_is_said(api: RunningApi, tmp_path: Path) -> None:
    (tmp_path / "backups").write_text("a file where the folder should be")
    with api.client() as client:
        for answer in (client.post("/api/system/backup"), client.get("/api/system/backups")):
            assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
            assert "backups" in answer.json()["error"]
    assert "The backup could not be made" in api.services.backups.problems()[0]


def test_postgresql_is_backed_up_with_its_own_tools(api: RunningApi) -> None:
    backups = api.services.backups
    backups._contents = Contents(None, backups._contents.files)  # noqa: SLF001
    with api.client() as client:
        made = _make(client)
        assert "pg_dump" in made["message"]
        assert client.get("/api/system/backups").json()["database_included"] is False
        names = zipfile.ZipFile(io.BytesIO(client.get(made["backupUrl"]).content)).namelist()
    assert names == ["secret.key", "manifest.json"]


def test_restoring_says_first_what_it_does_and_waits_for_a_restart(api: RunningApi, tmp_path: Path) -> None:
    with api.client() as client:
        client.post("/api/streams", json={"name": "Front Door", "url": "rtsp://192.0.2.1/x"}).raise_for_status()
        filename = _make(client)["filename"]
        told = client.post("/api/system/restore", json={"filename": filename}).raise_for_status().json()
        assert (told["prepared"], told["restart_required"]) == (False, False)
        assert told["rows"]["streams"] == 1
        assert {(file["role"], file["path"], file["replaces"]) for file in told["files"]} == {
            ("database", str(tmp_path / "lightnvr.db"), True),
        }
        assert not is_replacing(tmp_path)

        done = client.post("/api/system/restore", json={"filename": filename, "confirm": True}).raise_for_status()
        assert (done.json()["prepared"], done.json()["restart_required"]) == (True, True)
        assert is_replacing(tmp_path)
        assert client.get("/api/streams").is_success
        assert client.delete("/api/system/restore").json() == {"success": True}
        assert client.delete("/api/system/restore").json() == {"success": True}
        assert not is_replacing(tmp_path)
        assert not [path for path in tmp_path.iterdir() if path.name.endswith(".restoring")]


def test_what_cannot_be_restored_is_a_sentence(api: RunningApi, tmp_path: Path) -> None:
    with api.client() as client:
        missing = client.post("/api/system/restore", json={"filename": "../lightnvr.db", "confirm": True})
        assert (missing.status_code, missing.json()) == (404, {"error": "Backup not found"})
        path = tmp_path / "backups" / _make(client)["filename"]
        path.write_bytes(path.read_bytes()[:-500])
        for confirm in (False, True):
            torn = client.post("/api/system/restore", json={"filename": path.name, "confirm": confirm})
            assert torn.status_code == 409
            assert "is no backup of LightNVR, or is damaged" in torn.json()["error"]
    assert not is_replacing(tmp_path)


def test_what_is_done_with_backups_is_in_the_audit_log(api: RunningApi) -> None:
    with api.client() as client:
        filename = _make(client)["filename"]
        client.get(f"/backups/{filename}").raise_for_status()
        for confirm in (False, True):
            body = {"filename": filename, "confirm": confirm}
            client.post("/api/system/restore", json=body).raise_for_status()
        entries = client.get("/api/audit").json()["entries"]
    assert [(entry["action"], entry["target"], entry["detail"]) for entry in reversed(entries)] == [
        ("make backup", filename, ""),
        ("download backup", filename, ""),
        ("restore backup", filename, "only asked"),
        ("restore backup", filename, "prepared"),
    ]


def test_the_first_steps_are_shown_until_they_were_taken(api: RunningApi) -> None:
    with api.client() as client, api.client(None) as nobody:

        def states() -> tuple[object, object]:
            return nobody.get("/api/setup/status").json(), client.get("/api/setup/status").json()

        assert states() == ({"complete": False}, {"complete": False, "setup_completed_at": 0})
        assert nobody.post("/api/setup/status", json={"complete": True}).status_code == 401
        assert client.post("/api/setup/status").json() == {"success": True}
        at = int(api.clock())
        assert states() == ({"complete": True}, {"complete": True, "setup_completed_at": at})
        client.post("/api/setup/status", json={"complete": False}).raise_for_status()
        assert states() == ({"complete": False}, {"complete": False, "setup_completed_at": at})
        assert client.post("/api/setup/status", json={"complete": "perhaps"}).status_code == 400


def test_an_installation_with_cameras_needs_no_first_steps(api: RunningApi) -> None:
    with api.client() as client:
        client.post("/api/streams", json={"name": "Front Door", "url": "rtsp://192.0.2.1/x"}).raise_for_status()
        assert client.get("/api/setup/status").json() == {"complete": True, "setup_completed_at": 0}
