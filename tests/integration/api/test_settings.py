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
        ({"web_port": 70_000}, "web_port"),
        ({"go2rtc_rtsp_port": 65_536}, "go2rtc_rtsp_port"),
        ({"go2rtc_api_port": -1}, "go2rtc_api_port"),
        ({"buffer_size": 0}, "buffer_size"),
        ({"swap_size": 0, "use_swap": True}, "swap_size"),
        ({"max_streams": 257}, "max_streams"),
        ({"auth_timeout_hours": 0}, "auth_timeout_hours"),
        ({"syslog_ident": ""}, "syslog_ident"),
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


def test_programs_folders_and_files_are_shown_and_never_set(api: RunningApi) -> None:
    fixed = {
        "db_path", "db_post_backup_script", "go2rtc_binary_path", "go2rtc_config_dir", "log_file",
        "models_path", "mqtt_tls_ca_file", "pid_file", "storage_path", "storage_path_hls", "web_root",
    }  # fmt: skip
    assert fixed == {name for name in MEMBERS if name.endswith(("path", "path_hls", "dir", "root", "script", "file"))}
    with api.client() as client:
        before = settings(client)
        for name in fixed:
            answer = client.post("/api/settings", json={name: "/bin/true"})
            assert answer.status_code == 400, name
            assert f"{name} cannot be changed here, only in lightnvr.ini" in answer.json()["error"]
        assert settings(client) == before


def test_no_text_holds_control_characters(api: RunningApi) -> None:
    texts = {name for name, field in MEMBERS.items() if isinstance(field.default, str)}
    assert len(texts) > 20
    with api.client() as client:
        before = settings(client)
        for name in texts:
            for bad in ("\x00", "\x1b[2J", "\x7f", "\x9b2J", "\r"):
                answer = client.post("/api/settings", json={name: f"a{bad}b"})
                lines = bad == "\r" and name in {"trusted_proxy_cidrs", "go2rtc_config_override"}
                assert lines or answer.status_code == 400, (name, bad)
            if name not in {"trusted_proxy_cidrs", "go2rtc_config_override"}:
                added = client.post("/api/settings", json={name: "a\nauth_enabled = false"})
                assert added.status_code == 400, name
        client.post("/api/settings", json={"go2rtc_config_override": ""}).raise_for_status()
        assert settings(client) == before


def test_networks_of_proxies_can_be_sent_in_lines(api: RunningApi) -> None:
    with api.client() as client:
        sent = {"trusted_proxy_cidrs": "192.0.2.0/24\n2001:db8::/32", "turn_password": "semi ; colon # [x]"}
        client.post("/api/settings", json=sent).raise_for_status()
        assert settings(client)["trusted_proxy_cidrs"] == sent["trusted_proxy_cidrs"]
    assert api.services.system.settings.current.go2rtc.turn_password == sent["turn_password"]


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
