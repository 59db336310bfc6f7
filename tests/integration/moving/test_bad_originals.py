"""What cannot be taken over is left out and named, and the rest comes along."""

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from lightnvr.config import CommandLine, load_settings
from tests.integration.moving.conftest import Import
from tests.rig.film import Recipe
from tests.rig.original import OriginalInstallation
from tests.server_process import COMMAND, ServerProcess

NOON = int(time.time()) // 86_400 * 86_400 - 86_400 + 43_200
BRIEF = Recipe(seconds=1)


def stored(folder: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{folder / 'data/lightnvr.db'}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("lightnvr.db", b"this is no database, whatever its name says", "is no SQLite database"),
        ("lightnvr.db", b"", "is no SQLite database"),
        ("lightnvr.db", b"SQLite format 3\0" + bytes(200), "is no SQLite database, or it is damaged"),
        ("lightnvr.ini", b"[storage\n", "the section has no closing bracket"),
        ("lightnvr.ini", b"[database]\npath = /nowhere/at all.db\n", "--map /nowhere=FOLDER"),
    ],
)
def test_what_is_no_installation_is_refused_in_a_sentence(
    tmp_path: Path, take_over: Import, name: str, content: bytes, said: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)

    result = take_over(file)

    assert (result.returncode, "Traceback" in result.stderr) == (1, False)
    assert said in result.stderr
    assert file.read_bytes() == content


def test_other_databases_and_nothing_at_all_are_refused(tmp_path: Path, take_over: Import) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE cats (name TEXT)")
        connection.commit()

    assert "it has no table streams" in take_over(tmp_path / "other.db").stderr
    assert "is not there" in take_over(tmp_path / "none.ini").stderr
    (tmp_path / "empty").mkdir()
    assert "neither a lightnvr.ini nor a lightnvr.db" in take_over(tmp_path / "empty").stderr


def test_our_own_database_is_not_the_original(tmp_path: Path, take_over: Import) -> None:
    original = OriginalInstallation(tmp_path / "data")

    result = take_over(original.database)

    assert result.returncode == 1
    assert "give a folder of its own with --data-dir" in result.stderr


def test_a_running_server_is_not_disturbed(original: OriginalInstallation, take_over: Import, tmp_path: Path) -> None:
    original.insert("streams", name="yard", url="rtsp://127.0.0.1:9/yard")
    with ServerProcess([COMMAND, "serve"], tmp_path):
        result = take_over(original.database)
        planned = take_over(original.database, "--dry-run")

    assert (result.returncode, planned.returncode) == (1, 0)
    assert "Another LightNVR is running with the data folder" in result.stderr
    assert "1 would be taken over" in planned.stdout


def test_what_a_newer_version_added_is_named(original: OriginalInstallation, take_over: Import) -> None:
    original.insert("streams", name="yard", url="rtsp://127.0.0.1:9/yard")
    original.execute("ALTER TABLE streams ADD COLUMN warp_factor INTEGER DEFAULT 9")
    original.execute("CREATE TABLE holograms (id INTEGER)")
    original.execute("INSERT INTO holograms VALUES (1)")
    original.execute("INSERT INTO schema_migrations VALUES ('0051', 1)")

    result = take_over(original.database)

    assert result.returncode == 3
    assert "streams      1 taken over" in result.stdout
    assert "its tables have version 51, and up to 46 are known" in result.stdout
    assert "not taken over: the column warp_factor of streams: " in result.stdout
    assert "not taken over: the table holograms: " in result.stdout


