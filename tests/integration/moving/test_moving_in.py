"""Who ran the original goes on with everything: cameras, logins, settings and what was recorded."""

import os
import re
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pyotp
import pytest

from tests.integration.moving.conftest import Import
from tests.rig.film import Recipe
from tests.rig.original import EARLY, LATEST, OriginalInstallation
from tests.rig.playing import play
from tests.rig.product import all_recordings
from tests.rig.waiting import until
from tests.server_process import COMMAND, ServerProcess

PASSWORD = "the old password"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
API_KEY = "k" * 32
NOON = int(time.time()) // 86_400 * 86_400 - 86_400 + 43_200
"""Yesterday, so that nothing is too old."""

SCHEDULE = ",".join("1" if hour % 2 else "0" for hour in range(168))


@contextmanager
def server_on(folder: Path) -> Iterator[ServerProcess]:
    """The real server on what was taken over into folder/data."""
    with ServerProcess([COMMAND, "serve"], folder) as server:
        yield server


def client_of(server: ServerProcess, user: str = "owner", password: str = PASSWORD) -> httpx.Client:
    return httpx.Client(base_url=server.url, auth=(user, password), timeout=30)


def fill(original: OriginalInstallation) -> None:
    """Two cameras, one user, three recordings."""
    original.insert("streams", name="Front Door", url="rtsp://viewer:s%40cret@127.0.0.1:9/one", enabled=0)
    original.insert("streams", name="yard", url="rtsp://127.0.0.1:9/two", enabled=0, segment_duration=600)
    original.add_user("owner", PASSWORD, api_key=API_KEY)
    original.record("Front Door", NOON, Recipe(seconds=4, audio=True))
    original.record("Front Door", NOON + 4, Recipe(seconds=4, audio=True, first=60))
    original.record("yard", NOON, Recipe(seconds=2))


def test_the_latest_version_is_taken_over_and_nothing_of_it_is_touched(
    original: OriginalInstallation, take_over: Import, tmp_path: Path
) -> None:
    fill(original)
    settings = original.write_settings("retention_days = 45\n[mqtt]\nbroker_host = 10.0.0.9\n[web]\nport = 8099\n")
    before = original.everything()

    result = take_over(settings)

    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    after = original.everything()
    assert after.pop("recordings/.lightnvr-storage")
    assert after == before
    with server_on(tmp_path) as server, client_of(server) as client:
        (kept,) = client.get("/api/audit", params={"action": "take over"}).raise_for_status().json()["entries"]
        assert (kept["actor"], kept["address"], kept["outcome"]) == ("", "command line", "done")
        assert kept["target"] == str(original.database)
        assert kept["detail"] == "streams 2, users 1, recordings 3"
        streams = {each["name"]: each for each in client.get("/api/streams").raise_for_status().json()["streams"]}
        assert streams["Front Door"]["url"] == "rtsp://viewer:********@127.0.0.1:9/one"
        assert streams["yard"]["segment_duration"] == 600
        rows = all_recordings(client, "Front Door")
        assert [row["start_time_unix"] for row in rows] == [NOON, NOON + 4]
        assert {row["storage"] for row in rows} == {"original"}
        played = client.get(f"/api/recordings/play/{rows[0]['id']}").raise_for_status().content
        assert play(played).numbers == list(range(60))
        assert client.get(f"/api/recordings/thumbnail/{rows[0]['id']}/1").status_code == 200


def test_a_span_of_ordinary_files_plays_as_one_playlist_and_can_be_cut(
    original: OriginalInstallation, take_over: Import, tmp_path: Path
) -> None:
    fill(original)
    take_over(original.write_settings())

    with server_on(tmp_path) as server, client_of(server) as client:
        query = {"stream": "Front Door", "start": str(NOON), "end": str(NOON + 8)}
        text = client.get("/api/timeline/manifest", params=query).raise_for_status().text
        assert text.count("#EXT-X-DISCONTINUITY") == 0
        shown = play(_as_a_player(client, text))
        assert shown.numbers == list(range(120))
        assert abs(shown.samples / 16_000 - 8) < 0.5
        assert all(later > earlier for earlier, later in zip(shown.times, shown.times[1:], strict=False))
        cut = client.get("/api/streams/Front Door/export", params={"start": str(NOON + 2), "end": str(NOON + 6)})
        assert play(cut.raise_for_status().content).numbers == list(range(30, 90))


