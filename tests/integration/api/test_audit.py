"""The audit log: what is in it, what is not, and that it cannot be changed."""

from contextlib import suppress

import anyio
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from lightnvr.accounts.audit import AuditLog, Deed, EntryFilter, Outcome
from lightnvr.db.engine import Database
from tests.integration.api.running import PASSWORD, RunningApi
from tests.integration.api.test_users import NEW, logged_in, logs_in
from tests.rig.authenticator import enrol


def entries(api: RunningApi, **query: str) -> list[tuple[str, str, str, str]]:
    with api.client() as admin:
        rows = admin.get("/api/audit", params=query).raise_for_status().json()["entries"]
    return [(row["actor"], row["action"], row["target"], row["outcome"]) for row in reversed(rows)]


def test_who_did_what_is_kept(api: RunningApi) -> None:
    with logged_in(api, "admin") as admin, api.client("watcher") as watcher, api.client(None) as nobody:
        admin.post("/api/auth/users", json=NEW | {"role": 2}).raise_for_status()
        admin.put("/api/auth/users/5", json={"email": "x", "password": "another secret"}).raise_for_status()
        watcher.delete("/api/auth/users/5")
        watcher.delete("/api/streams/Front%20Door")
        nobody.delete("/api/streams/Front%20Door")
        admin.post("/api/streams", json={"name": "Gate", "url": "rtsp://u:secret@192.0.2.1/"}).raise_for_status()
        admin.delete("/api/streams/Gate").raise_for_status()
        nobody.post("/api/auth/login", json={"username": "garden", "password": "wrong"})
        nobody.post("/api/auth/login", data={"username": "my password", "password": "wrong"})
        assert admin.post("/api/auth/logout").status_code == 302
    assert entries(api) == [
        ("admin", "log in", "", "done"),
        ("admin", "add user", "garden", "done"),
        ("admin", "change user", "5", "done"),
        ("watcher", "delete user", "5", "refused"),
        ("watcher", "delete stream", "Front Door", "refused"),
        ("", "delete stream", "Front Door", "refused"),
        ("admin", "add stream", "Gate", "done"),
        ("admin", "delete stream", "Gate", "done"),
        ("garden", "log in", "", "refused"),
        ("", "log in", "", "refused"),
        ("admin", "log out", "", "done"),
    ]


def test_wrong_passwords_in_requests_are_kept_too(api: RunningApi) -> None:
    with api.client(None) as nobody:
        for _ in range(7):
            nobody.get("/api/streams", auth=("editor", "wrong"))
        nobody.get("/api/streams", auth=("nobody", "wrong"))
    assert entries(api) == [("editor", "log in", "", "refused")] * 5 + [("", "log in", "", "refused")]


def test_it_is_filtered_and_paged(api: RunningApi) -> None:
    logs_in(api, "editor")
    api.clock.seconds += 3600
    with api.client(None) as nobody:
        for _ in range(2):
            nobody.post("/api/auth/login", json={"username": "editor", "password": "wrong"})
    assert len(entries(api)) == 3
    assert len(entries(api, outcome="refused")) == 2
    assert len(entries(api, actor="editor", action="log in")) == 3
    assert entries(api, actor="admin") == []
    assert len(entries(api, start="1785600001")) == 2
    assert len(entries(api, end="1785600001")) == 1
    with api.client() as admin:
        first = admin.get("/api/audit", params={"limit": 2}).json()
        assert [entry["id"] for entry in first["entries"]] == [3, 2]
        rest = admin.get("/api/audit", params={"limit": 2, "before": first["next_before"]}).json()
        assert ([entry["id"] for entry in rest["entries"]], rest["next_before"]) == ([1], None)
        assert rest["entries"][0]["time"] == "2026-08-01T16:00:00Z"
        assert rest["entries"][0]["address"] == "127.0.0.1"


