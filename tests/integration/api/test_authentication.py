"""Logging in, staying in, and being kept out."""

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from lightnvr.accounts.limiter import LimiterRules
from lightnvr.api.services import ApiOptions
from lightnvr.config.settings import WebSettings
from tests.integration.api.running import PASSWORD, RunningApi, running_api

LOGIN = {"username": "editor", "password": PASSWORD}


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
def nobody(api: RunningApi) -> httpx.Client:
    return api.client(None)


def test_a_session_from_login_to_logout(nobody: httpx.Client) -> None:
    answer = nobody.post("/api/auth/login", json=LOGIN)
    assert (answer.status_code, answer.json()) == (200, {"success": True, "redirect": "/index.html"})
    cookie = answer.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age=604800"))
    assert "Secure" not in cookie
    who = nobody.get("/api/auth/verify").json()
    assert who == {
        "authenticated": True, "id": 2, "username": "editor", "email": "", "role": "user", "role_id": 1,
        "is_active": True, "password_change_locked": False, "trusted_device_days": 30,
        "auth_enabled": True, "auth_timeout_hours": 24, "auth_absolute_timeout_hours": 168,
    }  # fmt: skip
    token = nobody.cookies["session"]
    logout = nobody.post("/api/auth/logout", headers={"Accept": "application/json"})
    assert logout.json() == {"success": True, "redirect": "/login.html?logout=true"}
    assert "session" not in nobody.cookies
    assert nobody.get("/api/streams", headers={"Cookie": f"session={token}"}).status_code == 401


def test_a_form_is_answered_with_redirects(nobody: httpx.Client) -> None:
    answer = nobody.post("/api/auth/login", data=LOGIN)
    assert (answer.status_code, answer.headers["location"]) == (302, "/index.html")
    assert nobody.get("/api/streams").status_code == 200
    answer = nobody.get("/logout")
    assert (answer.status_code, answer.headers["location"]) == (302, "/login.html?logout=true")
    assert nobody.get("/api/streams").status_code == 401
    answer = nobody.post("/api/auth/login", data=LOGIN | {"password": "wrong"})
    assert (answer.status_code, answer.headers["location"]) == (302, "/login.html?error=1")


@pytest.mark.parametrize("user", ["editor", "nobody", "x" * 500, "nul\x00"])
def test_a_wrong_password_and_an_unknown_name_look_the_same(nobody: httpx.Client, user: str) -> None:
    body = {"username": user, "password": "wrong"}
    answer = nobody.post("/api/auth/login", json=body)
    assert (answer.status_code, answer.json()) == (401, {"error": "Invalid credentials"})
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"username":"a"}', b'{"username":1,"password":2}', b"\xff", b"[" * 9999]
)
def test_login_data_that_is_none(nobody: httpx.Client, body: bytes) -> None:
    assert nobody.post("/api/auth/login", content=body).status_code == 400


def test_every_kind_of_credential_gives_the_same_user(api: RunningApi, nobody: httpx.Client) -> None:
    key = api.keys["machine"]
    for headers in (basic("machine", PASSWORD), {"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
        assert nobody.get("/api/auth/verify", headers=headers).json()["username"] == "machine"


def test_a_bad_credential_does_not_keep_the_next_from_being_tried(api: RunningApi, nobody: httpx.Client) -> None:
    headers = basic("machine", "wrong") | {"X-API-Key": api.keys["machine"], "Cookie": "session=stale"}
    assert nobody.get("/api/auth/verify", headers=headers).json()["username"] == "machine"


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Basic Og==", "Basic /w==", "Bearer", "Bearer wrong", "Digest x"],
)
def test_headers_that_are_no_credentials(nobody: httpx.Client, header: str) -> None:
    answer = nobody.get("/api/streams", headers={"Authorization": header})
    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})


def test_a_stale_cookie_is_taken_back(nobody: httpx.Client) -> None:
    answer = nobody.get("/api/auth/verify", headers={"Cookie": "session=stale"})
    assert answer.status_code == 401
    assert "Max-Age=0" in answer.headers["set-cookie"]