def _as_a_player(client: httpx.Client, playlist: str) -> bytes:
    """The bytes that a player puts together: the init segment, then every range."""
    init = re.search(r'#EXT-X-MAP:URI="([^"]+)"', playlist)
    assert init is not None
    content = client.get(f"/api/timeline/{init[1]}").raise_for_status().content
    for size, offset, uri in re.findall(r"#EXT-X-BYTERANGE:(\d+)@(\d+)\n(\S+)", playlist):
        header = {"Range": f"bytes={offset}-{int(offset) + int(size) - 1}"}
        answer = client.get(f"/api/timeline/{uri}", headers=header)
        assert (answer.status_code, len(answer.content)) == (206, int(size))
        content += answer.content
    return content


def test_an_early_version_without_most_columns_is_taken_over(tmp_path: Path, take_over: Import) -> None:
    original = OriginalInstallation(tmp_path / "original", version=EARLY)
    fill(original)

    result = take_over(original.write_settings())

    assert result.returncode == 0, result.stdout + result.stderr
    with server_on(tmp_path) as server, client_of(server) as client:
        stream = client.get("/api/streams/yard").raise_for_status().json()
        assert (stream["retention_days"], stream["tags"], stream["record_on_schedule"]) == (-1, "", False)
        row = all_recordings(client, "yard")[0]
        assert (row["capture_method"], row["retention_tier"]) == ("continuous", "standard")


def test_the_old_password_is_replaced_at_the_first_login(
    original: OriginalInstallation, take_over: Import, tmp_path: Path
) -> None:
    original.add_user("owner", PASSWORD, api_key=API_KEY)
    original.add_user("second", "another old one", role="2")
    take_over(original.database)
    stored = tmp_path / "data/lightnvr.db"

    with server_on(tmp_path) as server:
        with client_of(server, password="not the password") as client:
            assert client.get("/api/streams").status_code == 401
        with client_of(server) as client:
            assert client.get("/api/streams").status_code == 200
        with httpx.Client(base_url=server.url, headers={"X-API-Key": API_KEY}) as client:
            assert client.get("/api/streams").status_code == 200
        with client_of(server) as client:
            assert client.get("/api/auth/users").status_code == 200
    hashes = _query(stored, "SELECT username, password_hash FROM users ORDER BY username")
    assert hashes[0][1].startswith("$argon2id$")
    assert hashes[1][1].startswith("pbkdf2-sha256$10000$")


def test_a_login_with_an_authenticator_goes_on(
    original: OriginalInstallation, take_over: Import, tmp_path: Path
) -> None:
    original.add_user("owner", PASSWORD, totp_secret=SECRET, totp_enabled=1)
    take_over(original.database)

    with server_on(tmp_path) as server, httpx.Client(base_url=server.url) as client:
        body = {"username": "owner", "password": PASSWORD}
        first = client.post("/api/auth/login", json=body).raise_for_status().json()
        assert first["totp_required"]
        code = pyotp.TOTP(SECRET).now()
        answer = client.post("/api/auth/login/totp", json={"totp_token": first["totp_token"], "code": code})
        assert answer.status_code == 200, answer.text
        assert client.get("/api/streams").status_code == 200
    assert SECRET.encode() not in (tmp_path / "data/lightnvr.db").read_bytes()


def test_everything_that_is_set_of_a_stream_comes_along(
    original: OriginalInstallation, take_over: Import, tmp_path: Path
) -> None:
    original.add_user("owner", PASSWORD)
    original.insert(
        "streams",
        name="Gate & yard",
        url="rtsp://127.0.0.1:9/gate",
        enabled=0,
        streaming_enabled=0,
        record=0,
        record_on_schedule=1,
        recording_schedule=SCHEDULE,
        detection_based_recording=1,
        detection_model="motion",
        detection_threshold=0.35,
        pre_detection_buffer=7,
        post_detection_buffer=20,
        is_onvif=1,
        onvif_username="onvif",
        onvif_password="s3cret",
        retention_days=12,
        detection_retention_days=90,
        max_storage_mb=2048,
        tags="outside,gate",
        privacy_mode=1,
        sub_stream_url="rtsp://127.0.0.1:9/small",
        tier_important_multiplier=4.0,
        publish_url="rtmp://127.0.0.1/live",
    )
    take_over(original.database)

    with server_on(tmp_path) as server, client_of(server) as client:
        stream = client.get("/api/streams/Gate & yard").raise_for_status().json()
    wanted = {
        "enabled": False,
        "streaming_enabled": False,
        "record": False,
        "record_on_schedule": True,
        "recording_schedule": [hour % 2 == 1 for hour in range(168)],
        "detection_model": "motion",
        "detection_threshold": 0.35,
        "pre_detection_buffer": 7,
        "post_detection_buffer": 20,
        "is_onvif": True,
        "onvif_username": "onvif",
        "onvif_password": "********",
        "retention_days": 12,
        "detection_retention_days": 90,
        "max_storage_mb": 2048,
        "tags": "outside,gate",
        "privacy_mode": True,
        "sub_stream_url": "rtsp://127.0.0.1:9/small",
        "tier_important_multiplier": 4.0,
        "publish_url": "rtmp://127.0.0.1/live",
    }
    assert {member: stream[member] for member in wanted} == wanted


