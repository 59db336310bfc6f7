"""The program that is run when a backup was made, to take it to another place."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from lightnvr.backup.model import BackupAbandoned, BackupFailed, StoredBackup

_LOOK_S = 0.2
_LONGEST_LOOKS = 3600 * 5
_PASSED_ON = ("PATH", "HOME", "LANG", "TZ")


def run_afterwards(program: Path, made: StoredBackup, database: Path | None, goes_on: Callable[[], bool]) -> None:
    """Run a program, not through a shell, with backup, database and folder of backups; wait an hour at most. Blocks.

    The database is an empty word with PostgreSQL. Raises BackupFailed when the program fails, BackupAbandoned when
    `goes_on` came to return False. The environment of this process, which may hold passwords, is not passed on.
    """
    words = [str(program), str(made.path), "" if database is None else str(database), str(made.path.parent)]
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    try:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, env=environment, cwd="/")  # noqa: S603
    except OSError as error:
        raise BackupFailed(
            f"The backup was made, but [database] post_backup_script, {program}, cannot be run: {error.strerror}."
        ) from error
    for _ in range(_LONGEST_LOOKS):
        try:
            status = process.wait(_LOOK_S)
        except subprocess.TimeoutExpired:
            if goes_on():
                continue
            process.kill()
            process.wait()
            raise BackupAbandoned("The program after the backup was ended: the server is being stopped.") from None
        if status:
            raise BackupFailed(
                f"The backup was made, but [database] post_backup_script, {program}, ended with status {status}."
            )
        return
    process.kill()
    process.wait()
    raise BackupFailed(f"The backup was made, but [database] post_backup_script, {program}, did not end in an hour.")