def test_guessing_must_wait_and_the_right_password_too(api: RunningApi, nobody: httpx.Client) -> None:
    for _ in range(5):
        assert nobody.post("/api/auth/login", json=LOGIN | {"password": "wrong"}).status_code == 401
    answer = nobody.post("/api/auth/login", json=LOGIN)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) == 301
    assert nobody.get("/api/streams", headers=basic("editor", PASSWORD)).status_code == 429
    form = nobody.post("/api/auth/login", data=LOGIN)
    assert form.headers["location"] == "/login.html?error=rate_limited"
    assert nobody.post("/api/auth/login", json=LOGIN | {"username": "watcher"}).status_code == 200
    api.clock.seconds += 301
    assert nobody.post("/api/auth/login", json=LOGIN).status_code == 200


def test_guessing_through_basic_must_wait(nobody: httpx.Client) -> None:
    statuses = [nobody.get("/api/streams", headers=basic("editor", f"guess {n}")).status_code for n in range(7)]
    assert statuses == [401] * 5 + [429] * 2


def test_guessing_keys_must_wait_and_right_ones_never(api: RunningApi, nobody: httpx.Client) -> None:
    def ask(key: str, header: str = "X-API-Key") -> int:
        return nobody.get("/api/streams", headers={header: key}).status_code

    # A program that goes on with a key that is not valid any more is not guessing.
    assert {ask("a key of last year") for _ in range(30)} == {401}
    assert {ask("Bearer another key", "Authorization") for _ in range(30)} == {401}
    assert [ask(f"guess {number}") for number in range(4)] == [401, 401, 401, 429]
    assert ask("a key of last year") == 401
    assert ask(api.keys["watcher"]) == 200
    # Nor do guessed keys keep anybody from logging in.
    assert nobody.get("/api/streams", auth=("watcher", PASSWORD)).status_code == 200
    api.clock.seconds += 301
    assert ask("guess 3") == 401


def test_many_requests_at_once_with_the_right_password_are_no_guessing(api: RunningApi) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(lambda _: httpx.get(f"{api.url}/api/streams", headers=basic("editor", PASSWORD)), range(40))
        )
    assert {answer.status_code for answer in answers} == {200}


def test_limiting_can_be_switched_off(tmp_path: Path) -> None:
    with running_api(tmp_path, rules=LimiterRules(False, 1, 300)) as api, api.client(None) as nobody:
        for _ in range(3):
            assert nobody.post("/api/auth/login", json=LOGIN | {"password": "wrong"}).status_code == 401


def test_without_authentication_everybody_is_administrator(tmp_path: Path) -> None:
    with running_api(tmp_path, auth_enabled=False) as api, api.client(None) as nobody:
        who = nobody.get("/api/auth/verify").json()
        assert (who["username"], who["role"], who["auth_enabled"]) == ("admin", "admin", False)
        made = nobody.post("/api/streams", json={"name": "a", "url": "rtsp://192.0.2.1/"})
        assert made.status_code == 201


def test_cookies_are_secure_behind_a_trusted_proxy(tmp_path: Path) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"}
    for proxies, secure in (("", False), ("127.0.0.0/8", True)):
        folder = tmp_path / str(secure)
        folder.mkdir()
        with running_api(folder, options=ApiOptions("1", trusted_proxies=proxies)) as api, api.client(None) as nobody:
            cookie = nobody.post("/api/auth/login", json=LOGIN, headers=headers).headers["set-cookie"]
            assert ("Secure" in cookie) is secure


