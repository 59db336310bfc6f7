"""Users through the API: made, changed, locked, ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from lightnvr.api.services import ApiOptions
from tests.integration.api.running import PASSWORD, RunningApi, running_api

NEW = {"username": "garden", "password": "a long secret"}


@contextmanager
def logged_in(api: RunningApi, user: str, password: str = PASSWORD) -> Iterator[httpx.Client]:
    with api.client(None) as client:
        client.post("/api/auth/login", json={"username": user, "password": password}).raise_for_status()
        yield client


def logs_in(api: RunningApi, user: str, password: str = PASSWORD) -> None:
    with logged_in(api, user, password):
        pass


def ids(api: RunningApi) -> dict[str, int]:
    with api.client() as admin:
        return {user["username"]: user["id"] for user in admin.get("/api/auth/users").json()["users"]}


def test_a_user_from_creation_to_deletion(api: RunningApi) -> None:
    with api.client() as admin:
        made = admin.post("/api/auth/users", json=NEW | {"allowed_login_cidrs": "192.168.1.7/24, 10.0.0.5"})
        assert made.status_code == 201
        user = made.json()
        assert user == {
            "id": 5, "username": "garden", "email": "", "role": 1, "role_name": "user", "created_at": 1785600000,
            "updated_at": 1785600000, "last_login": 0, "is_active": True, "password_change_locked": False,
            "totp_enabled": False, "allowed_tags": None, "allowed_login_cidrs": "192.168.1.7/24\n10.0.0.5/32",
            "allowed_actions": None,
        }  # fmt: skip
        assert admin.get("/api/auth/users/5").json() == user
        assert admin.get("/api/auth/users").json()["users"][-1] == user
        changed = admin.put("/api/auth/users/5", json={"email": "a@example.org", "role": 2, "allowed_tags": "out, in,"})
        assert changed.json() == user | {
            "email": "a@example.org", "role": 2, "role_name": "viewer", "allowed_tags": "out,in",
        }  # fmt: skip
        key = admin.post("/api/auth/users/5/api-key").json()
        assert key["success"] is True
        assert len(key["api_key"]) == 32
        shown = admin.get("/api/auth/users/5").json()["api_key"]
        assert shown == key["api_key"][:6] + "*" * 26
        assert "api_key" not in admin.put("/api/auth/users/5", json={}).json()
        assert admin.delete("/api/auth/users/5").json() == {"success": True, "message": "User deleted successfully"}
        assert admin.get("/api/auth/users/5").status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400), ({"username": "ab"}, 400), ({"username": "x" * 33}, 400), ({"username": "a:b"}, 400),
        ({"password": "short"}, 400), ({"password": "x" * 1025}, 400), ({"role": 4}, 400), ({"role": "1"}, 400),
        ({"allowed_login_cidrs": "home"}, 400), ({"allowed_login_cidrs": 7}, 400), ({"allowed_tags": "x" * 256}, 400),
        ({"allowed_login_cidrs": "10.0.0.1," * 200}, 400), ({"username": "editor"}, 409), ({"is_active": 3}, 400),
        ({"allowed_actions": "live,fly"}, 400),
    ],
)  # fmt: skip
def test_users_that_cannot_be(api: RunningApi, body: dict[str, Any], status: int) -> None:
    with api.client() as admin:
        answer = admin.post("/api/auth/users", json=NEW | body if body else {})
        assert (answer.status_code, list(answer.json())) == (status, ["error"])
        if body:
            assert admin.put("/api/auth/users/4", json={"email": "x", **body}).status_code == status
        assert admin.get("/api/auth/users").json()["users"][3]["email"] == ""


def test_a_bad_member_changes_nothing_not_even_the_password(api: RunningApi) -> None:
    with api.client() as admin:
        sent = {"password": "another secret", "username": "editor"}
        assert admin.put("/api/auth/users/3", json=sent).status_code == 409
    logs_in(api, "watcher")


def test_a_name_that_is_taken_is_a_conflict(api: RunningApi) -> None:
    with api.client() as admin:
        for answer in (
            admin.post("/api/auth/users", json=NEW | {"username": "editor"}),
            admin.put("/api/auth/users/3", json={"username": "editor"}),
        ):
            assert (answer.status_code, answer.json()) == (409, {"error": "Username already exists"})


def test_the_last_administrator_stays(api: RunningApi) -> None:
    with api.client() as admin:
        for change in ({"role": 1}, {"is_active": False}):
            answer = admin.put("/api/auth/users/1", json=change)
            assert answer.status_code == 400
            assert "last admin" in answer.json()["error"]
        assert admin.delete("/api/auth/users/1").status_code == 403
        second = admin.post("/api/auth/users", json=NEW | {"role": 0, "is_active": False}).json()["id"]
        assert admin.put("/api/auth/users/1", json={"role": 1}).status_code == 400
        admin.put(f"/api/auth/users/{second}", json={"is_active": True}).raise_for_status()
        admin.put("/api/auth/users/1", json={"role": 1}).raise_for_status()
        assert admin.get("/api/auth/users").status_code == 403
    with logged_in(api, "garden", NEW["password"]) as garden:
        assert garden.delete("/api/auth/users/1").status_code == 200


def test_everybody_changes_the_own_name_and_no_more(api: RunningApi) -> None:
    with api.client("watcher") as watcher:
        answer = watcher.put("/api/auth/users/3", json={"username": "lookout", "email": "l@example.org"})
        assert (answer.status_code, answer.json()["username"]) == (200, "lookout")
        for member in ({"role": 2}, {"is_active": True}, {"password": ""}, {"allowed_tags": None}):
            assert watcher.put("/api/auth/users/3", json=member).status_code == 403
        for other in (1, 99):
            assert watcher.put(f"/api/auth/users/{other}", json={"email": "x"}).status_code == 403
            assert watcher.put(f"/api/auth/users/{other}/password", json={"new_password": "x" * 9}).status_code == 403


@pytest.mark.parametrize(("user", "status"), [("editor", 200), ("watcher", 403), ("machine", 403)])
def test_who_makes_the_own_api_key(api: RunningApi, user: str, status: int) -> None:
    own = ids(api)[user]
    with api.client(user) as client:
        assert client.post("/api/auth/users/1/api-key").status_code == 403
        answer = client.post(f"/api/auth/users/{own}/api-key")
        assert answer.status_code == status
        # A new key ends the one before at once.
        assert client.get("/api/streams").status_code == (401 if status == 200 else 200)


def test_the_own_password_needs_the_one_until_now(api: RunningApi) -> None:
    for user, own in (("editor", 2), ("admin", 1)):
        with logged_in(api, user) as client, api.client(user) as with_key:
            path = f"/api/auth/users/{own}/password"
            assert client.put(path, json={"new_password": "another secret"}).status_code == 400
            wrong = client.put(path, json={"new_password": "another secret", "old_password": "wrong"})
            assert (wrong.status_code, wrong.json()) == (401, {"error": "Current password is incorrect"})
            assert client.put(path, json={"new_password": "short", "old_password": PASSWORD}).status_code == 400
            right = client.put(path, json={"new_password": "another secret", "old_password": PASSWORD})
            assert right.json() == {"success": True}
            assert client.get("/api/streams").status_code == 401
            assert with_key.get("/api/streams").status_code == 200
        logs_in(api, user, "another secret")


def test_an_administrator_changes_other_passwords_without_it(api: RunningApi) -> None:
    with logged_in(api, "editor") as editor, api.client() as admin:
        assert admin.put("/api/auth/users/2/password", json={"new_password": "another secret"}).status_code == 200
        assert editor.get("/api/streams").status_code == 401
        assert admin.put("/api/auth/users/3", json={"password": "third secret"}).status_code == 200
        assert admin.put("/api/auth/users/1", json={"password": "own secret"}).status_code == 400
    logs_in(api, "editor", "another secret")
    logs_in(api, "watcher", "third secret")


def test_guessing_the_own_password_must_wait(api: RunningApi) -> None:
    with api.client("editor") as client:
        body = {"new_password": "another secret", "old_password": "wrong"}
        statuses = [client.put("/api/auth/users/2/password", json=body).status_code for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2


def test_a_locked_password_cannot_be_changed_by_anybody(api: RunningApi) -> None:
    with api.client() as admin, api.client("editor") as editor:
        locked = admin.put("/api/auth/users/2/password-lock", json={"locked": True})
        assert locked.json()["password_change_locked"] is True
        body = {"new_password": "another secret", "old_password": PASSWORD}
        for answer in (
            editor.put("/api/auth/users/2/password", json=body),
            admin.put("/api/auth/users/2/password", json=body),
            admin.put("/api/auth/users/2", json={"password": "another secret"}),
        ):
            assert (answer.status_code, answer.json()) == (403, {"error": "Password changes are locked for this user"})
        assert admin.put("/api/auth/users/2/password-lock", json={}).status_code == 400
        for number in range(12):
            admin.post("/api/auth/users", json=NEW | {"username": f"user {number}"})
        assert admin.put("/api/auth/users/12/password-lock", json={"locked": True}).status_code == 200
        admin.put("/api/auth/users/2/password-lock", json={"locked": False}).raise_for_status()
        assert editor.put("/api/auth/users/2/password", json=body).status_code == 200


def test_deactivation_and_deletion_end_everything(api: RunningApi) -> None:
    with logged_in(api, "editor") as session, api.client("editor") as key, api.client() as admin:
        admin.put("/api/auth/users/2", json={"is_active": False}).raise_for_status()
        assert session.get("/api/streams").status_code == 401
        assert key.get("/api/streams").status_code == 401
        admin.put("/api/auth/users/2", json={"is_active": True}).raise_for_status()
        assert session.get("/api/streams").status_code == 401
        assert key.get("/api/streams").status_code == 200
        admin.delete("/api/auth/users/2").raise_for_status()
        assert key.get("/api/streams").status_code == 401


def test_another_role_is_in_force_at_once(api: RunningApi) -> None:
    with logged_in(api, "editor") as editor, api.client() as admin:
        assert editor.delete("/api/streams/none").status_code == 404
        admin.put("/api/auth/users/2", json={"role": 2}).raise_for_status()
        assert editor.delete("/api/streams/none").status_code == 403


def test_an_administrator_ends_the_wait_after_wrong_passwords(api: RunningApi) -> None:
    with api.client() as admin, api.client(None) as nobody:
        nothing = admin.post("/api/auth/users/2/login-lockout/clear").json()
        assert nothing == {"success": True, "cleared": False, "message": "No active login lockout found"}
        for _ in range(5):
            nobody.post("/api/auth/login", json={"username": "editor", "password": "wrong"})
        assert nobody.post("/api/auth/login", json={"username": "editor", "password": PASSWORD}).status_code == 429
        cleared = admin.post("/api/auth/users/2/login-lockout/clear").json()
        assert cleared == {"success": True, "cleared": True, "message": "Login lockout cleared successfully"}
        assert nobody.post("/api/auth/login", json={"username": "editor", "password": PASSWORD}).status_code == 200


def test_an_account_can_be_bound_to_networks(tmp_path: Path) -> None:
    options = ApiOptions("1", trusted_proxies="127.0.0.1")
    with running_api(tmp_path, options=options) as api, api.client() as admin, api.client("editor") as key:
        home, away = {"X-Forwarded-For": "192.168.1.20"}, {"X-Forwarded-For": "203.0.113.9"}
        session = api.client(None)
        login = {"username": "editor", "password": PASSWORD}
        session.post("/api/auth/login", json=login, headers=away).raise_for_status()
        admin.put("/api/auth/users/2", json={"allowed_login_cidrs": "192.168.1.0/24,2001:db8::/32"}).raise_for_status()
        for headers, status in ((home, 200), ({"X-Forwarded-For": "2001:db8::7"}, 200), (away, 401), ({}, 401)):
            assert key.get("/api/streams", headers=headers).status_code == status
            assert session.get("/api/streams", headers=headers).status_code == status
            basic = api.client(None)
            assert basic.get("/api/streams", headers=headers, auth=("editor", PASSWORD)).status_code == status
        refused = api.client(None).post("/api/auth/login", json=login, headers=away)
        assert (refused.status_code, refused.json()) == (401, {"error": "Invalid credentials"})


def test_neither_a_password_nor_a_key_is_in_any_answer(api: RunningApi) -> None:
    with api.client() as admin:
        key = admin.post("/api/auth/users/2/api-key").json()["api_key"]
        text = admin.get("/api/auth/users").text + admin.get("/api/auth/users/2").text
    assert key not in text
    assert "argon2" not in text


@pytest.mark.parametrize(
    ("actions", "refused"),
    [
        ("live", {"play", "download", "manifest", "change", "delete"}),
        ("playback, live, listen", {"download", "change", "delete"}),
        ("listen,export,delete", {"play", "manifest", "change"}),
        ("", set[str]()),
    ],
)
def test_rights_can_be_limited_below_the_role(api: RunningApi, actions: str, refused: set[str]) -> None:
    recording = api.recordings.add("Front Door", b"0123456789")
    with api.client() as admin, api.client("editor") as editor:
        admin.put("/api/auth/users/2", json={"allowed_actions": actions}).raise_for_status()
        answers = {
            "play": editor.get(f"/api/recordings/play/{recording.id}"),
            "download": editor.get(f"/api/recordings/download/{recording.id}"),
            "manifest": editor.get("/api/timeline/manifest", params={"stream": "Front Door"}),
            "change": editor.put(f"/api/recordings/{recording.id}/protect", json={"protected": False}),
            "delete": editor.delete(f"/api/recordings/{recording.id}"),
        }
        assert {name for name, answer in answers.items() if answer.status_code == 403} == refused
        assert editor.get("/api/streams").status_code == 200
