"""Whatever happens while a backup is made, there is a whole one or none."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lightnvr.backup import making
from lightnvr.backup.archive import opened_archive
from lightnvr.backup.model import BackupFailed
from tests.unit.backup.rig import installation

_ROOT = Path(__file__).parents[2]
_SLOW_BACKUP = """
import sys
from pathlib import Path
from lightnvr.backup.pace import Pace
from tests.unit.backup.rig import Installation

class Slow(Pace):
    def rest(self):
        print("step", flush=True)
        sys.stdin.readline()

Installation(Path(sys.argv[1])).back_up(pace=Slow())
print("done", flush=True)
"""


def test_a_program_that_is_killed_while_making_a_backup_leaves_none(tmp_path: Path) -> None:
    installed = installation(tmp_path / "data", *[f"camera {number}" for number in range(100)])
    kept = installed.back_up()
    killed = 0
    while _killed_after(installed.folder, killed):
        assert installed.shelf.every() == (kept,)
        killed += 1
    # Each file is written and read again, the database is copied before.
    assert killed >= 8
    assert len(installed.shelf.every()) == 2
    for backup in installed.shelf.every():
        with opened_archive(backup.path) as opened:
            opened.check(lambda: None)
    assert any(path.name.startswith(".draft-") for path in installed.shelf.folder.iterdir())
    installed.shelf.clear_drafts()
    assert len(list(installed.shelf.folder.iterdir())) == 2


def _killed_after(folder: Path, steps: int) -> bool:
    """Kill a program that makes a backup after so many steps. False when it was done before."""
    with subprocess.Popen(
        [sys.executable, "-c", _SLOW_BACKUP, str(folder)],
        cwd=_ROOT,
        env={"PYTHONPATH": f"{_ROOT / 'src'}:{_ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        for _ in range(steps):
            assert program.stdout.readline() == "step\n"
            program.stdin.write("\n")
            program.stdin.flush()
        last = program.stdout.readline()
        if last == "step\n":
            program.send_signal(signal.SIGKILL)
            program.wait()
            return True
        assert last == "done\n"
        return False


@pytest.mark.parametrize("looks_first", [True, False])
def test_a_full_disk_gives_no_backup(
    tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch, *, looks_first: bool
) -> None:
    installed = installation(tmp_path / "data", *["x" * 1_000_000 for _ in range(30)])
    (tmp_path / "data" / "backups").symlink_to(small_disk)
    if not looks_first:
        # The disk gets full only while the backup is being made.
        monkeypatch.setattr(making, "_need_room", lambda *_: None)
    with pytest.raises(BackupFailed, match="MiB are free" if looks_first else "disk of .* is full|database or disk"):
        installed.back_up()
    assert list(small_disk.iterdir()) == []
    assert installed.shelf.every() == ()