def test_behind_a_trusted_proxy_guessers_are_told_apart(tmp_path: Path) -> None:
    options = ApiOptions("1", trusted_proxies="127.0.0.1")
    with running_api(tmp_path, options=options) as api, api.client(None) as nobody:
        guesser = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
        guess = LOGIN | {"password": "wrong"}
        statuses = [nobody.post("/api/auth/login", json=guess, headers=guesser).status_code for _ in range(6)]
        assert statuses == [401] * 5 + [429]
        owner = {"X-Forwarded-For": "198.51.100.7, 198.51.100.8"}
        assert nobody.post("/api/auth/login", json=LOGIN, headers=owner).status_code == 200


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}, "198.51.100.7"),
        ({"X-Forwarded-For": "203.0.113.9, 198.51.100.7:4711"}, "198.51.100.7"),
        ({"X-Forwarded-For": "[2001:db8::7]:4711"}, "2001:db8::7"),
        ({"X-Forwarded-For": "2001:db8::7"}, "2001:db8::7"),
        ({"X-Forwarded-For": "198.51.100.7, unknown", "X-Real-IP": "203.0.113.9"}, "127.0.0.1"),
        ({"X-Real-IP": "203.0.113.9"}, "203.0.113.9"),
        ({}, "127.0.0.1"),
    ],
)
def test_what_a_proxy_says_of_the_address_is_read_or_not_believed_at_all(
    tmp_path: Path, headers: dict[str, str], address: str
) -> None:
    with running_api(tmp_path, options=ApiOptions("1", trusted_proxies="127.0.0.1")) as api, api.client(None) as nobody:
        nobody.post("/api/auth/login", json=LOGIN | {"password": "wrong"}, headers=headers)
        with api.client() as admin:
            (entry, *_) = admin.get("/api/audit", params={"action": "log in", "outcome": "refused"}).json()["entries"]
        assert entry["address"] == address


def test_a_trusted_proxy_can_say_who_it_has_let_in(tmp_path: Path) -> None:
    def status(api: RunningApi, headers: list[tuple[str, str]]) -> int:
        with api.client(None) as client:
            return client.get("/api/streams", headers=headers).status_code

    told = [("X-Remote-User", "watcher")]
    options = ApiOptions("1", trusted_proxies="127.0.0.1", proxy_user_header="X-Remote-User")
    with running_api(tmp_path, options=options) as api:
        assert status(api, told) == 200
        with api.client(None) as proxied:
            assert proxied.get("/api/auth/verify", headers=dict(told)).json()["username"] == "watcher"
            foreign = dict(told) | {"Origin": "https://example.org"}
            assert proxied.post("/api/auth/logout", headers=foreign).status_code == 403
        assert status(api, [("X-Remote-User", "nobody of that name")]) == 401
        assert status(api, [*told, ("X-Remote-User", "admin")]) == 401, "a client added a name of its own"
        with api.client() as admin:
            users = {user["username"]: user["id"] for user in admin.get("/api/auth/users").json()["users"]}
            admin.put(f"/api/auth/users/{users['watcher']}", json={"is_active": False}).raise_for_status()
        assert status(api, told) == 401


@pytest.mark.parametrize(
    "options",
    [
        ApiOptions("1"),
        ApiOptions("1", trusted_proxies="127.0.0.1"),
        ApiOptions("1", trusted_proxies="192.0.2.0/24", proxy_user_header="X-Remote-User"),
    ],
    ids=["off", "without the header", "another proxy"],
)
def test_nobody_else_can_say_so(tmp_path: Path, options: ApiOptions) -> None:
    with running_api(tmp_path, options=options) as api, api.client(None) as client:
        assert client.get("/api/streams", headers={"X-Remote-User": "admin"}).status_code == 401


def test_the_header_of_a_proxy_needs_proxies_that_are_trusted() -> None:
    with pytest.raises(ValueError, match="proxy_user_header needs trusted_proxy_cidrs"):
        WebSettings(proxy_user_header="X-Remote-User")
    assert WebSettings(proxy_user_header="X-Remote-User", trusted_proxy_cidrs="127.0.0.1").proxy_user_header


def test_the_rules_of_the_login_are_public(nobody: httpx.Client) -> None:
    assert nobody.get("/api/auth/login/config").json() == {
        "force_mfa_on_login": False,
        "remember_device_enabled": True,
        "auth_timeout_hours": 24,
        "auth_absolute_timeout_hours": 168,
        "trusted_device_days": 30,
    }


def test_a_name_that_utf_8_cannot_hold_is_a_wrong_one(nobody: httpx.Client) -> None:
    answer = nobody.post("/api/auth/login", content=b'{"username":"\\ud800","password":"\\ud800"}')
    assert answer.status_code == 401