def test_marks_of_recordings_come_along(original: OriginalInstallation, take_over: Import, tmp_path: Path) -> None:
    original.add_user("owner", PASSWORD)
    recipe = Recipe(seconds=2)
    kept, _ = original.record("yard", NOON, recipe, protected=1, trigger_type="detection", retention_tier=0)
    original.record("yard", NOON + 60, recipe, trigger_type="scheduled", schedule_restricted=0)
    original.record("yard", NOON + 120, recipe, retention_override_days=400, schedule_restricted=1)
    original.insert("recording_tags", recording_id=kept, tag="parcel")
    for number in range(3):
        original.insert(
            "detections",
            stream_name="yard",
            timestamp=NOON + 1,
            label="person",
            confidence=0.5 + number / 10,
            x=0.1,
            y=0.2,
            width=0.3,
            height=0.4,
        )
    result = take_over(original.write_settings())
    assert "detections   3 taken over" in result.stdout

    with server_on(tmp_path) as server, client_of(server) as client:
        first, second, third = all_recordings(client, "yard")
        assert (first["protected"], first["retention_tier"], first["tags"]) == (True, "critical", ["parcel"])
        assert first["detection_labels"] == [{"label": "person", "count": 3}]
        assert [row["capture_method"] for row in (first, second, third)] == ["detection", "continuous", "scheduled"]
        assert (second["retention_days"], third["retention_days"]) == (None, 400)
        found = client.get("/api/recordings", params={"detection_label": "person", "tag": "parcel"}).json()
        assert [row["id"] for row in found["recordings"]] == [first["id"]]
        assert client.get("/api/recordings", params={"sort": "size_bytes"}).json()["pagination"]["total"] == 3


def test_recordings_can_be_linked_and_deleting_a_link_leaves_the_file(
    original: OriginalInstallation, take_over: Import, tmp_path: Path
) -> None:
    fill(original)
    original.write_settings()
    before = original.everything()

    result = take_over(original.settings_file, "--link")
    again = take_over(original.settings_file, "--link")

    assert (result.returncode, again.returncode) == (0, 0), result.stdout + again.stdout
    assert "recordings   0 taken over, 3 there already" in again.stdout
    with server_on(tmp_path) as server, client_of(server) as client:
        rows = all_recordings(client, "Front Door")
        assert {row["storage"] for row in rows} == {"main"}
        path = Path(str(rows[0]["file_path"]))
        assert path.is_relative_to(tmp_path / "data/recordings/mp4/Front_Door")
        client.delete(f"/api/recordings/{rows[0]['id']}").raise_for_status()
        assert not path.exists()
    assert original.everything() == before


def test_new_recordings_can_go_on_where_the_original_recorded(
    original: OriginalInstallation, take_over: Import, tmp_path: Path
) -> None:
    fill(original)
    ours = tmp_path / "ours.ini"
    ours.write_text(f"[general]\ndata_dir = {tmp_path / 'data'}\n[storage]\npath = {original.recordings}\n")

    result = take_over(original.write_settings(), "--config", str(ours))

    assert result.returncode == 0, result.stdout + result.stderr
    assert f"settings are not taken over, because {ours} is there" in result.stdout
    with ServerProcess([COMMAND, "serve", "--config", ours], tmp_path) as server, client_of(server) as client:
        rows = all_recordings(client, "Front Door")
        assert {(row["storage"], row["offline"]) for row in rows} == {("main", False)}
        health = client.get("/api/storage/health").raise_for_status().json()
        assert str(original.recordings) in str(health)


