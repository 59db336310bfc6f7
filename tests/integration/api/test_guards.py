"""Roles, errors and headers: the same for every route."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import APIRouter, FastAPI, WebSocket

from lightnvr.api.access import (
    PUBLIC,
    VIEWER,
    GuardedRoute,
    GuardedSocketRoute,
    RouteWithoutRole,
    Watcher,
    add_socket,
)
from lightnvr.api.openapi import check_roles
from tests.integration.api.running import PASSWORD, RunningApi, running_api

FOR_EVERY_USER = {
    ("delete", "/api/webrtc/{session_id}"),
    ("delete", "/go2rtc/api/webrtc/{session_id}"),
    ("delete", "/api/auth/sessions/{session_id}"),
    ("delete", "/api/auth/trusted-devices/{device_id}"),
}
"""Methods that change nothing but what the caller watches, and where the caller is logged in."""

PUBLIC_PATHS = {
    ("get", "/api/health"), ("get", "/api/health/hls"), ("post", "/api/auth/login"), ("get", "/api/auth/login/config"),
    ("post", "/api/auth/login/totp"), ("post", "/api/auth/logout"), ("get", "/logout"),
    ("get", "/api/setup/status"),
    ("get", "/api/system/status"),
}  # fmt: skip


def test_a_route_without_a_role_cannot_be_made() -> None:
    router = APIRouter(route_class=GuardedRoute)
    with pytest.raises(RouteWithoutRole, match="/open"):
        router.get("/open")(lambda: None)
    with pytest.raises(RouteWithoutRole, match="/both"):
        router.get("/both", dependencies=[PUBLIC, VIEWER])(lambda: None)


def test_an_application_with_an_ordinary_route_does_not_start() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    check_roles(app)
    app.get("/open")(lambda: None)
    with pytest.raises(RouteWithoutRole, match="/open"):
        check_roles(app)


def test_an_application_with_a_socket_that_its_router_unguards_does_not_start() -> None:
    async def watch(websocket: WebSocket, watcher: Watcher) -> None:
        await websocket.accept()

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    add_socket(app, "/guarded", watch)
    check_roles(app)
    router = APIRouter()
    router.routes.append(GuardedSocketRoute("/unguarded", watch))
    app.include_router(router)
    with pytest.raises(RouteWithoutRole, match="/unguarded"):
        check_roles(app)


def test_everything_but_a_few_paths_needs_a_login(api: RunningApi) -> None:
    with api.client(None) as nobody, api.client("watcher") as watcher:
        paths = nobody.get("/api/openapi.json").json()["paths"]
        for path, operations in paths.items():
            for method in operations:
                address = path.replace("{id}", "1").replace("{name}", "x")
                status = nobody.request(method, address).status_code
                assert (status == 401) is ((method, path) not in PUBLIC_PATHS), (method, path, status)
                changes = method in {"put", "delete"} or (method, path) == ("post", "/api/streams")
                expected = 403 if changes and (method, path) not in FOR_EVERY_USER else None
                if expected:
                    assert watcher.request(method, address, json={}).status_code == expected, (method, path)


def test_who_is_not_logged_in_learns_nothing_of_the_rest(api: RunningApi) -> None:
    with api.client(None) as nobody:
        for content in (b"{broken", b"x" * 900_000):
            answer = nobody.post("/api/streams", content=content, headers={"Content-Type": "application/json"})
            assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})
        assert nobody.get("/api/streams/unknown").status_code == 401
        assert nobody.get("/api/recordings/play/not-a-number").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404), ("POST", "/nothing", 404), ("GET", "/api/nothing", 404),
        ("GET", "/api/streams/", 404), ("GET", "/static/app.js", 404), ("GET", "/..%2f..%2fetc%2fpasswd", 404),
        ("GET", "/%252e%252e/x", 404), ("PATCH", "/api/streams/x", 405), ("DELETE", "/api/streams", 405),
        ("POST", "/api/health", 405), ("OPTIONS", "/api/streams", 405),
    ],
)  # fmt: skip
def test_errors_of_paths_and_methods(api: RunningApi, method: str, path: str, status: int) -> None:
    with api.client() as client:
        answer = client.request(method, path)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert ("allow" in answer.headers) is (status == 405)


def test_a_405_names_all_methods_of_the_path(api: RunningApi) -> None:
    with api.client() as client:
        answer = client.patch("/api/streams/x")
    assert answer.headers["allow"] == "DELETE, GET, PUT"
    assert answer.json() == {"error": "This address takes DELETE, GET, PUT, not PATCH."}


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (b"{broken", "application/json", "The body is not JSON"),
        (b"", "application/json", "must be a JSON object"),
        (b"[]", "application/json", "must be a JSON object"),
        (b'"text"', "application/json", "must be a JSON object"),
        (b"{}", "text/plain", "must be a JSON object"),
        (b"\xff\xfe", "application/json", "The body is not JSON"),
        (b"{}", "application/json", "name is missing"),
        (b"[" * 100_000, "application/json", ""),
    ],
)
def test_bodies_that_are_no_json(api: RunningApi, content: bytes, kind: str, said: str) -> None:
    with api.client() as client:
        answer = client.post("/api/streams", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert said in answer.json()["error"]


def test_bodies_that_are_too_large(api: RunningApi) -> None:
    def chunks() -> list[bytes]:
        return [b"x" * 65536] * 32

    with api.client() as client:
        for content in (b"x" * 2_000_000, iter(chunks())):
            answer = client.post("/api/streams", content=content, headers={"Content-Type": "application/json"})
            assert (answer.status_code, answer.json()) == (
                413,
                {"error": "The body of the request is larger than 1 MiB."},
            )
            login = client.post("/api/auth/login", content=b"x" * 2_000_000)
            assert login.status_code == 413


def test_an_unexpected_failure_tells_no_secrets(api: RunningApi) -> None:
    async def fail() -> None:
        raise RuntimeError("secret")

    object.__setattr__(api.services, "storage_space", fail)
    with api.client() as client:
        answer = client.get("/api/health")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert list(answer.json()) == ["error"]


def test_changes_asked_for_by_another_site_are_refused(api: RunningApi) -> None:
    body = {"name": "a", "url": "rtsp://192.0.2.1/"}
    with api.client(None) as browser:
        browser.post("/api/auth/login", json={"username": "admin", "password": PASSWORD})
        for origin in ("http://evil.example", "null", "http://127.0.0.1:1", "http://[", ""):
            answer = browser.post("/api/streams", json=body, headers={"Origin": origin})
            assert (answer.status_code, list(answer.json())) == (403, ["error"]), origin
        assert browser.get("/api/streams", headers={"Origin": "http://evil.example"}).json() == {"streams": []}
        assert browser.post("/api/streams", json=body, headers={"Origin": api.url}).status_code == 201
    with api.client() as program:
        assert program.delete("/api/streams/a", headers={"Origin": "http://home.example"}).status_code == 200


def test_without_authentication_another_site_is_refused_too(tmp_path: Path) -> None:
    with running_api(tmp_path, auth_enabled=False) as api, api.client(None) as browser:
        body = {"name": "a", "url": "rtsp://192.0.2.1/"}
        headers = {"Origin": "http://evil.example"}
        assert browser.post("/api/streams", json=body, headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["/", "/api/docs", "/api/streams", "/nothing"])
def test_security_headers_are_on_every_answer(api: RunningApi, path: str) -> None:
    answer = httpx.get(api.url + path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in answer.headers


def test_the_page_and_its_files_are_public_and_hold_no_inline_code(api: RunningApi) -> None:
    with api.client(None) as nobody:
        for path, kind in (("/", "text/html"), ("/app.js", "text/javascript"), ("/style.css", "text/css")):
            answer = nobody.get(path)
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith(kind)
        for path in ("/", "/login.html", "/api/docs"):
            text = nobody.get(path).text
            assert "<script>" not in text
            assert " style=" not in text
            assert "//" not in text.replace("rtsp://", "")


def test_the_documentation_is_complete(api: RunningApi) -> None:
    with api.client(None) as nobody:
        document = nobody.get("/api/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)
            assert "422" not in operation["responses"]
            if (method, path) not in PUBLIC_PATHS:
                assert "401" in operation["responses"], (method, path)
                assert operation["security"], (method, path)
    assert "example" in document["components"]["schemas"]["NewStreamBody"]


def test_health_tells_strangers_that_it_lives_and_users_the_rest(api: RunningApi) -> None:
    with api.client(None) as nobody, api.client("watcher") as watcher:
        assert nobody.get("/api/health").json() == {
            "healthy": True,
            "status": "healthy",
            "uptime": 86400,
            "timestamp": "2026-08-01T16:00:00Z",
        }
        api.client().post("/api/streams", json={"name": "a", "url": "rtsp://192.0.2.1/"})
        api.client().post("/api/streams", json={"name": "b", "url": "rtsp://192.0.2.1/", "enabled": False})
        health = watcher.get("/api/health").json()
    assert health["status"] == "critical"
    assert health["streams"] == {"total": 1, "up": 0, "degraded": 0, "down": 1}
    assert health["storage"] == {"used_bytes": 1000, "available_bytes": 2000, "error": ""}
    assert [stream["name"] for stream in health["streams_detail"]] == ["a"]


def test_only_streams_that_should_run_count(api: RunningApi) -> None:
    camera = {"url": "rtsp://192.0.2.1/"}
    with api.client() as client:

        def health() -> tuple[str, dict[str, int], list[str]]:
            found = client.get("/api/health").json()
            return found["status"], found["streams"], [each["name"] for each in found["streams_detail"]]

        nothing: tuple[str, dict[str, int], list[str]]
        nothing = ("healthy", {"total": 0, "up": 0, "degraded": 0, "down": 0}, [])
        one_down = ("critical", {"total": 1, "up": 0, "degraded": 0, "down": 1}, ["a"])
        assert health() == nothing
        for change, back in (
            ({"enabled": False}, {"enabled": True}),
            ({"set_privacy_mode": True}, {"set_privacy_mode": False}),
        ):
            client.post("/api/streams", json={"name": "a", **camera}).raise_for_status()
            # It was never connected to, and is told of all the same.
            assert health() == one_down
            client.put("/api/streams/a", json=change).raise_for_status()
            assert health() == nothing
            client.put("/api/streams/a", json=back).raise_for_status()
            assert health() == one_down
            client.delete("/api/streams/a").raise_for_status()
            assert health() == nothing


def test_every_error_is_json_whatever_is_quoted_in_it(api: RunningApi) -> None:
    name = 'say "hello" \\ <b>\u2028</b>'
    with api.client() as client:
        refused = [
            client.post("/api/settings", json={"api_dialect": name}),
            client.post("/api/streams", json={"name": "a", "url": name}),
            client.get("/api/audit", params={"start": name}),
            client.post("/api/system/restore", json={"filename": name}),
            client.get(f"/{name}"),
        ]
    for answer in refused:
        assert answer.status_code in {400, 404}, answer.url
        assert answer.headers["content-type"] == "application/json"
        assert isinstance(answer.json()["error"], str)


def test_a_storage_that_is_gone_is_critical(api: RunningApi) -> None:
    async def gone() -> None:
        raise OSError(5, "Input/output error")

    object.__setattr__(api.services, "storage_space", gone)
    with api.client() as client:
        health = client.get("/api/health").json()
    assert (health["status"], health["storage"]["error"]) == ("critical", "Input/output error")


def test_ice_servers(api: RunningApi) -> None:
    with api.client("watcher") as watcher:
        assert watcher.get("/api/ice-servers").json() == {"ice_servers": [{"urls": ["stun:stun.example.org:3478"]}]}


@pytest.mark.parametrize(
    "path",
    [
        "/../pages.py", "/../../etc/passwd", "/%2e%2e/pages.py", "/%252e%252e/pages.py", "/..%2fpages.py",
        "/..%252fpages.py", "/..\\pages.py", "/..%5cpages.py", "/%c0%ae%c0%ae/pages.py", "//etc/passwd",
        "/./app.js/..", "/app.js%00.html", "/backups/../secret.key", "/backups/..%2fsecret.key",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_folder_of_the_page(api: RunningApi, path: str) -> None:
    address = urlsplit(api.url)
    with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n".encode())
        status = connection.makefile("rb").readline().split()[1]
    assert status == b"404"
