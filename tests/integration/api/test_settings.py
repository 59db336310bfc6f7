"""/api/settings: who sees what, what may be sent, and that a bad member changes nothing at all."""

import sqlite3
from pathlib import Path

import httpx
import pytest

from lightnvr.config.members import FOR_EVERYBODY, MEMBERS
from tests.integration.api.running import RunningApi


def settings(client: httpx.Client) -> dict[str, object]:
    found: dict[str, object] = client.get("/api/settings").raise_for_status().json()
    return found


def test_an_administrator_sees_every_setting(api: RunningApi) -> None:
    with api.client() as client:
        found = settings(client)
    assert set(found) == set(MEMBERS)
    assert found["retention_days"] == 30
    assert found["web_auth_enabled"] is True
    assert found["turn_password"] == ""


@pytest.mark.parametrize("user", ["editor", "watcher", "machine"])
def test_others_see_what_pages_need_and_change_nothing(api: RunningApi, user: str) -> None:
    with api.client(user) as client:
        assert set(settings(client)) == set(FOR_EVERYBODY)
        assert client.post("/api/settings", json={"retention_days": 1}).status_code == 403


def test_only_members_that_are_sent_are_changed(api: RunningApi) -> None:
    with api.client() as client:
        before = settings(client)
        answer = client.post("/api/settings", json={"retention_days": 14, "mqtt_enabled": True, "hls_disabled": 1})
        assert answer.json() == {
            "success": True,
            "restart_required": False,
            "restart_required_message": "",
            "restart_required_members": [],
            "unknown_members": [],
        }
        assert settings(client) == before | {"retention_days": 14, "mqtt_enabled": True, "hls_disabled": True}


def test_a_change_that_needs_a_restart_says_so(api: RunningApi) -> None:
    with api.client() as client:
        answer = client.post("/api/settings", json={"web_port": 9090, "log_level": 1}).json()
        assert answer["restart_required"] is True
        assert answer["restart_required_members"] == ["web_port"]
        assert "web_port" in answer["restart_required_message"]
        assert settings(client)["web_port"] == 9090


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ({"retention_days": "7"}, "retention_days"),
        ({"retention_days": 366}, "retention_days"),
        ({"retention_days": -1}, "retention_days"),
        ({"retention_days": None}, "retention_days"),
        ({"retention_days": 2.5}, "retention_days"),
        ({"mqtt_enabled": "yes"}, "mqtt_enabled"),
        ({"mqtt_qos": 3}, "mqtt_qos"),
        ({"log_level": 4}, "log_level"),
        ({"web_port": 0}, "web_port"),
        ({"mp4_directory_format": "deep"}, "mp4_directory_format"),
        ({"thumbnails_per_recording": 2}, "thumbnails_per_recording"),
        ({"syslog_facility": "LOG_KERN"}, "syslog_facility"),
        ({"mqtt_username": "a\nb"}, "mqtt_username"),
        ({"api_dialect": "klingon"}, "api_dialect"),
        ({"storage_min_free_pct": 91}, "storage_min_free_pct"),
        ({"storage_pressure_emergency_pct": 50}, "pressure_emergency_pct"),
        ({"db_path": "/tmp/other.db"}, "db_path"),
        ({"webhook_denied_networks": "10.0.0.0/33"}, "denied_networks"),
        ({"webhook_allowed_networks": "house"}, "allowed_networks"),
    ],
)
def test_a_bad_member_is_named_and_changes_nothing(api: RunningApi, sent: dict[str, object], named: str) -> None:
    with api.client() as client:
        before = settings(client)
        answer = client.post("/api/settings", json={"max_streams": 8, **sent})
        assert answer.status_code == 400, answer.text
        assert named in answer.json()["error"]
        assert settings(client) == before


def test_what_is_no_setting_is_named_and_changes_nothing(api: RunningApi) -> None:
    with api.client() as client:
        before = settings(client)
        answer = client.post("/api/settings", json={"retentiondays": 5, "max_streams": 8, "a b": None}).json()
        assert answer["unknown_members"] == ["a b", "retentiondays"]
        assert settings(client) == before | {"max_streams": 8}


def test_sending_back_what_was_read_changes_nothing(api: RunningApi) -> None:
    with api.client() as client:
        client.post("/api/settings", json={"turn_password": "hunter2", "mqtt_password": "hunter3"}).raise_for_status()
        before = settings(client)
        assert before["turn_password"] == before["mqtt_password"] == "********"
        assert client.post("/api/settings", json=before).json()["restart_required"] is False
        assert settings(client) == before
    assert api.services.system.settings.current.go2rtc.turn_password == "hunter2"
    with api.client() as client:
        client.post("/api/settings", json={"turn_password": ""}).raise_for_status()
        assert settings(client)["turn_password"] == ""


def test_a_password_is_in_the_database_encrypted_only(api: RunningApi, tmp_path: Path) -> None:
    with api.client() as client:
        client.post("/api/settings", json={"mqtt_password": "hunter2", "mqtt_username": "nvr"}).raise_for_status()
        entries = client.get("/api/audit", params={"action": "change settings"}).json()["entries"]
    with sqlite3.connect(tmp_path / "lightnvr.db") as connection:
        rows = {row[0]: row[1:] for row in connection.execute("SELECT name, value, sealed FROM settings")}
    assert rows["mqtt_username"] == ('"nvr"', 0)
    value, sealed = rows["mqtt_password"]
    assert sealed == 1
    assert "hunter2" not in value
    assert entries[0]["detail"] == "mqtt_password, mqtt_username"
    assert "hunter2" not in repr(entries)
