"""The command lightnvr, as it is typed."""

import sqlite3
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from sqlalchemy import text

from lightnvr import __version__
from lightnvr.accounts.audit import AuditLog, Deed, Outcome
from lightnvr.config import sample_ini
from lightnvr.db.engine import database_url, open_database
from lightnvr.db.migrating import migrate
from lightnvr.streams.catalog import StreamCatalog
from lightnvr.streams.model import NewStream
from lightnvr.streams.secrets import SecretBox
from lightnvr.streams.settings import StreamSettings
from lightnvr.streams.store import StreamStore
from tests.cameras import camera, film, in_thread, rtmp_camera
from tests.integration.api.conftest import Run
from tests.integration.api.running import PASSWORD, Clock
from tests.server_process import free_port


def test_check_verifies_the_audit_log(run: Run, data: Path) -> None:
    async def add(count: int) -> None:
        address = database_url("", data / "lightnvr.db")
        await migrate(address)
        database = open_database(address)
        audit = AuditLog(database, SecretBox.open(data / "secret.key").derived_key("audit log"), Clock())
        for _ in range(count):
            await audit.add(Deed("admin", 1, "log in", "", Outcome.DONE, "127.0.0.1"))
        await database.close()

    async def change() -> None:
        database = open_database(database_url("", data / "lightnvr.db"))
        async with database.writing.begin() as connection:
            await connection.execute(text("DROP TRIGGER audit_log_is_only_added_to_update"))
            await connection.execute(text("UPDATE audit_log SET address = '192.0.2.1' WHERE id = 2"))
        await database.close()

    data.mkdir(parents=True)
    anyio.run(add, 3)
    result = run("check", "--audit")
    assert (result.returncode, "3 entries, unchanged" in result.stdout) == (0, True)
    anyio.run(change)
    result = run("check", "--audit")
    assert (result.returncode, "BAD   audit log: entry 2" in result.stdout) == (1, True), result.stdout


def test_what_is_done_to_users_is_in_the_audit_log(run: Run, data: Path) -> None:
    for words in (("add", "alice"), ("password", "alice"), ("api-key", "alice"), ("delete", "alice"), ("list",)):
        typed = [] if words[0] in {"api-key", "delete", "list"} else ["--password-stdin"]
        assert run("user", *words, *typed, typed=PASSWORD).returncode == 0
    assert run("user", "delete", "nobody").returncode == 1
    with closing(sqlite3.connect(data / "lightnvr.db")) as database:
        kept = database.execute("SELECT actor, action, target, outcome, address FROM audit_log ORDER BY id").fetchall()
    done = ("add user", "change password", "generate API key", "delete user")
    assert kept == [("", action, "alice", "done", "command line") for action in done]
    assert "4 entries, unchanged" in run("check", "--audit").stdout


def test_a_password_can_be_set_without_the_key(run: Run, data: Path) -> None:
    run("user", "add", "alice", "--password-stdin", typed=PASSWORD)
    (data / "secret.key").write_text("not a key")
    result = run("user", "password", "alice", "--password-stdin", typed=PASSWORD)
    assert (result.returncode, "This is not in the audit log" in result.stderr) == (0, True)


def add_camera(data: Path, url: str, name: str = "Front Door") -> None:
    async def add() -> None:
        address = database_url("", data / "lightnvr.db")
        await migrate(address)
        database = open_database(address)
        store = StreamStore(SecretBox.open(data / "secret.key"))
        catalog = StreamCatalog(database, store, max_streams=16, segment_duration=900, now=Clock())
        await catalog.add(NewStream(name, url, StreamSettings()))
        await database.close()

    data.mkdir(parents=True, exist_ok=True)
    anyio.run(add)


def test_the_version(run: Run) -> None:
    assert run("--version").stdout == f"LightNVR {__version__}\n"


def test_the_sample_of_the_settings(run: Run) -> None:
    assert run("config", "sample").stdout == sample_ini()


