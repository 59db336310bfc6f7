"""The second factor: set up, asked for, kept from being guessed or got around."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from lightnvr.api.services import ApiOptions
from tests.integration.api.running import PASSWORD, RunningApi, running_api
from tests.integration.api.test_users import logs_in
from tests.rig.authenticator import Authenticator, enrol

EDITOR = {"username": "editor", "password": PASSWORD}
TOTP = "/api/auth/users/2/totp"


@pytest.fixture
def nobody(api: RunningApi) -> httpx.Client:
    return api.client(None)


def begin(client: httpx.Client) -> str:
    answer = client.post("/api/auth/login", json=EDITOR)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    body = answer.json()
    assert body.keys() == {"totp_required", "totp_token"}
    token: str = body["totp_token"]
    return token


def finish(client: httpx.Client, token: str, code: str, **members: object) -> httpx.Response:
    return client.post("/api/auth/login/totp", json={"totp_token": token, "code": code, **members})


def test_an_authenticator_from_setup_to_removal(api: RunningApi, nobody: httpx.Client) -> None:
    with api.client("editor") as editor:
        assert editor.get(f"{TOTP}/status").json() == {
            "totp_enabled": False, "totp_configured": False, "recovery_codes_left": 0,
        }  # fmt: skip
        assert editor.post(f"{TOTP}/verify", json={"code": "123456"}).status_code == 400
        made = editor.post(f"{TOTP}/setup", json={"password": PASSWORD}).json()
        assert re.fullmatch("[A-Z2-7]{32}", made["secret"])
        uri = urlsplit(made["otpauth_uri"])
        assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", "/LightNVR:editor")
        assert parse_qs(uri.query) == {
            "secret": [made["secret"]], "issuer": ["LightNVR"], "algorithm": ["SHA1"], "digits": ["6"],
            "period": ["30"],
        }  # fmt: skip
        assert made["qr_svg"].startswith("<svg")
        assert "style=" not in made["qr_svg"]
        # It is not in force yet.
        assert nobody.post("/api/auth/login", json=EDITOR).json()["success"] is True
        app = Authenticator(made["secret"], api.clock)
        wrong = editor.post(f"{TOTP}/verify", json={"code": app.wrong()})
        assert (wrong.status_code, wrong.json()) == (401, {"error": "Invalid TOTP code"})
        right = editor.post(f"{TOTP}/verify", json={"code": app.code()}).json()
        assert (right["success"], right["message"]) == (True, "TOTP MFA enabled successfully")
        assert editor.get(f"{TOTP}/status").json() == {
            "totp_enabled": True, "totp_configured": True, "recovery_codes_left": 10,
        }  # fmt: skip
    with api.client() as admin:
        assert admin.get("/api/auth/users/2").json()["totp_enabled"] is True
        assert admin.post(f"{TOTP}/disable").json()["success"] is True
    assert nobody.post("/api/auth/login", json=EDITOR).json()["success"] is True


@pytest.mark.parametrize("names", [("totp_token", "code"), ("token", "totp_code")])
def test_a_login_in_two_steps(api: RunningApi, nobody: httpx.Client, names: tuple[str, str]) -> None:
    with api.client("editor") as editor:
        app, _ = enrol(editor, 2, api.clock, PASSWORD)
    token = begin(nobody)
    api.clock.seconds += 60
    answer = nobody.post("/api/auth/login/totp", json={names[0]: token, names[1]: app.code()})
    assert (answer.status_code, answer.json()) == (200, {"success": True, "redirect": "/index.html"})
    assert nobody.get("/api/auth/verify").json()["username"] == "editor"
    again = finish(api.client(None), token, app.code(1))
    assert (again.status_code, "expired" in again.json()["error"]) == (401, True)


def test_a_login_in_one_step(api: RunningApi, nobody: httpx.Client) -> None:
    with api.client("editor") as editor:
        app, _ = enrol(editor, 2, api.clock, PASSWORD)
    api.clock.seconds += 60
    wrong = nobody.post("/api/auth/login", json=EDITOR | {"totp_code": app.wrong()})
    assert (wrong.status_code, wrong.json()) == (401, {"error": "Invalid credentials"})
    assert nobody.post("/api/auth/login", json=EDITOR | {"totp_code": app.code()}).json()["success"] is True


def test_a_code_is_good_once_and_for_a_minute_and_a_half(api: RunningApi, nobody: httpx.Client) -> None:
    with api.client("editor") as editor:
        app, _ = enrol(editor, 2, api.clock, PASSWORD)
        # The code that verified the setup is used up.
    assert nobody.post("/api/auth/login", json=EDITOR | {"totp_code": app.code()}).status_code == 401
    api.clock.seconds += 90
    code = app.code(1)
    assert nobody.post("/api/auth/login", json=EDITOR | {"totp_code": code}).status_code == 200
    assert nobody.post("/api/auth/login", json=EDITOR | {"totp_code": code}).status_code == 401
    assert nobody.post("/api/auth/login", json=EDITOR | {"totp_code": app.code()}).status_code == 401
    api.clock.seconds += 400
    assert nobody.post("/api/auth/login", json=EDITOR | {"totp_code": app.code(-2)}).status_code == 401
    assert nobody.post("/api/auth/login", json=EDITOR | {"totp_code": app.code(-1)}).status_code == 200


def test_the_token_of_the_first_step_opens_nothing(api: RunningApi, nobody: httpx.Client) -> None:
    with api.client("editor") as editor:
        enrol(editor, 2, api.clock, PASSWORD)
    token = begin(nobody)
    for headers in (
        {"Cookie": f"session={token}"},
        {"Cookie": f"totp_pending={token}"},
        {"Cookie": f"trusted_device={token}"},
        {"X-API-Key": token},
        {"Authorization": f"Bearer {token}"},
    ):
        for method, path in (
            ("GET", "/api/streams"),
            ("POST", f"{TOTP}/disable"),
            ("POST", "/api/auth/users/2/api-key"),
        ):
            assert nobody.request(method, path, headers=headers).status_code == 401


def test_the_first_step_is_good_for_five_minutes_and_five_tries(api: RunningApi, nobody: httpx.Client) -> None:
    with api.client("editor") as editor:
        app, _ = enrol(editor, 2, api.clock, PASSWORD)
    token = begin(nobody)
    api.clock.seconds += 300
    assert "expired" in finish(nobody, token, app.code()).json()["error"]
    token = begin(nobody)
    errors = [finish(nobody, token, app.wrong()) for _ in range(6)]
    assert [answer.status_code for answer in errors] == [401] * 6
    assert [answer.json()["error"] for answer in errors[:5]] == ["Invalid TOTP code"] * 5
    assert "expired" in errors[5].json()["error"]
    # The next token does not give five more at once, whatever address it is asked for from.
    assert finish(nobody, begin(nobody), app.code()).status_code == 429
    api.clock.seconds += 301
    assert finish(nobody, begin(nobody), app.code()).status_code == 200


def test_a_changed_password_ends_a_login_that_waits_for_its_code(api: RunningApi, nobody: httpx.Client) -> None:
    with api.client("editor") as editor, api.client() as admin:
        app, _ = enrol(editor, 2, api.clock, PASSWORD)
        token = begin(nobody)
        admin.put("/api/auth/users/2/password", json={"new_password": "another secret"}).raise_for_status()
    api.clock.seconds += 60
    assert "expired" in finish(nobody, token, app.code()).json()["error"]


def test_recovery_codes_are_good_once_each(api: RunningApi, nobody: httpx.Client) -> None:
    with api.client("editor") as editor:
        _, codes = enrol(editor, 2, api.clock, PASSWORD)
        assert len(set(codes)) == 10
        assert finish(nobody, begin(nobody), codes[3].lower().replace("-", " ")).status_code == 200
        assert finish(nobody, begin(nobody), codes[3]).status_code == 401
        assert editor.get(f"{TOTP}/status").json()["recovery_codes_left"] == 9
        assert editor.post(f"{TOTP}/recovery-codes").status_code == 400
        renewed = editor.post(f"{TOTP}/recovery-codes", json={"password": PASSWORD}).json()["recovery_codes"]
    assert finish(nobody, begin(nobody), codes[4]).status_code == 401
    assert finish(nobody, begin(nobody), renewed[0]).status_code == 200


def test_basic_is_refused_where_a_code_is_needed_and_keys_are_not(api: RunningApi, nobody: httpx.Client) -> None:
    assert nobody.get("/api/streams", auth=("editor", PASSWORD)).status_code == 200
    with api.client("editor") as editor:
        enrol(editor, 2, api.clock, PASSWORD)
        assert editor.get("/api/streams").status_code == 200
    assert nobody.get("/api/streams", auth=("editor", PASSWORD)).status_code == 401


def test_a_form_leads_to_the_step_of_the_code(api: RunningApi, nobody: httpx.Client) -> None:
    with api.client("editor") as editor:
        app, _ = enrol(editor, 2, api.clock, PASSWORD)
    api.clock.seconds += 60
    answer = nobody.post("/api/auth/login", data=EDITOR)
    assert (answer.status_code, answer.headers["location"]) == (302, "/login.html?totp_required=true")
    assert "session" not in nobody.cookies
    assert nobody.get("/api/streams").status_code == 401
    assert nobody.post("/api/auth/login/totp", json={"code": app.code()}).status_code == 200
    assert "totp_pending" not in nobody.cookies
    assert nobody.get("/api/streams").status_code == 200


def test_with_force_mfa_nobody_learns_that_the_password_is_right(tmp_path: Path) -> None:
    with running_api(tmp_path, code_with_password=True) as api, api.client(None) as nobody:
        assert nobody.get("/api/auth/login/config").json()["force_mfa_on_login"] is True
        with api.client("editor") as editor:
            app, _ = enrol(editor, 2, api.clock, PASSWORD)
        api.clock.seconds += 60
        refused = [
            nobody.post("/api/auth/login", json=EDITOR | other)
            for other in (
                {"password": "wrong"},
                {},
                {"totp_code": app.wrong()},
                {"password": "wrong", "totp_code": "1"},
            )
        ]
        assert {(answer.status_code, answer.text) for answer in refused} == {(401, '{"error":"Invalid credentials"}')}
        # Four were counted, the one with the right password among them.
        assert nobody.post("/api/auth/login", json=EDITOR | {"totp_code": app.code()}).status_code == 200
        for _ in range(5):
            nobody.post("/api/auth/login", json=EDITOR)
        assert nobody.post("/api/auth/login", json=EDITOR).status_code == 429
        assert nobody.post("/api/auth/login", json={"username": "watcher", "password": PASSWORD}).status_code == 200


def test_with_force_mfa_nobody_learns_it_by_wrong_codes_from_several_addresses(tmp_path: Path) -> None:
    options = ApiOptions("1", trusted_proxies="127.0.0.1")
    with running_api(tmp_path, code_with_password=True, options=options) as api, api.client() as admin:
        app, _ = enrol(admin, 2, api.clock)
        api.clock.seconds += 60

        def ask(number: int, password: str, code: str) -> tuple[int, str]:
            headers = {"X-Forwarded-For": f"203.0.113.{number}"}
            body = EDITOR | {"password": password, "totp_code": code}
            answer = api.client(None).post("/api/auth/login", json=body, headers=headers)
            return answer.status_code, answer.text

        right = [ask(number, PASSWORD, app.wrong()) for number in range(8)]
        wrong = [ask(number + 100, "wrong", app.wrong()) for number in range(8)]
        assert set(right) == set(wrong) == {(401, '{"error":"Invalid credentials"}')}
        # Codes are not looked at any more, and a right one waits as well.
        assert ask(200, PASSWORD, app.code())[0] == 401
        api.clock.seconds += 301
        assert ask(201, PASSWORD, app.code())[0] == 200


def test_the_first_authenticator_takes_the_password_or_a_login_of_just_now(api: RunningApi) -> None:
    with api.client("editor") as by_key, api.client(None) as by_session:
        assert by_key.post(f"{TOTP}/setup").status_code == 400
        by_session.post("/api/auth/login", json=EDITOR).raise_for_status()
        assert by_session.post(f"{TOTP}/setup").status_code == 200
        assert by_session.post(f"{TOTP}/setup", json={"password": "wrong"}).status_code == 401
        api.clock.seconds += 901
        refused = by_session.post(f"{TOTP}/setup")
        assert (refused.status_code, "password" in refused.json()["error"]) == (400, True)
        assert by_session.post(f"{TOTP}/setup", json={"password": PASSWORD}).status_code == 200
        # Basic gives the password with the request.
        assert api.client(None).post(f"{TOTP}/setup", auth=("editor", PASSWORD)).status_code == 200
        with api.client() as admin:
            assert admin.post(f"{TOTP}/setup").status_code == 200


def test_a_session_alone_neither_replaces_nor_removes_an_authenticator(api: RunningApi) -> None:
    with api.client() as admin:
        app, _ = enrol(admin, 2, api.clock)
    api.clock.seconds += 60
    with api.client(None) as editor, api.client(None) as elsewhere:
        for client, steps in ((editor, 0), (elsewhere, 1)):
            client.post("/api/auth/login", json=EDITOR | {"totp_code": app.code(steps)}).raise_for_status()
        for call in ("setup", "disable"):
            assert editor.post(f"{TOTP}/{call}").status_code == 400
            assert editor.post(f"{TOTP}/{call}", json={"password": "wrong"}).status_code == 401
            assert editor.post(f"{TOTP}/{call}", json={"code": app.wrong()}).status_code == 401
        secret = editor.post(f"{TOTP}/setup", json={"password": PASSWORD}).json()["secret"]
        # The old one stays in force until the new one is verified.
        api.clock.seconds += 60
        assert api.client(None).post("/api/auth/login", json=EDITOR | {"totp_code": app.code()}).status_code == 200
        new = Authenticator(secret, api.clock)
        assert editor.post(f"{TOTP}/verify", json={"code": new.code()}).status_code == 200
        assert editor.get("/api/streams").status_code == 200
        assert elsewhere.get("/api/streams").status_code == 401
        api.clock.seconds += 60
        assert api.client(None).post("/api/auth/login", json=EDITOR | {"totp_code": app.code()}).status_code == 401
        assert editor.post(f"{TOTP}/disable", json={"code": new.code()}).status_code == 200
    logs_in(api, "editor")


@pytest.mark.parametrize("change", ["another", "none"])
def test_another_authenticator_or_none_ends_what_the_one_before_had_opened(api: RunningApi, change: str) -> None:
    with api.client() as admin, api.client(None) as own, api.client(None) as other:
        app, _ = enrol(admin, 2, api.clock)
        for client in (own, other):
            api.clock.seconds += 60
            body = EDITOR | {"totp_code": app.code(), "remember_device": True}
            client.post("/api/auth/login", json=body).raise_for_status()
            assert "trusted_device" in client.cookies
        if change == "another":
            enrol(own, 2, api.clock, PASSWORD)
        else:
            own.post(f"{TOTP}/disable", json={"password": PASSWORD}).raise_for_status()
        assert own.get("/api/auth/trusted-devices").json()["trusted_devices"] == []
        assert other.get("/api/streams").status_code == 401
        if change == "another":
            assert other.post("/api/auth/login", json=EDITOR).json().keys() == {"totp_required", "totp_token"}


def test_a_trusted_device_stands_in_for_the_code_and_never_for_the_password(api: RunningApi) -> None:
    with api.client("editor") as editor:
        app, _ = enrol(editor, 2, api.clock, PASSWORD)
    api.clock.seconds += 60
    browser = api.client(None)
    answer = finish(browser, begin(browser), app.code(), remember_device=True)
    cookies = answer.headers.get_list("set-cookie")
    device = next(cookie for cookie in cookies if cookie.startswith("trusted_device="))
    assert all(part in device for part in ("HttpOnly", "SameSite=lax", "Max-Age=2592000"))
    # It outlives logging out.
    browser.post("/api/auth/logout", headers={"Accept": "application/json"}).raise_for_status()
    assert browser.cookies["trusted_device"]
    assert browser.post("/api/auth/login", json=EDITOR).json()["success"] is True
    assert browser.post("/api/auth/login", json=EDITOR | {"password": "wrong"}).status_code == 401
    with api.client("watcher") as watcher, api.client(None) as other:
        enrol(watcher, 3, api.clock, PASSWORD)
        other.cookies["trusted_device"] = browser.cookies["trusted_device"]
        answer = other.post("/api/auth/login", json={"username": "watcher", "password": PASSWORD})
        assert answer.json().keys() == {"totp_required", "totp_token"}
    listed = browser.get("/api/auth/trusted-devices").json()["trusted_devices"]
    assert [(row["current"], row["ip_address"]) for row in listed] == [(True, "127.0.0.1")]
    assert api.client("watcher").delete(f"/api/auth/trusted-devices/{listed[0]['id']}").status_code == 404
    assert browser.delete(f"/api/auth/trusted-devices/{listed[0]['id']}").json() == {"success": True}
    assert "trusted_device" not in browser.cookies
    begin(api.client(None))


def test_a_device_is_trusted_for_its_time_and_not_beyond_a_new_password(api: RunningApi) -> None:
    with api.client("editor") as editor:
        app, _ = enrol(editor, 2, api.clock, PASSWORD)
    for change in ("days", "password"):
        api.clock.seconds += 60
        browser = api.client(None)
        finish(browser, begin(browser), app.code(), remember_device=True).raise_for_status()
        assert browser.post("/api/auth/login", json=EDITOR).json()["success"] is True
        if change == "days":
            api.clock.seconds += 30 * 86_400
        else:
            body = {"new_password": PASSWORD, "old_password": PASSWORD}
            browser.put("/api/auth/users/2/password", json=body).raise_for_status()
        begin(browser)


def test_devices_need_not_be_trusted_at_all(tmp_path: Path) -> None:
    with running_api(tmp_path, trusted_days=0) as api, api.client("editor") as editor, api.client(None) as browser:
        app, _ = enrol(editor, 2, api.clock, PASSWORD)
        api.clock.seconds += 60
        assert browser.get("/api/auth/login/config").json()["remember_device_enabled"] is False
        finish(browser, begin(browser), app.code(), remember_device=True).raise_for_status()
        assert "trusted_device" not in browser.cookies


def test_neither_secrets_nor_recovery_codes_are_stored_readably(api: RunningApi) -> None:
    with api.client("editor") as editor:
        secret = editor.post(f"{TOTP}/setup", json={"password": PASSWORD}).json()["secret"]
        app = Authenticator(secret, api.clock)
        codes = editor.post(f"{TOTP}/verify", json={"code": app.code()}).json()["recovery_codes"]
    file = str(api.database.reading.url.database)
    stored = b"".join(Path(file + suffix).read_bytes() for suffix in ("", "-wal"))
    assert b"$argon2id$" in stored
    assert not any(text.encode() in stored for text in (secret, *codes))