def test_playing_is_kept_once_not_for_each_range(api: RunningApi) -> None:
    recording = api.recordings.add("Front Door", b"0123456789")
    with api.client("watcher") as watcher:
        for first in range(5):
            watcher.get(f"/api/recordings/play/{recording.id}", headers={"Range": f"bytes={first}-"}).raise_for_status()
        watcher.get(f"/api/recordings/download/{recording.id}").raise_for_status()
        assert entries(api) == [("watcher", "play back", "1", "done"), ("watcher", "download", "1", "done")]
        api.clock.seconds += 601
        watcher.get(f"/api/recordings/play/{recording.id}").raise_for_status()
    assert len(entries(api)) == 3


def test_no_secret_is_in_it(api: RunningApi) -> None:
    secrets = [PASSWORD, "another secret", "camera secret", "my password"]
    with logged_in(api, "editor") as editor, api.client() as admin, api.client(None) as nobody:
        secrets += [editor.cookies["session"], editor.post("/api/auth/users/2/api-key").json()["api_key"]]
        app, codes = enrol(admin, 3, api.clock)
        secrets += [app.code(), *codes]
        body = {"new_password": "another secret", "old_password": PASSWORD}
        editor.put("/api/auth/users/2/password", json=body).raise_for_status()
        admin.post("/api/streams", json={"name": "Gate", "url": "rtsp://u:camera secret@192.0.2.1/"})
        nobody.post("/api/auth/login", json={"username": "my password", "password": "x"})
        waiting = nobody.post("/api/auth/login", json={"username": "watcher", "password": PASSWORD}).json()
        secrets.append(waiting["totp_token"])
        nobody.post("/api/auth/login/totp", json={"totp_token": waiting["totp_token"], "code": app.wrong()})
        shown = admin.get("/api/audit").text
    assert '"detail":"new_password, old_password"' in shown
    assert [secret for secret in secrets if secret in shown] == []


DEED = Deed("admin", 1, "change user", "5", Outcome.DONE, "192.0.2.1", "email")


async def test_the_chain_shows_what_was_changed(database: Database) -> None:
    audit = AuditLog(database, b"key", lambda: 1785600000.0)
    for _ in range(5):
        await audit.add(DEED)
    whole = await audit.check()
    assert (whole.entries, whole.broken_at) == (5, None)
    assert (await AuditLog(database, b"another key", lambda: 0.0).check()).broken_at == 1
    for statement in ("UPDATE audit_log SET actor = 'x' WHERE id = 3", "DELETE FROM audit_log WHERE id = 3"):
        # SQLite refuses, PostgreSQL does nothing.
        with suppress(DatabaseError):
            async with database.writing.begin() as connection:
                await connection.execute(text(statement))
    assert await audit.check() == whole
    async with database.writing.begin() as connection:
        for kind in ("update", "delete"):
            name = f"audit_log_is_only_added_to_{kind}"
            sqlite = database.writing.dialect.name == "sqlite"
            await connection.execute(text(f"DROP TRIGGER {name}" if sqlite else f"DROP RULE {name} ON audit_log"))
        # Not the statement from before: PostgreSQL remembers of that one that it does nothing.
        await connection.execute(text("UPDATE audit_log SET actor = 'somebody else' WHERE id = 3"))
    assert (await audit.check()).broken_at == 3
    async with database.writing.begin() as connection:
        await connection.execute(text("DELETE FROM audit_log WHERE id IN (3)"))
    assert (await audit.check()).broken_at == 4


async def test_entries_of_the_same_moment_follow_each_other(database: Database) -> None:
    audit = AuditLog(database, b"key", lambda: 1785600000.0)
    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(audit.add, DEED)
    assert (await audit.check()).entries == len(await audit.page(EntryFilter(), 100)) == 10


@pytest.mark.parametrize("user", ["editor", "watcher", "machine"])
def test_it_is_for_administrators(api: RunningApi, user: str) -> None:
    with api.client(user) as client:
        assert client.get("/api/audit").status_code == 403
