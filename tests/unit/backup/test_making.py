"""A backup has everything in it, is whole, and only then is one."""

import hashlib
import json
import stat
import zipfile
from pathlib import Path

import pytest

from lightnvr.backup.archive import opened_archive
from lightnvr.backup.making import make_backup
from lightnvr.backup.model import (
    MANUAL,
    SCHEDULED,
    UPGRADE,
    BackupAbandoned,
    BackupFailed,
    BackupNotFound,
    Contents,
    UnusableBackup,
)
from lightnvr.backup.pace import Pace
from lightnvr.backup.shelf import Shelf
from lightnvr.db.copying import examine_sqlite
from tests.unit.backup.rig import AT, REVISION, Installation, installation


@pytest.fixture
def installed(tmp_path: Path) -> Installation:
    """An installation with two streams, without evidence."""
    return installation(tmp_path / "data", "door", "gate")


def test_everything_is_in_a_backup_that_any_program_can_open(installed: Installation, tmp_path: Path) -> None:
    made = installed.back_up()
    with zipfile.ZipFile(made.path) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {
            *("lightnvr.db", "secret.key", "lightnvr.ini", "tls/tls/cert.pem", "manifest.json")
        }
        archive.extractall(tmp_path / "out")
        manifest = json.loads(archive.read("manifest.json"))
    assert examine_sqlite(tmp_path / "out" / "lightnvr.db").rows == {"streams": 2}
    assert manifest["database"] == {"kind": "sqlite", "revision": REVISION, "rows": {"streams": 2}}
    assert (manifest["version"], manifest["created_at"], manifest["reason"]) == ("1.2.3", AT, "manual")
    for file in manifest["files"]:
        content = (tmp_path / "out" / file["name"]).read_bytes()
        assert (file["size"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def test_only_the_owner_can_read_it_and_nobody_can_guess_its_name(installed: Installation) -> None:
    first, second = installed.back_up(), installed.back_up()
    assert first.filename.startswith("lightnvr_backup_20260801_160000_manual_")
    assert first.filename != second.filename
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(first.path.parent.stat().st_mode) == 0o700
    assert {path.name for path in first.path.parent.iterdir()} == {first.filename, second.filename}


def test_with_postgresql_settings_and_keys_are_backed_up(installed: Installation) -> None:
    without = Contents(None, installed.contents.files)
    shelf = installed.shelf
    made = make_backup(without, shelf, reason=MANUAL, version="1", created_at=AT, pace=Pace(hurry=True))
    with opened_archive(made.path) as opened:
        assert opened.manifest.database.kind == "postgresql"
        assert [file.name for file in opened.manifest.files] == ["secret.key", "lightnvr.ini", "tls/tls/cert.pem"]


def test_a_database_that_is_damaged_gives_no_backup(installed: Installation) -> None:
    content = installed.database.read_bytes()
    installed.database.write_bytes(content[:4096] + bytes(len(content) - 4096))
    with pytest.raises(BackupFailed, match="The backup could not be made"):
        installed.back_up()
    assert installed.shelf.every() == ()
    assert list(installed.shelf.folder.iterdir()) == []


def test_a_backup_that_is_given_up_leaves_nothing(installed: Installation) -> None:
    pace = Pace()
    pace.stop()
    with pytest.raises(BackupAbandoned):
        installed.back_up(pace=pace)
    assert list(installed.shelf.folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said(installed: Installation) -> None:
    (installed.folder / "backups").write_text("a file")
    with pytest.raises(BackupFailed, match=r"backups: (Not a directory|File exists)"):
        installed.back_up()


def test_what_is_not_whole_or_not_ours_is_not_listed(installed: Installation) -> None:
    made = installed.back_up()
    folder = installed.shelf.folder
    (folder / ".draft-0123456789abcdef").mkdir()
    (folder / ".draft-0123456789abcdef" / "backup.zip").write_bytes(b"half")
    (folder / "holiday.zip").write_bytes(b"other")
    (folder / made.filename.replace("manual", "other")).symlink_to(made.path)
    assert installed.shelf.every() == (made,)
    for name in ("holiday.zip", "../secret.key", ".draft-0123456789abcdef/backup.zip", ""):
        with pytest.raises(BackupNotFound):
            installed.shelf.find(name)
    installed.shelf.clear_drafts()
    assert not (folder / ".draft-0123456789abcdef").exists()


def test_the_newest_of_each_reason_stay(installed: Installation) -> None:
    upgrades = [f"{UPGRADE}000{number}" for number in range(3)]
    for number, reason in enumerate([MANUAL, MANUAL, MANUAL, SCHEDULED, SCHEDULED, SCHEDULED, *upgrades]):
        installed.back_up(reason, at=AT + number)
    installed.shelf.thin(2)
    kept = [(backup.reason, backup.created_at - AT) for backup in installed.shelf.every()]
    assert kept == [(upgrades[2], 8), (upgrades[1], 7), (SCHEDULED, 5), (SCHEDULED, 4), (MANUAL, 2), (MANUAL, 1)]
    installed.shelf.thin(0)
    assert [backup.created_at - AT for backup in installed.shelf.every()] == [8, 5, 2]


def test_a_backup_that_was_damaged_later_is_seen(installed: Installation) -> None:
    path = installed.back_up().path
    content = path.read_bytes()
    for torn in (content[: len(content) // 2], b"", b"no zip at all", content[:300] + b"\x00\xff" + content[302:]):
        path.write_bytes(torn)
        with pytest.raises(UnusableBackup), opened_archive(path) as opened:
            opened.check(lambda: None)


def test_a_zip_of_something_else_is_no_backup(tmp_path: Path) -> None:
    path = tmp_path / "other.zip"
    for name, text in (("readme.txt", "hello"), ("manifest.json", "hello"), ("manifest.json", '{"format": 1}')):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, text)
        with pytest.raises(UnusableBackup, match="is no backup of LightNVR"), opened_archive(path):
            pass


def test_no_folder_is_no_backups(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "none")
    assert shelf.every() == ()
    shelf.clear_drafts()
