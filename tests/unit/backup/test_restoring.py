"""Restoring replaces everything or nothing, keeps what it replaces, and takes only what can be restored."""

import json
import os
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from lightnvr.backup import replacing
from lightnvr.backup.model import UnusableBackup
from lightnvr.backup.replacing import (
    discard_replacing,
    finish_replacing,
    forget_restored,
    is_replacing,
    was_restored,
)
from lightnvr.backup.restoring import RestoreTargets, plan_restore, prepare_restore
from tests.unit.backup.rig import REVISION, Installation, installation

_STAMP = "20260802T100000Z"


def _restore(archive: Path, targets: RestoreTargets) -> tuple[Path, ...]:
    plan = plan_restore(archive, targets, (REVISION,))
    prepare_restore(plan, targets, _STAMP)
    return finish_replacing(targets.data_dir)


def _state(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup of an installation that is lost."""
    return installation(tmp_path / "lost", "door", "gate").back_up().path


def test_an_empty_machine_becomes_what_was_backed_up(backup: Path, tmp_path: Path) -> None:
    new = Installation(tmp_path / "new")
    new.folder.mkdir()
    plan = plan_restore(backup, new.targets, (REVISION,))
    assert [each.replaces for each in plan.files] == [False] * 4
    assert _state(new.folder) == {}
    assert _restore(backup, new.targets) == ()
    assert new.rows() == ["door", "gate"]
    assert (new.folder / "secret.key").read_text() == "key of ('door', 'gate')"
    assert (new.folder / "lightnvr.ini").read_text() == "[web]\nport = 8443\n"
    assert (new.folder / "tls" / "cert.pem").read_text() == "certificate"
    assert {oct(path.stat().st_mode)[-3:] for path in new.folder.rglob("*") if path.is_file()} == {"600"}
    assert was_restored(new.folder)
    forget_restored(new.folder)
    assert not was_restored(new.folder)


def test_what_is_replaced_is_kept_with_what_its_log_says(backup: Path, tmp_path: Path) -> None:
    new = installation(tmp_path / "new", "garden")
    (new.folder / "initial-admin-password.txt").write_text("of the database that goes")
    with closing(sqlite3.connect(new.database)) as reader:
        # As after a crash: what was written last is in the log beside the database only.
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM streams").fetchall()
        new.add("yard")
        kept = _restore(backup, new.targets)
    assert new.rows() == ["door", "gate"]
    old = new.folder / f"lightnvr.db.replaced-{_STAMP}"
    assert {path.name for path in kept} >= {old.name, f"{old.name}-wal", f"secret.key.replaced-{_STAMP}"}
    with closing(sqlite3.connect(old)) as connection:
        assert [row[0] for row in connection.execute("SELECT name FROM streams ORDER BY name")] == ["garden", "yard"]
    assert not (new.folder / "initial-admin-password.txt").exists()
    assert (new.folder / f"initial-admin-password.txt.replaced-{_STAMP}").exists()


def test_keys_and_settings_that_are_the_same_are_left_alone(tmp_path: Path) -> None:
    present = installation(tmp_path / "data", "door")
    archive = present.back_up().path
    (present.folder / "lightnvr.ini").write_text("[web]\nport = 8444\n")
    plan = plan_restore(archive, present.targets, (REVISION,))
    assert [(each.target.name, each.replaces) for each in plan.files] == [("lightnvr.db", True), ("lightnvr.ini", True)]


def test_nobody_is_logged_in_after_it(backup: Path, tmp_path: Path) -> None:
    new = Installation(tmp_path / "new")
    new.folder.mkdir()
    _restore(backup, new.targets)
    with closing(sqlite3.connect(new.database)) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (0,)


class Killed(BaseException):
    """The program is killed."""


def test_a_program_that_is_killed_in_the_midst_of_it_goes_on(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected: dict[str, bytes] = {}
    steps = 0
    for killed_after in range(100):
        new = installation(tmp_path / f"new {killed_after}", "garden")
        (new.folder / "initial-admin-password.txt").write_text("of the database that goes")
        plan = plan_restore(backup, new.targets, (REVISION,))
        prepare_restore(plan, new.targets, _STAMP)
        with monkeypatch.context() as patched:
            if killed_after:
                _kill_after(patched, killed_after)
            try:
                finish_replacing(new.folder)
            except Killed:
                steps += 1
            else:
                if killed_after:
                    break
        finish_replacing(new.folder)
        assert not is_replacing(new.folder)
        state = _state(new.folder)
        expected = expected or state
        assert state == expected, killed_after
    assert steps >= 6
    assert f"lightnvr.db.replaced-{_STAMP}" in expected


def _kill_after(patched: pytest.MonkeyPatch, count: int) -> None:
    done = 0

    def counted(name: str) -> None:
        original = getattr(Path, name)

        def step(self: Path, *words: object, **options: object) -> object:
            nonlocal done
            done += 1
            if done >= count:
                raise Killed
            return original(self, *words, **options)

        patched.setattr(Path, name, step)

    for name in ("rename", "replace", "unlink", "touch"):
        counted(name)


def test_what_was_only_prepared_can_be_given_up(backup: Path, tmp_path: Path) -> None:
    new = installation(tmp_path / "new", "garden")
    before = _state(new.folder)
    prepare_restore(plan_restore(backup, new.targets, (REVISION,)), new.targets, _STAMP)
    assert is_replacing(new.folder)
    assert new.rows() == ["garden"]
    discard_replacing(new.folder)
    discard_replacing(new.folder)
    assert _state(new.folder) == before
    assert finish_replacing(new.folder) == ()


def test_a_preparation_that_fails_changes_nothing(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = installation(tmp_path / "new", "garden")
    before = _state(new.folder)
    plan = plan_restore(backup, new.targets, (REVISION,))
    backup.write_bytes(backup.read_bytes()[:-2000])
    with pytest.raises(UnusableBackup):
        prepare_restore(plan, new.targets, _STAMP)
    assert _state(new.folder) == before


def _changed(backup: Path, changed: Path, **members: object) -> Path:
    """A copy of a backup with another manifest."""
    with zipfile.ZipFile(backup) as archive, zipfile.ZipFile(changed, "w") as written:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "manifest.json":
                content = json.dumps({**json.loads(content), **members}).encode()
            written.writestr(name, content)
    return changed


def test_what_cannot_be_restored_is_refused(backup: Path, tmp_path: Path) -> None:
    new = Installation(tmp_path / "new")
    new.folder.mkdir()
    with pytest.raises(UnusableBackup, match="newer version of LightNVR"):
        plan_restore(backup, new.targets, ("0001",))
    with pytest.raises(UnusableBackup, match="newer version of LightNVR"):
        plan_restore(_changed(backup, tmp_path / "format.zip", format=2), new.targets, (REVISION,))
    other = RestoreTargets(new.folder, None, None, *[new.folder / name for name in "abc"])
    with pytest.raises(UnusableBackup, match="with SQLite, and the settings name PostgreSQL"):
        plan_restore(backup, other, (REVISION,))


@pytest.mark.parametrize("name", ["tls/../../../etc/cron.d/job", "tls/..", "etc/cron.d/job", "tls/"])
def test_a_backup_cannot_write_outside_of_the_data_folder(backup: Path, tmp_path: Path, name: str) -> None:
    new = Installation(tmp_path / "new")
    new.folder.mkdir()
    file = {"role": "tls", "name": name, "path": "/etc/cron.d/job", "size": 0, "sha256": ""}
    with pytest.raises(UnusableBackup, match="outside of the data folder"):
        plan_restore(_changed(backup, tmp_path / "bad.zip", files=[file]), new.targets, (REVISION,))
    assert _state(new.folder) == {}


def test_notes_that_are_damaged_are_said(tmp_path: Path) -> None:
    (tmp_path / replacing._STEPS).write_text("half a no")  # noqa: SLF001
    with pytest.raises(UnusableBackup, match="restore the backup again"):
        finish_replacing(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can work for another account")
def test_what_root_restores_belongs_to_the_account_of_the_server(backup: Path, tmp_path: Path) -> None:
    new = installation(tmp_path / "new", "garden")
    new.database.unlink()
    (new.folder / "secret.key").chmod(0o640)
    for path in (new.folder, *new.folder.rglob("*")):
        os.chown(path, 1234, 1234)
    _restore(backup, new.targets)
    assert {path.stat().st_uid for path in new.folder.rglob("*")} == {1234}
    assert new.rows() == ["door", "gate"]
    assert oct((new.folder / "secret.key").stat().st_mode)[-3:] == "640"