def test_what_is_too_old_is_protected_unless_it_may_go(
    original: OriginalInstallation, take_over: Import, tmp_path: Path
) -> None:
    original.add_user("owner", PASSWORD)
    original.insert("streams", name="yard", url="rtsp://127.0.0.1:9/two", enabled=0, retention_days=10)
    original.record("yard", NOON - 40 * 86_400, Recipe(seconds=2))
    original.record("yard", NOON, Recipe(seconds=2))

    planned = take_over(original.write_settings(), "--dry-run", "--expire")
    done = take_over(original.settings_file)

    assert "1 recordings are older than their rules keep them: the next start DELETES them" in planned.stdout
    assert "1 recordings are older than their rules keep them. They are protected" in done.stdout
    with server_on(tmp_path) as server, client_of(server) as client:
        assert [row["protected"] for row in all_recordings(client, "yard")] == [True, False]


def test_a_dry_run_says_the_same_and_does_nothing(
    original: OriginalInstallation, take_over: Import, tmp_path: Path
) -> None:
    fill(original)
    original.write_settings()
    before = original.everything()

    planned = take_over(original.settings_file, "--dry-run")

    assert not (tmp_path / "data").exists()
    assert original.everything() == before
    done = take_over(original.settings_file)
    counts = re.findall(r"^\w+ +\d+ taken over$", done.stdout, re.MULTILINE)
    assert len(counts) == 3
    assert re.findall(r"^\w+ +\d+ would be taken over$", planned.stdout, re.MULTILINE) == [
        line.replace("taken over", "would be taken over") for line in counts
    ]


def test_a_second_run_changes_nothing(original: OriginalInstallation, take_over: Import, tmp_path: Path) -> None:
    fill(original)
    original.insert(
        "detections", stream_name="yard", timestamp=NOON, label="cat", confidence=1, x=0, y=0, width=1, height=1
    )
    take_over(original.write_settings())
    before = _dump(tmp_path / "data/lightnvr.db")

    again = take_over(original.settings_file)

    assert again.returncode == 0
    assert re.findall(r"^(\w+) +0 taken over, (\d) there already$", again.stdout, re.MULTILINE) == [
        ("streams", "2"),
        ("users", "1"),
        ("detections", "1"),
        ("recordings", "3"),
    ]
    assert _dump(tmp_path / "data/lightnvr.db") == before


def test_a_run_that_was_killed_can_be_run_again(
    original: OriginalInstallation, take_over: Import, tmp_path: Path
) -> None:
    original.add_user("owner", PASSWORD)
    _, path = original.record("yard", NOON - 80_000, Recipe(seconds=2))
    for number in range(1, 1500):
        copy = path.with_name(f"recording_{number}.mp4")
        copy.hardlink_to(path)
        original.insert(
            "recordings", stream_name="yard", file_path=str(copy), start_time=NOON - 80_000 + 40 * number, is_complete=1
        )
    original.write_settings()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        [COMMAND, "import", "--from", "lightnvr", original.settings_file, "--data-dir", tmp_path / "data"],
        stdout=subprocess.DEVNULL,
        env=os.environ | {"TMPDIR": str(temporary)},
    )
    until(lambda: _stored(tmp_path) > 0 or process.poll() is not None, "some recordings are taken over")
    process.kill()
    process.wait()
    assert list(temporary.iterdir()) == []
    interrupted_at = _stored(tmp_path)

    result = take_over(original.settings_file)

    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{1500 - interrupted_at} taken over" in result.stdout
    with server_on(tmp_path) as server, client_of(server) as client:
        assert len(all_recordings(client, "yard")) == 1500


def _stored(folder: Path) -> int:
    try:
        return int(_query(folder / "data/lightnvr.db", "SELECT count(*) FROM recordings")[0][0])
    except sqlite3.OperationalError:
        return 0


def _query(database: Path, query: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def _dump(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())


@pytest.mark.parametrize("version", [EARLY, LATEST])
def test_the_database_is_read_while_the_original_writes_it(tmp_path: Path, take_over: Import, version: int) -> None:
    original = OriginalInstallation(tmp_path / "original", version=version)
    with closing(sqlite3.connect(original.database)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("INSERT INTO streams (name, url) VALUES ('yard', 'rtsp://127.0.0.1:9/two')")
        connection.commit()
        connection.execute("INSERT INTO streams (name, url) VALUES ('not yet', 'rtsp://127.0.0.1:9/two')")
        result = take_over(original.database)
    assert "streams      1 taken over" in result.stdout
