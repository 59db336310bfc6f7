"""Where users are logged in, and how that ends."""

from tests.integration.api.running import PASSWORD, RunningApi
from tests.integration.api.test_users import logged_in, logs_in
from tests.rig.authenticator import enrol


def test_the_own_sessions_are_listed_and_ended(api: RunningApi) -> None:
    with logged_in(api, "editor") as first, logged_in(api, "watcher") as stranger:
        api.clock.seconds += 120
        with logged_in(api, "editor") as second:
            rows = second.get("/api/auth/sessions").json()["sessions"]
            assert [row["current"] for row in rows] == [True, False]
            assert rows[0].keys() == {
                "id", "created_at", "last_activity_at", "idle_expires_at", "expires_at", "ip_address", "user_agent",
                "current",
            }  # fmt: skip
            assert (rows[0]["created_at"], rows[0]["ip_address"]) == (1785600120, "127.0.0.1")
            assert rows[0]["expires_at"] - rows[0]["created_at"] == 168 * 3600
            path = f"/api/auth/sessions/{rows[1]['id']}"
            assert stranger.delete(path).status_code == 404
            assert second.delete("/api/auth/sessions/0").status_code == 400
            assert second.delete(f"/api/auth/sessions/{2**70}").status_code == 404
            assert second.delete(path).json() == {"success": True}
            assert first.get("/api/streams").status_code == 401
            assert second.delete(f"/api/auth/sessions/{rows[0]['id']}").status_code == 200
            assert "session" not in second.cookies
        assert stranger.get("/api/streams").status_code == 200


def test_a_key_is_no_session(api: RunningApi) -> None:
    with logged_in(api, "editor"), api.client("editor") as key:
        assert [row["current"] for row in key.get("/api/auth/sessions").json()["sessions"]] == [False]


def test_a_login_that_waits_for_its_code_is_no_session(api: RunningApi) -> None:
    with api.client() as admin, api.client(None) as nobody:
        enrol(admin, 2, api.clock)
        token = nobody.post("/api/auth/login", json={"username": "editor", "password": PASSWORD}).json()["totp_token"]
        assert token
        assert admin.get("/api/auth/users/2/sessions").json()["sessions"] == []


def test_sessions_that_are_over_are_not_listed(api: RunningApi) -> None:
    logs_in(api, "editor")
    with api.client("editor") as key:
        api.clock.seconds += 24 * 3600
        assert key.get("/api/auth/sessions").json()["sessions"] == []


def test_an_administrator_logs_a_user_out_everywhere(api: RunningApi) -> None:
    with logged_in(api, "editor") as one, logged_in(api, "editor") as two, api.client() as admin:
        assert len(admin.get("/api/auth/users/2/sessions").json()["sessions"]) == 2
        assert admin.delete("/api/auth/users/2/sessions").json() == {"success": True, "ended": 2}
        assert [client.get("/api/streams").status_code for client in (one, two)] == [401, 401]
        assert admin.get("/api/auth/users/99/sessions").status_code == 404