def test_users_from_adding_to_deleting(run: Run) -> None:
    added = run("user", "add", "alice", "--role", "admin", "--password-stdin", typed=PASSWORD + "\n")
    assert (added.returncode, added.stdout) == (0, "alice was added with the role admin.\n")
    assert run("user", "add", "bob", "--password-stdin", typed=PASSWORD + "\n").returncode == 0
    key = run("user", "api-key", "bob")
    assert len(key.stdout.strip()) == 32
    listed = run("user", "list").stdout.splitlines()
    assert [line.split()[:2] for line in listed] == [["alice", "admin"], ["bob", "user"]]
    assert key.stdout.strip() not in "".join(listed)
    assert run("user", "password", "bob", "--password-stdin", typed="another password\n").returncode == 0
    assert run("user", "delete", "bob").stdout == "bob was deleted.\n"


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (("user", "password", "nobody", "--password-stdin"), PASSWORD, "There is no user named nobody"),
        (("user", "add", "ab", "--password-stdin"), PASSWORD, "A user name has 3 to 32 bytes"),
        (("user", "add", "alice", "--password-stdin"), "short", "A password has 8 to 1024 bytes"),
        (("user", "list", "--config", "none.ini"), "", "none.ini cannot be read"),
        (("serve", "--port", "0"), "", "It must be a whole number from 1 to 65535"),
        (("user", "list", "--data-dir", "/proc/nowhere"), "", "/proc/nowhere"),
    ],
)
def test_an_expected_failure_is_a_sentence(run: Run, words: tuple[str, ...], typed: str, said: str) -> None:
    result = run(*words, typed=typed)
    assert result.returncode == 1
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_the_last_administrator_and_a_taken_name(run: Run) -> None:
    run("user", "add", "alice", "--role", "admin", "--password-stdin", typed=PASSWORD)
    assert "the last administrator" in run("user", "delete", "alice").stderr
    assert "alice already" in run("user", "add", "alice", "--password-stdin", typed=PASSWORD).stderr


def test_checking_a_new_installation_leaves_nothing_behind(run: Run, data: Path) -> None:
    result = run("check")
    assert f"good  data folder: {data} can be made" in result.stdout
    assert "is made at the first start" in result.stdout
    assert not data.exists()


def test_checking_tells_what_is_wrong_with_a_camera_and_how_to_mend_it(run: Run, data: Path) -> None:
    add_camera(data, f"rtsp://u:secret@127.0.0.1:{free_port()}/stream")
    result = run("check")
    assert result.returncode == 1
    assert "BAD   camera Front Door: " in result.stdout
    assert "Look whether" in result.stdout
    assert "secret" not in result.stdout + result.stderr


def test_checking_tells_for_each_camera_what_it_sends_or_what_is_wrong(run: Run, data: Path) -> None:
    with (
        in_thread(lambda: camera(film("h264", "aac"))) as good,
        in_thread(lambda: camera(credentials=("viewer", "right"))) as locked,
        in_thread(lambda: camera(film(gop=450, seconds=60))) as rare,
        in_thread(lambda: camera(film(None, "aac"))) as blind,
        in_thread(lambda: rtmp_camera(credentials=("viewer", "right"))) as locked_too,
    ):
        add_camera(data, good.camera.url, "good")
        add_camera(data, locked.camera.url_as("viewer", "guessed-it"), "locked")
        add_camera(data, rare.camera.url, "rare")
        add_camera(data, blind.camera.url, "blind")
        add_camera(data, locked_too.camera.url_as("viewer", "guessed-it"), "locked too")
        add_camera(data, f"rtsp://127.0.0.1:{free_port()}/stream", "refused")
        add_camera(data, good.camera.url + "-of-another", "no path")
        result = run("check")
    said = {
        line[6:].partition(": ")[0]: line for line in result.stdout.splitlines() if line[:4].strip() in ("good", "BAD")
    }
    assert result.returncode == 1
    assert said["camera good"] == (
        "good  camera good: sends h264 320x240 at 15 pictures a second, sound in aac, a keyframe every 1 s; "
        "is recorded with sound, 900 s a file"
    )
    for name, fact, advice in (
        ("locked", "refused the user name or password", "Correct the user name and password"),
        ("locked too", "check the path, and the user name and password in it", "Correct the path"),
        ("rare", "keyframes more than 15 s apart", "set the I-frame interval of the camera to 1 to 4 seconds"),
        ("blind", "has no video", "Choose an address that carries video"),
        ("refused", "Nothing listens at", "Look whether the port is right"),
        ("no path", "has no stream at", "Correct the path"),
    ):
        line = said[f"camera {name}"]
        assert line.startswith("BAD "), line
        assert fact in line
        assert advice in result.stdout.partition(line)[2].splitlines()[1]
    assert "guessed-it" not in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


def test_checking_tells_of_a_database_and_a_key_that_cannot_be_used(run: Run, data: Path) -> None:
    data.mkdir()
    (data / "lightnvr.db").write_bytes(b"not a database" * 1000)
    result = run("check")
    assert (result.returncode, "BAD   database: " in result.stdout) == (1, True), result.stdout + result.stderr
    (data / "lightnvr.db").unlink()
    add_camera(data, "rtsp://u:secret@127.0.0.1:1/stream")
    (data / "secret.key").write_text("not a key")
    result = run("check")
    assert (result.returncode, "BAD   secret key: " in result.stdout) == (1, True), result.stdout + result.stderr
    assert "Traceback" not in result.stderr


def test_checking_tells_of_a_folder_that_cannot_be_written(run: Run) -> None:
    result = run("check", "--data-dir", "/proc/nowhere")
    assert result.returncode == 1
    assert "BAD   data folder: /proc cannot be written" in result.stdout
    assert "another folder in lightnvr.ini" in result.stdout
