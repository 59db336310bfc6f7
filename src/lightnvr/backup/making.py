"""Makes a backup and looks whether it can be used before it counts as one."""

import errno
import sqlite3
from pathlib import Path

from lightnvr.backup.archive import opened_archive, write_archive
from lightnvr.backup.manifest import Manifest, ManifestDatabase, ManifestFile
from lightnvr.backup.model import BackupAbandoned, BackupFailed, Contents, KeptFile, Role, StoredBackup, UnusableBackup
from lightnvr.backup.pace import Pace
from lightnvr.backup.shelf import Shelf, free_bytes
from lightnvr.db.copying import DamagedDatabase, copy_sqlite, examine_sqlite

DATABASE_NAME = "lightnvr.db"
_SPARE_BYTES = 8 * 1024 * 1024
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def make_backup(
    contents: Contents, shelf: Shelf, *, reason: str, version: str, created_at: int, pace: Pace
) -> StoredBackup:
    """Copy everything, check the copy, and put it among the backups. Blocks. Raises BackupFailed.

    `created_at` is in seconds since 1970 UTC. A program that is killed meanwhile leaves a draft, never half a backup.
    """
    try:
        _need_room(contents, shelf.folder)
        with shelf.draft() as draft:
            database, files = _gather(contents, draft, pace)

            def manifest(written: tuple[ManifestFile, ...]) -> Manifest:
                return Manifest(version=version, created_at=created_at, reason=reason, database=database, files=written)

            archive = draft / "backup.zip"
            write_archive(archive, files, manifest, pace.rest)
            with opened_archive(archive) as made:
                made.check(pace.rest)
            return shelf.add(archive, created_at, reason)
    except OSError as error:
        raise BackupFailed(_sentence(error, shelf.folder)) from error
    except (sqlite3.Error, DamagedDatabase, UnusableBackup) as error:
        if not pace.goes_on():
            raise BackupAbandoned("The backup was given up because the server is being stopped.") from error
        raise BackupFailed(f"The backup could not be made: {str(error).rstrip('.')}.") from error


def _gather(contents: Contents, draft: Path, pace: Pace) -> tuple[ManifestDatabase, dict[KeptFile, Path]]:
    files = {kept: kept.path for kept in contents.files if kept.path.is_file()}
    if contents.database is None:
        return ManifestDatabase(kind="postgresql"), files
    copy = draft / DATABASE_NAME
    copy_sqlite(contents.database, copy, pace.rest)
    facts = examine_sqlite(copy, pace.goes_on)
    database = ManifestDatabase(kind="sqlite", revision=facts.revision, rows=dict(facts.rows))
    return database, {KeptFile(Role.DATABASE, DATABASE_NAME, contents.database): copy, **files}


def _need_room(contents: Contents, folder: Path) -> None:
    """Raise BackupFailed when the disk would be filled: recordings may be on it, and they come first."""
    if contents.database is None:
        return
    log = contents.database.with_name(contents.database.name + "-wal")
    size = contents.database.stat().st_size + (log.stat().st_size if log.exists() else 0)
    needed = 2 * size + _SPARE_BYTES
    free = free_bytes(folder)
    if free < needed:
        raise BackupFailed(
            f"The backup could not be made: it needs about {_mib(needed)} MiB, and {_mib(free)} MiB are free in "
            f"{folder}. Make room, or choose another disk with [database] backup_path."
        )


def _mib(size_bytes: int) -> int:
    return -(-size_bytes // 2**20)


def _sentence(error: OSError, folder: Path) -> str:
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return f"The backup could not be made: the disk of {folder} is full."
    place = error.filename or folder
    return f"The backup could not be made: {place}: {reason}."
