"""Where backups meet the rest: what is in them, the one before an upgrade, and what follows a restore."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.engine import URL

from lightnvr import __version__
from lightnvr.backup.making import make_backup
from lightnvr.backup.model import UPGRADE, BackupFailed, Contents, KeptFile, Role
from lightnvr.backup.pace import Pace
from lightnvr.backup.replacing import finish_replacing, forget_restored, is_replacing, was_restored
from lightnvr.backup.restores import Restores
from lightnvr.backup.restoring import RestoreTargets
from lightnvr.backup.service import BackupRules, Backups
from lightnvr.backup.shelf import Shelf
from lightnvr.config import Settings
from lightnvr.db.migrating import known_revisions, migrate
from lightnvr.process import sole_owner
from lightnvr.recording.service import RecordingSync

_SYNC_S = 60.0

log = logging.getLogger(__name__)


def backup_contents(settings: Settings, settings_file: Path | None) -> Contents:
    """Return what backups of this installation are made of. `settings_file` is the lightnvr.ini that was read."""
    files = [
        KeptFile(Role.SECRET_KEY, "secret.key", settings.secret_key_file),
        KeptFile(Role.EVIDENCE_KEY, "evidence-key.pem", settings.evidence_key_file),
    ]
    if settings_file is not None:
        files.append(KeptFile(Role.SETTINGS, "lightnvr.ini", settings_file.absolute()))
    data_dir = settings.general.data_dir
    files += [
        KeptFile(Role.TLS, f"tls/{path.relative_to(data_dir).as_posix()}", path)
        for path in (settings.web.tls_cert, settings.web.tls_key)
        # Those elsewhere belong to somebody else, who renews them.
        if path is not None and path.is_relative_to(data_dir)
    ]
    return Contents(None if settings.database.url else settings.database.path, tuple(files))


def restore_targets(settings: Settings, settings_file: Path | None) -> RestoreTargets:
    """Return where what is in a backup belongs; the settings stay as they are when `settings_file` is None."""
    return RestoreTargets(
        data_dir=settings.general.data_dir,
        database=None if settings.database.url else settings.database.path,
        settings=settings_file,
        secret_key=settings.secret_key_file,
        evidence_key=settings.evidence_key_file,
        initial_password=settings.initial_password_file,
    )


def finish_restore(settings: Settings) -> bool:
    """Restore what was prepared to be restored at this start, and tell whether there was anything. Blocks.

    Settings may be other ones then. Raises AlreadyRunning, UnusableBackup, OSError.
    """
    data_dir = settings.general.data_dir
    if not is_replacing(data_dir):
        return False
    with sole_owner(data_dir):
        finish_replacing(data_dir)
    return True


async def upgrade(settings: Settings, url: URL, settings_file: Path | None = None) -> None:
    """Bring the tables to the form this version works with, after a backup when there is something to change.

    Raises BackupFailed, then nothing was changed; and what `migrate` raises.
    """

    def keep(revision: str) -> None:
        contents = backup_contents(settings, settings_file)
        shelf = Shelf(settings.backup_dir)
        try:
            made = make_backup(
                contents,
                shelf,
                reason=f"{UPGRADE}{revision}",
                version=__version__,
                created_at=int(time.time()),
                pace=Pace(hurry=True),
            )
            shelf.thin(_rules(settings).keep)
        except (BackupFailed, OSError) as error:
            raise BackupFailed(
                f"The database is of an older version and was left as it is: before it is changed, there has to be a "
                f"backup. {error} Or start with [database] backup_before_upgrade = false."
            ) from error
        log.warning("the database is upgraded from revision %s; what it was is in %s", revision, made.path)

    wanted = settings.database.backup_before_upgrade and not settings.database.url
    await migrate(url, keep if wanted else None)


@asynccontextmanager
async def safekeeping(
    settings: Settings, settings_file: Path | None, sync: RecordingSync, current: Callable[[], Settings]
) -> AsyncIterator[tuple[Backups, Restores]]:
    """Make backups while the context is open, and find recordings made since the backup that was restored last.

    `settings` are those of the start; `current` tells how often backups are made now.
    """
    contents, shelf = backup_contents(settings, settings_file), Shelf(settings.backup_dir)
    backups = Backups(contents, shelf, lambda: _rules(current()), __version__, time.time)
    restores = Restores(shelf, restore_targets(settings, settings_file), known_revisions(), time.time)
    tasks = [
        asyncio.create_task(backups.run(), name="backups"),
        asyncio.create_task(_catch_up(settings.general.data_dir, sync), name="sync after restore"),
    ]
    try:
        yield backups, restores
    finally:
        for task in tasks:
            task.cancel()
        await backups.close()
        await asyncio.wait(tasks)


async def _catch_up(data_dir: Path, sync: RecordingSync) -> None:
    if not await asyncio.to_thread(was_restored, data_dir):
        return
    sync.start()
    while (progress := await sync.wait(_SYNC_S)).running:
        pass
    # Not before, and not while a disk is missing: the next start does it again.
    if not progress.error and not progress.unavailable:
        await asyncio.to_thread(forget_restored, data_dir)


def _rules(settings: Settings) -> BackupRules:
    database = settings.database
    return BackupRules(
        database.backup_interval_minutes * 60, database.backup_retention_count, database.post_backup_script
    )
