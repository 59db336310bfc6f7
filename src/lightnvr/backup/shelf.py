"""The folder that backups are kept in. What is not whole is never among them."""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from lightnvr.backup.model import UPGRADE, BackupNotFound, StoredBackup

_NAME = re.compile(r"lightnvr_backup_(\d{8}_\d{6})_([a-z0-9-]{1,64})_[0-9a-f]{16}\.zip")
_TIME = "%Y%m%d_%H%M%S"
_DRAFT = ".draft-"


class Shelf:
    """Backups in a folder, named after when (UTC) and why they were made, with a part that cannot be guessed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def every(self) -> tuple[StoredBackup, ...]:
        """Return all backups, the newest first. Blocks. Raises OSError."""
        try:
            entries = list(os.scandir(self.folder))
        except FileNotFoundError:
            return ()
        found = [_stored(entry) for entry in entries if entry.is_file(follow_symlinks=False)]
        kept = [backup for backup in found if backup is not None]
        return tuple(sorted(kept, key=lambda backup: (backup.created_at, backup.filename), reverse=True))

    def find(self, filename: str) -> StoredBackup:
        """Return one backup. Blocks. Raises BackupNotFound, OSError."""
        for backup in self.every():
            if backup.filename == filename:
                return backup
        raise BackupNotFound(filename)

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """Make a folder to prepare a backup in, and remove it afterwards with all that is in it. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = self.folder / f"{_DRAFT}{secrets.token_hex(8)}"
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def add(self, draft: Path, created_at: int, reason: str) -> StoredBackup:
        """Give a file that is complete and synced its name among the backups. Raises OSError."""
        stamp = datetime.fromtimestamp(created_at, UTC).strftime(_TIME)
        path = self.folder / f"lightnvr_backup_{stamp}_{reason}_{secrets.token_hex(8)}.zip"
        draft.rename(path)
        sync_folder(self.folder)
        return StoredBackup(path.name, path, created_at, reason, path.stat().st_size)

    def remove(self, filename: str) -> None:
        """Delete a backup. Raises BackupNotFound, OSError."""
        try:
            self.find(filename).path.unlink()
        except FileNotFoundError:
            raise BackupNotFound(filename) from None

    def thin(self, keep: int) -> None:
        """Leave the newest `keep` backups of each reason, one at least. Raises OSError."""
        counts: dict[str, int] = {}
        for backup in self.every():
            reason = UPGRADE if backup.reason.startswith(UPGRADE) else backup.reason
            counts[reason] = counts.get(reason, 0) + 1
            if counts[reason] > max(1, keep):
                backup.path.unlink(missing_ok=True)

    def clear_drafts(self) -> None:
        """Remove what was begun and not finished by a program that was killed. Nobody may be making a backup."""
        for draft in self.folder.glob(f"{_DRAFT}*"):
            shutil.rmtree(draft, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Make names in a folder survive a power cut. Blocks. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_bytes(folder: Path) -> int:
    """Return how much can be written to a folder, which need not be there yet. Raises OSError."""
    return shutil.disk_usage(next(each for each in (folder, *folder.parents) if each.exists())).free


def _stored(entry: os.DirEntry[str]) -> StoredBackup | None:
    name = _NAME.fullmatch(entry.name)
    if name is None:
        return None
    try:
        created = datetime.strptime(name[1], _TIME).replace(tzinfo=UTC)
        size = entry.stat(follow_symlinks=False).st_size
    except (ValueError, FileNotFoundError):
        return None
    return StoredBackup(entry.name, Path(entry.path), int(created.timestamp()), name[2], size)