def test_recordings_without_a_file_that_plays_are_named(
    original: OriginalInstallation, take_over: Import, tmp_path: Path
) -> None:
    original.record("yard", NOON, BRIEF)
    _, gone = original.record("yard", NOON + 10, BRIEF)
    gone.unlink()
    _, torn = original.record("yard", NOON + 20, BRIEF, index_first=False)
    torn.write_bytes(torn.read_bytes()[: torn.stat().st_size // 2])
    _, other = original.record("yard", NOON + 30, BRIEF)
    other.write_text("This is no MP4.")
    _, outside = original.record("yard", NOON + 40, BRIEF)
    shutil.move(outside, tmp_path / "elsewhere.mp4")
    original.execute(f"UPDATE recordings SET file_path = '{tmp_path / 'elsewhere.mp4'}' WHERE id = 5")
    _, link = original.record("yard", NOON + 50, BRIEF)
    link.unlink()
    link.symlink_to(tmp_path / "elsewhere.mp4")
    original.record("yard", NOON + 60, BRIEF)
    original.execute("UPDATE recordings SET file_path = (SELECT file_path FROM recordings WHERE id = 1) WHERE id = 7")
    original.record("yard", NOON + 70, BRIEF, start_time=None)
    original.record("yard", NOON + 80, BRIEF, start_time=NOON + 10**9)
    original.record("yard", NOON + 90, BRIEF, stream_name="a/b")
    original.insert("recordings", stream_name="yard", file_path="/../../etc/passwd", start_time=NOON, is_complete=1)
    before = {path: path.read_bytes() for path in original.recordings.rglob("*.mp4")}

    result = take_over(original.write_settings())

    assert result.returncode == 3
    reasons = {
        2: "The file is missing.",
        3: "The file cannot be played: it has no index",
        4: "The file cannot be played: it is no MP4",
        5: "It lies outside of the folders of recordings.",
        6: "It is a link or a folder, and no file.",
        7: "Another recording has the same file.",
        8: "It is not known when it began.",
        9: "It begins in the future.",
        10: "Its stream has a name that is not possible here.",
        11: "Its path is not one of a file of the original.",
    }
    lines = [line for line in result.stdout.splitlines() if line.startswith("not taken over: recording ")]
    for line, (key, reason) in zip(sorted(lines, key=_number), reasons.items(), strict=True):
        assert f"recording {key}," in line
        assert reason in line
    assert "recordings   1 taken over, 10 not taken over" in result.stdout
    assert {path: path.read_bytes() for path in original.recordings.rglob("*.mp4")} == before
    assert len(stored(tmp_path, "SELECT id FROM recordings")) == 1


def test_what_can_be_read_of_a_damaged_database_is_taken_over(
    original: OriginalInstallation, take_over: Import, tmp_path: Path
) -> None:
    original.insert("streams", name="yard", url="rtsp://127.0.0.1:9/yard")
    _, path = original.record("yard", NOON - 4000, BRIEF)
    with closing(sqlite3.connect(original.database)) as connection:
        for number in range(1, 3000):
            copy = str(path.with_name(f"recording_{number}_{'x' * 80}.mp4"))
            connection.execute(
                "INSERT INTO recordings (stream_name, file_path, start_time) VALUES ('yard', ?, ?)",
                (copy, NOON - 4000 + number),
            )
        connection.commit()
    content = bytearray(original.database.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 8192] = b"\xab" * 8192
    original.database.write_bytes(content)

    result = take_over(original.write_settings())

    assert (result.returncode, "Traceback" in result.stderr) == (3, False), result.stderr
    assert "streams      1 taken over" in result.stdout
    assert "recordings   1 taken over" in result.stdout
    assert "The table recordings is damaged, and its rest cannot be read" in result.stdout


def _number(line: str) -> int:
    return int(line.split()[4].rstrip(","))


def test_streams_and_users_that_cannot_be_are_named(
    original: OriginalInstallation, take_over: Import, tmp_path: Path
) -> None:
    original.insert("streams", name="good", url="rtsp://127.0.0.1:9/good", segment_duration=5, retention_days=900)
    original.insert("streams", name="a/b", url="rtsp://127.0.0.1:9/slash")
    original.insert("streams", name="file", url="/dev/video0")
    original.insert("streams", name=" good ", url="rtsp://127.0.0.1:9/again")
    original.add_user("owner", "a good password")
    original.add_user("stranger", "a good password", role="superuser")
    original.add_user("by name", "a good password", role="viewer")
    original.insert("users", username="broken", password_hash="none", salt="", role="0")
    original.add_user("wrong factor", "a good password", totp_secret="!!!", totp_enabled=1)
    original.insert(
        "detection_zones",
        id="z1",
        stream_name="good",
        name="door",
        polygon='[{"x":0,"y":0},{"x":1,"y":0},{"x":1,"y":1}]',
    )
    original.insert("detection_zones", id="z2", stream_name="good", name="line", polygon='[{"x":0,"y":0}]')
    original.insert("detection_zones", id="z3", stream_name="gone", name="far", polygon="[]")

    result = take_over(original.database)

    assert result.returncode == 3
    assert "streams      1 taken over, 3 not taken over" in result.stdout
    assert "not taken over: stream file: url is not the address of a camera" in result.stdout
    assert "There is another stream of this name." in result.stdout
    assert "changed: stream good: segment_duration is 5, which is not possible here; it is 900 now" in result.stdout
    assert "users        2 taken over, 3 not taken over" in result.stdout
    assert "user stranger: Its role 'superuser' is not known." in result.stdout
    assert "zones        1 taken over, 2 not taken over" in result.stdout
    assert stored(tmp_path, "SELECT username, role FROM users ORDER BY username") == [("by name", 2), ("owner", 0)]
    assert stored(tmp_path, "SELECT name, segment_duration, retention_days FROM streams") == [("good", 900, 0)]


def test_secrets_are_never_printed(original: OriginalInstallation, take_over: Import) -> None:
    original.insert(
        "streams",
        name="yard",
        url="rtsp://me:hush-hush@127.0.0.1:9/x",
        onvif_password="q" * 80,
        publish_url="ftp://a:hush@b/",
    )
    original.insert("streams", name="bad", url="nothing://me:hush-hush@127.0.0.1/")
    original.add_user("owner", "hush password", api_key="hush" * 8, totp_secret="JBSWY3DPEHPK3PXP", totp_enabled=1)

    result = take_over(original.database)

    printed = result.stdout + result.stderr
    assert "changed: stream yard: onvif_password" in printed
    assert "hush" not in printed
    assert "qqq" not in printed
    assert "JBSWY3DP" not in printed


def test_the_password_that_everybody_knows_is_replaced(
    original: OriginalInstallation, take_over: Import, tmp_path: Path
) -> None:
    original.add_user("admin", "admin")

    result = take_over(original.database)

    password = (tmp_path / "data/initial-admin-password.txt").read_text().strip()
    assert f"Log in as admin with the password {password}" in result.stdout
    with ServerProcess([COMMAND, "serve"], tmp_path) as server, server.client() as client:
        assert client.get("/api/streams", auth=("admin", "admin")).status_code == 401
        assert client.get("/api/streams", auth=("admin", password)).status_code == 200


def test_files_that_have_another_place_now_are_found(
    original: OriginalInstallation, take_over: Import, tmp_path: Path
) -> None:
    original.record("yard", NOON, BRIEF)
    original.write_settings()
    now = tmp_path / "host"
    shutil.move(original.folder, now)

    lost = take_over(now / "lightnvr.ini", "--dry-run")
    found = take_over(now / "lightnvr.ini", "--map", f"{original.folder}={now}")

    assert f"--map {original.folder}=FOLDER" in lost.stderr
    assert found.returncode == 0, found.stdout
    assert "recordings   1 taken over" in found.stdout
    assert stored(tmp_path, "SELECT root FROM storages WHERE name = 'original'") == [(str(now / "recordings"),)]


def test_settings_that_the_original_could_not_read_back_are_read(
    original: OriginalInstallation, take_over: Import, tmp_path: Path
) -> None:
    long = "x" * 250
    settings = original.write_settings(
        "[web]\ntrusted_proxy_cidrs = 10.0.0.0/8\n192.168.0.0/16\n2001:db8::/32\n"
        f"[go2rtc]\nturn_password =;semi;col\x85on#\nturn_secret = {long}\nturn_username = cut ; a comment\n"
    )

    result = take_over(settings)

    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    loaded = load_settings(
        CommandLine(config=tmp_path / "data/lightnvr.ini"), environment={}, working_dir=tmp_path, system=tmp_path
    ).settings
    assert loaded.web.trusted_proxy_cidrs == "10.0.0.0/8,192.168.0.0/16,2001:db8::/32"
    assert loaded.go2rtc.turn_password == ";semi;col\x85on#"
    assert loaded.go2rtc.turn_secret == long
    assert loaded.go2rtc.turn_username == "cut"


def test_settings_that_would_do_harm_are_not_taken_over(
    original: OriginalInstallation, take_over: Import, tmp_path: Path
) -> None:
    settings = original.write_settings(
        "max_size = 1000000\n[web]\nauth_enabled = no\nbind_ip = 0.0.0.0\nport = 99999\n"
        "[database]\npost_backup_script = /bin/evil\n[web]\n"
        "password = secret of old\n[go2rtc]\nrtsp_port = 18554\nbinary_path = /usr/local/bin/go2rtc\n"
    )

    result = take_over(settings)

    written = (tmp_path / "data/lightnvr.ini").read_text()
    assert result.returncode == 3
    assert "1000000 bytes ([storage] max_size) did nothing there" in result.stdout
    assert "max_total_size" not in written
    assert "[web] port: '99999' is not possible here" in result.stdout
    assert "auth_enabled = false" in written
    assert "rtsp_port = 18554" in written.partition("[live]")[2]
    for word in ("0.0.0.0", "evil", "max_size", "99999", "secret of old", "go2rtc", str(original.folder)):
        assert word not in written
