"""A server as its administrator sees it: settings that take effect, what it says of itself, its log, its end."""

import json
import platform
import re
import signal
import sqlite3
from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from lightnvr import __version__
from tests.cameras import RtspCamera, camera, film, in_thread
from tests.rig.product import all_recordings
from tests.rig.recorded import recorded_numbers
from tests.rig.waiting import until
from tests.server_process import ADMIN_PASSWORD, COMMAND, ServerProcess

pytestmark = pytest.mark.xdist_group("system")

NOWHERE = "rtsp://127.0.0.1:9/nowhere"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server without streams, which logs to a file too."""
    folder = tmp_path_factory.mktemp("system")
    with ServerProcess([COMMAND, "serve"], folder, {"LIGHTNVR_GENERAL_LOG_FILE": str(folder / "nvr.log")}) as running:
        yield running


@pytest.fixture
def client(server: ServerProcess) -> Iterator[httpx.Client]:
    with server.client() as admin:
        yield admin


def change(client: httpx.Client, **members: object) -> None:
    client.post("/api/settings", json=members).raise_for_status()


def logs(client: httpx.Client, **query: str | int) -> list[dict[str, str]]:
    found: list[dict[str, str]] = client.get("/api/system/logs", params=query).raise_for_status().json()["logs"]
    return found


def test_limits_are_in_force_at_once(client: httpx.Client) -> None:
    change(client, max_streams=1, mp4_segment_duration=60)
    made = client.post("/api/streams", json={"name": "one", "url": NOWHERE, "enabled": False}).raise_for_status()
    assert made.json()["stream"]["segment_duration"] == 60
    assert client.post("/api/streams", json={"name": "two", "url": NOWHERE}).status_code == 409
    change(client, max_streams=32)
    client.post("/api/streams", json={"name": "two", "url": NOWHERE, "enabled": False}).raise_for_status()
    for name in ("one", "two"):
        client.delete(f"/api/streams/{name}").raise_for_status()


def test_rules_of_storage_are_in_force_at_once(client: httpx.Client) -> None:
    change(client, storage_min_free_pct=3.5, retention_days=11)
    assert client.get("/api/storage/health").json()["capacity_target_free_pct"] == 3.5
    assert client.get("/api/system/info").json()["global_retention_days"] == 11
    refused = client.post("/api/settings", json={"auto_delete_oldest": True})
    assert "LIGHTNVR_STORAGE_AUTO_DELETE_OLDEST" in refused.json()["error"]
    assert refused.status_code == 400


def test_thumbnails_can_be_switched_off(client: httpx.Client) -> None:
    assert client.get("/api/recordings/thumbnail/1/0").status_code == 404
    change(client, generate_thumbnails=False)
    assert client.get("/api/recordings/thumbnail/1/0").status_code == 403
    change(client, generate_thumbnails=True)


def test_how_strict_the_login_is_can_be_changed(server: ServerProcess, client: httpx.Client) -> None:
    change(client, login_rate_limit_max_attempts=1, login_rate_limit_window_seconds=600)
    wrong = {"username": "somebody", "password": "a wrong password"}
    with httpx.Client(base_url=server.url, timeout=30) as stranger:
        assert stranger.post("/api/auth/login", json=wrong).status_code == 401
        refused = stranger.post("/api/auth/login", json=wrong)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 300
        change(client, login_rate_limit_enabled=False)
        assert stranger.post("/api/auth/login", json=wrong | {"username": "another"}).status_code == 401
        assert stranger.post("/api/auth/login", json=wrong | {"username": "another"}).status_code == 401
    change(client, login_rate_limit_enabled=True, login_rate_limit_max_attempts=5)


def test_servers_for_browsers_are_told_of_at_once(client: httpx.Client) -> None:
    change(client, turn_enabled=True, turn_server_url="turn:turn.example.org", turn_username="u", turn_password="p")
    servers = client.get("/api/ice-servers").json()["ice_servers"]
    assert {"urls": ["turn:turn.example.org"], "username": "u", "credential": "p"} in servers


def test_the_system_tells_what_really_runs(client: httpx.Client) -> None:
    info = client.get("/api/system").raise_for_status().json()
    assert info.keys() == client.get("/api/system/info").raise_for_status().json().keys()
    assert info["version"] == __version__
    assert 0 <= info["cpu"]["usage"] <= 100
    for block in (info["memory"], info["systemMemory"], info["disk"], info["systemDisk"], *info["disks"]):
        assert block["total"] > 0
        assert block["used"] + block["free"] == pytest.approx(block["total"], rel=0.01)
    assert info["memory"]["used"] > 30_000_000
    assert info["threads"] > 1
    assert info["streams"] == {"active": 0, "total": 32}
    assert info["recordings"] == {"count": 0, "size": 0}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+\.\d+", each["address"]) for each in info["network"]["interfaces"])
    versions = {item["name"]: item for item in info["versions"]["items"]}
    assert versions["LightNVR"]["version"] == __version__
    assert versions["Python"]["version"] == platform.python_version()
    assert versions["SQLite"]["version"] == sqlite3.sqlite_version
    assert {"Base OS", "PyAV", "OpenSSL", "libavcodec", "libavformat"} <= versions.keys()
    assert {item["category"] for item in versions.values()} <= {"Application", "OS", "Service", "Library"}


def test_the_status_needs_no_login(server: ServerProcess) -> None:
    found = httpx.get(f"{server.url}/api/system/status").raise_for_status().json()
    assert (found["status"], found["message"]) == ("ok", "System running normally")


def test_the_log_is_read_by_level_count_and_time(client: httpx.Client) -> None:
    usual = logs(client)
    assert any("listens on" in entry["message"] for entry in usual)
    assert all(entry["level"] != "DEBUG" for entry in usual)
    assert logs(client, count=1) == logs(client)[-1:]
    assert logs(client, last_ts=usual[0]["timestamp"])[0]["id"] == usual[1]["id"]
    assert logs(client, since="2999-01-01") == []
    assert {entry["level"] for entry in logs(client, level="error")} <= {"ERROR"}
    for count in (-1, 5001):
        assert client.get("/api/system/logs", params={"count": count}).status_code == 400
    assert client.get("/api/system/logs", params={"level": "loud"}).status_code == 400
    assert client.get("/api/system/logs", params={"since": "yesterday"}).status_code == 400


def follow(server: ServerProcess, key: str, query: str = "") -> ClientConnection:
    address = f"{server.url.replace('http', 'ws')}/api/system/logs/ws{query}"
    return connect(address, additional_headers={"X-API-Key": key}, proxy=None)


def new_key(client: httpx.Client) -> tuple[int, str]:
    """Make another administrator, and return its id and its API key."""
    body = {"username": "operator", "password": ADMIN_PASSWORD, "role": 0}
    client.post("/api/auth/users", json=body).raise_for_status()
    users = client.get("/api/auth/users").raise_for_status().json()["users"]
    number = next(user["id"] for user in users if user["username"] == "operator")
    return number, client.post(f"/api/auth/users/{number}/api-key").raise_for_status().json()["api_key"]


def test_the_log_is_followed_as_it_comes_and_more_is_logged_on_request(
    server: ServerProcess, client: httpx.Client
) -> None:
    number, key = new_key(client)
    with follow(server, key, "?since=2000-01-01&level=info") as socket:
        assert "listens on" in "".join(json.loads(socket.recv(30))["message"] for _ in range(len(logs(client))))
        change(client, log_level=3)
        client.post("/api/streams", json={"name": "lost", "url": NOWHERE}).raise_for_status()
        message = ""
        while not message.startswith("lost:"):
            message = json.loads(socket.recv(30))["message"]
        client.delete(f"/api/auth/users/{number}").raise_for_status()
        with pytest.raises(ConnectionClosed) as closed:
            deque(socket, maxlen=0)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.reason == "Logged out."
    client.delete("/api/streams/lost").raise_for_status()
    change(client, log_level=2)


def test_clearing_empties_memory_and_file(server: ServerProcess, client: httpx.Client) -> None:
    file = Path(client.get("/api/system/logs").json()["file"])
    assert "listens on" in file.read_text()
    client.post("/api/system/logs/clear").raise_for_status()
    assert "listens on" not in file.read_text()
    assert not any("listens on" in entry["message"] for entry in logs(client))
    client.post("/api/streams", json={"name": "lost", "url": NOWHERE}).raise_for_status()
    until(lambda: "lost:" in file.read_text(), "the file is written on")
    assert file.read_bytes()[:1] != b"\x00"
    client.delete("/api/streams/lost").raise_for_status()


def test_a_restart_finishes_recordings_and_goes_on_in_the_same_process(tmp_path: Path) -> None:
    with (
        in_thread(lambda: camera(film("h264", "aac"))) as cam,
        ServerProcess([COMMAND, "serve"], tmp_path, {"LIGHTNVR_STREAMS_CONNECT_TIMEOUT_S": "2"}) as server,
        server.client() as client,
    ):
        client.post("/api/streams", json={"name": "door", "url": cam.camera.url}).raise_for_status()
        change(client, retention_days=77)
        until(lambda: _recording(client), "the camera is recorded")
        sent = len(cam.camera.frames_sent)
        until(lambda: len(cam.camera.frames_sent) > sent + 20, "some pictures came")
        started = client.get("/api/system/status").json()["uptime"]
        before = server.pid

        answer = client.post("/api/system/restart").raise_for_status().json()

        assert answer == {"success": True, "message": "System is restarting"}
        until(lambda: _uptime(server) < started, "it answers again")
        assert (server.pid, server.status) == (before, None)
        with server.client() as again:
            assert again.get("/api/settings").json()["retention_days"] == 77
            first = all_recordings(again, "door")[0]
            assert first["complete"]
            assert None not in recorded_numbers(Path(str(first["file_path"])))
            until(lambda: _recording(again), "the camera is recorded again")
            until(lambda: len(all_recordings(again, "door")) == 2, "a second recording was begun")
        assert server.output.count("listens on") == 2
        assert "mended" not in server.output
        assert "Traceback" not in server.output
        assert server.stop(signal.SIGTERM) == 0


def test_saving_settings_interrupts_no_recording(client: httpx.Client) -> None:
    with in_thread(lambda: camera(film("h264", "aac"))) as cam:
        client.post("/api/streams", json={"name": "door", "url": cam.camera.url}).raise_for_status()
        until(lambda: len(all_recordings(client, "door")) == 1, "the camera is recorded")
        (first,) = all_recordings(client, "door")
        saved = client.get("/api/settings").raise_for_status().json()
        # A page that sends everything, and what makes the original start its relay anew.
        for members in (saved, {"go2rtc_config_override": "api: {}", "turn_enabled": True, "mqtt_enabled": True}):
            assert client.post("/api/settings", json=members).json()["restart_required"] is False
            until(partial(_has_sent, cam.camera, len(cam.camera.frames_sent) + 20), "some pictures came")
        assert [row["id"] for row in all_recordings(client, "door")] == [first["id"]]
        assert cam.camera.connections_total == 1
        client.delete("/api/streams/door").raise_for_status()
        change(client, go2rtc_config_override="", turn_enabled=False, mqtt_enabled=False)


def test_a_shutdown_ends_the_process_well(tmp_path: Path) -> None:
    with ServerProcess([COMMAND, "serve"], tmp_path) as server, server.client() as client:
        answer = client.post("/api/system/shutdown").raise_for_status().json()
        assert answer == {"success": True, "message": "System is shutting down"}
        assert server.wait() == 0


def _recording(client: httpx.Client) -> bool:
    streams = client.get("/api/streams").raise_for_status().json()["streams"]
    return any(stream["recording"] == "recording" for stream in streams)


def _has_sent(cam: RtspCamera, pictures: int) -> bool:
    return len(cam.frames_sent) >= pictures


def _uptime(server: ServerProcess) -> float:
    try:
        found: float = httpx.get(f"{server.url}/api/system/status", timeout=5).json()["uptime"]
    except httpx.TransportError:
        return 1e9
    return found
