"""What somebody tries who knows the server well: ways around roles, restrictions, limits and the audit log."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from lightnvr.accounts.limiter import LimiterRules
from tests.integration.api.running import PASSWORD, RunningApi, running_api
from tests.integration.api.test_audit import entries
from tests.integration.api.test_users import logged_in
from tests.rig.authenticator import enrol
from tests.rig.waiting import until

EDITOR = {"username": "editor", "password": PASSWORD}
CAMERA = "rtsp://192.0.2.1/"
UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


def limited_to(api: RunningApi, tags: str) -> None:
    with api.client() as admin:
        admin.put("/api/auth/users/2", json={"allowed_tags": tags}).raise_for_status()


def test_a_new_stream_does_not_open_recordings_of_one_that_was_deleted(api: RunningApi) -> None:
    limited_to(api, "outdoor")
    recording = api.recordings.add("Bedroom", b"0123456789")
    with api.client("editor") as editor, api.client() as admin:
        made = editor.post("/api/streams", json={"name": "Bedroom", "url": CAMERA, "tags": "outdoor"})
        assert made.status_code == 403
        assert "Choose another name" in made.json()["error"]
        assert editor.get(f"/api/recordings/{recording.id}").status_code == 404
        assert editor.post("/api/streams", json={"name": "Gate", "url": CAMERA, "tags": "outdoor"}).status_code == 201
        admin.post("/api/streams", json={"name": "Bedroom", "url": CAMERA}).raise_for_status()
        # That a name is taken is told as ever.
        made = editor.post("/api/streams", json={"name": "Bedroom", "url": CAMERA, "tags": "outdoor"})
        assert made.status_code == 409


def test_another_name_gives_no_more_tries_at_codes(api: RunningApi) -> None:
    with api.client() as admin, api.client("editor") as editor:
        app, _ = enrol(admin, 2, api.clock)
        for _ in range(5):
            assert editor.post("/api/auth/users/2/totp/disable", json={"code": app.wrong()}).status_code == 401
        editor.put("/api/auth/users/2", json={"username": "somebody else"}).raise_for_status()
        assert editor.post("/api/auth/users/2/totp/disable", json={"code": app.wrong()}).status_code == 429
        assert admin.post("/api/auth/users/2/login-lockout/clear").json()["cleared"] is True
        api.clock.seconds += 30
        assert editor.post("/api/auth/users/2/totp/disable", json={"code": app.code()}).status_code == 200


def test_codes_that_come_at_once_are_five_tries_too(tmp_path: Path) -> None:
    with running_api(tmp_path, rules=LimiterRules(False, 5, 300)) as api, api.client() as admin:
        app, _ = enrol(admin, 2, api.clock)
        with api.client(None) as client:
            token = client.post("/api/auth/login", json=EDITOR).json()["totp_token"]
        body = {"totp_token": token, "code": app.wrong()}

        def guess(_: int) -> str:
            error: str = httpx.post(f"{api.url}/api/auth/login/totp", json=body, timeout=30).json()["error"]
            return error

        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(guess, range(60)))
        assert answers.count("Invalid TOTP code") == 5


def test_basic_tells_nobody_that_a_password_is_right_where_a_code_is_needed(api: RunningApi) -> None:
    with api.client() as admin, api.client(None) as client:
        enrol(admin, 2, api.clock)
        answers = [client.get("/api/streams", auth=("editor", PASSWORD)).status_code for _ in range(6)]
    # As with a wrong one: each counts, and each is kept.
    assert answers == [401] * 5 + [429]
    assert entries(api, actor="editor") == [("editor", "log in", "", "refused")] * 5


def test_who_gave_a_wrong_code_is_kept(api: RunningApi) -> None:
    with api.client() as admin, api.client(None) as client:
        app, _ = enrol(admin, 2, api.clock)
        token = client.post("/api/auth/login", json=EDITOR).json()["totp_token"]
        client.post("/api/auth/login/totp", json={"totp_token": token, "code": app.wrong()})
        client.post("/api/auth/login/totp", json={"totp_token": "none", "code": app.wrong()})
        rows = admin.get("/api/audit", params={"action": "log in with code"}).json()["entries"]
    assert [(row["actor"], row["outcome"]) for row in reversed(rows)] == [("editor", "refused"), ("", "refused")]
    assert rows[1]["detail"] == "wrong code"


def test_strangers_do_not_fill_the_audit_log(api: RunningApi) -> None:
    with api.client(None) as stranger:
        for number in range(20):
            stranger.delete(f"/api/streams/{number}")
            stranger.post("/api/auth/logout")
            stranger.post("/api/auth/login", content=b"{")
            stranger.post("/api/auth/login/totp", json={"totp_token": str(number), "code": "123456"})
            stranger.post("/api/auth/login", json=EDITOR | {"password": "wrong"})
        kept = entries(api, limit="1000")
        assert len(kept) == 4 + 5 + 1
        assert kept.count(("editor", "log in", "", "refused")) == 6
        api.clock.seconds += 61
        stranger.delete("/api/streams/1")
        assert len(entries(api, limit="1000")) == len(kept) + 1


def test_what_another_site_asked_for_is_kept(api: RunningApi) -> None:
    with api.client(None) as browser:
        browser.post("/api/auth/login", json=EDITOR).raise_for_status()
        for number in range(50):
            headers = {"Origin": f"http://evil{number}.example"}
            assert browser.delete("/api/streams/Gate", headers=headers).status_code == 403
            assert browser.get("/api/ws?src=x", headers=headers | UPGRADE).status_code == 403
        # One a minute, whatever the other site calls itself.
        assert [each for each in entries(api) if each[1] == "ask for a change"] == [
            ("", "ask for a change", "/api/streams/Gate from http://evil0.example", "refused")
        ]


def test_a_database_that_somebody_holds_holds_no_answer_and_loses_no_entry(api: RunningApi, tmp_path: Path) -> None:
    with api.client() as admin:
        with closing(sqlite3.connect(tmp_path / "lightnvr.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert admin.get("/api/recordings/play/4711").status_code == 404
            other.execute("ROLLBACK")
        until(lambda: any(each[2] == "4711" for each in entries(api)), "the entry is there")


@pytest.mark.parametrize("route", ["media/{id}.mp4", "play?stream=Front%20Door&start=2026-08-01&end=2026-08-02"])
def test_playing_parts_without_their_list_is_kept(api: RunningApi, route: str) -> None:
    with api.client("watcher") as watcher:
        watcher.get(f"/api/timeline/{route.format(id=1)}")
    (entry,) = entries(api)
    assert entry[:2] == ("watcher", "play back")


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 302), ("none", 302)]
)
def test_a_page_of_another_site_logs_nobody_out(api: RunningApi, site: str, status: int) -> None:
    with logged_in(api, "editor") as editor:
        assert editor.get("/logout", headers={"Sec-Fetch-Site": site}).status_code == status
        assert (editor.get("/api/streams").status_code == 200) is (status == 403)


def test_nobody_shuts_the_door_behind_themselves(api: RunningApi) -> None:
    with api.client() as admin:
        refused = admin.put("/api/auth/users/1", json={"allowed_login_cidrs": "192.0.2.0/24"})
        assert refused.status_code == 400
        assert "127.0.0.1" in refused.json()["error"]
        admin.put("/api/auth/users/1", json={"allowed_login_cidrs": "127.0.0.0/8"}).raise_for_status()
        admin.put("/api/auth/users/2", json={"allowed_login_cidrs": "192.0.2.0/24"}).raise_for_status()


def test_a_socket_that_must_wait_is_told_how_long(api: RunningApi) -> None:
    with api.client(None) as client:
        for _ in range(6):
            client.get("/api/streams", auth=("editor", "wrong"))
        refused = client.get("/api/ws?src=x", headers=UPGRADE, auth=("editor", "wrong"))
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "301")


def test_an_administrator_who_may_not_see_every_stream_learns_nothing_of_the_others(api: RunningApi) -> None:
    with api.client() as admin:
        for name, tags in (("Bedroom", ""), ("Gate", "outdoor")):
            admin.post("/api/streams", json={"name": name, "url": CAMERA, "tags": tags}).raise_for_status()

        def named() -> list[str]:
            return [stream["name"] for stream in admin.get("/api/system").json()["streamStorage"]]

        def statuses() -> set[int]:
            cleanup = admin.post("/api/storage/cleanup")
            logs = [admin.get(path) for path in ("/api/audit", "/api/system/logs")]
            socket = admin.get("/api/system/logs/ws", headers=UPGRADE)
            backups = [admin.post("/api/system/backup"), admin.get("/backups/lightnvr_backup_x.tar")]
            return {answer.status_code for answer in (cleanup, *logs, socket, *backups)}

        assert named() == ["Bedroom", "Gate"]
        admin.put("/api/auth/users/1", json={"allowed_tags": "outdoor"}).raise_for_status()
        assert statuses() == {403}
        assert named() == ["Gate"]
        admin.put("/api/auth/users/1", json={"allowed_tags": ""}).raise_for_status()
        assert admin.post("/api/storage/cleanup").status_code == 200


@pytest.mark.parametrize("user_id", [10, 1_000_000, 2**63 - 1])
def test_whether_an_account_exists_is_told_to_administrators_only(api: RunningApi, user_id: int) -> None:
    body = {"new_password": "another secret", "old_password": PASSWORD}
    with api.client("editor") as editor, api.client() as admin:
        for asked, status in ((editor, 403), (admin, 404)):
            assert asked.put(f"/api/auth/users/{user_id}/password", json=body).status_code == status
            assert asked.put(f"/api/auth/users/{user_id}/password-lock", json={"locked": True}).status_code == status
