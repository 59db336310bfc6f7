"""Puts a backup back: says what would be replaced, prepares it beside that, and replaces it as a whole."""

import hashlib
import sqlite3
import stat
from collections.abc import Collection
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lightnvr.backup.archive import opened_archive
from lightnvr.backup.manifest import Manifest, ManifestFile
from lightnvr.backup.model import Role, UnusableBackup
from lightnvr.backup.replacing import Replacement, Replacing, discard_replacing, own_like, write_replacing
from lightnvr.backup.shelf import free_bytes, sync_folder
from lightnvr.db.copying import DamagedDatabase, examine_sqlite

_SESSIONS = ("sessions", "trusted_devices")


@dataclass(frozen=True, slots=True)
class RestoreTargets:
    """Where what is in a backup belongs. `database` is None with PostgreSQL, `settings` when they are to stay."""

    data_dir: Path
    database: Path | None
    settings: Path | None
    secret_key: Path
    evidence_key: Path
    initial_password: Path


@dataclass(frozen=True, slots=True)
class RestoredFile:
    """One file that would be put in place, and whether there is one already."""

    file: ManifestFile
    target: Path
    replaces: bool


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What restoring a backup would do."""

    archive: Path
    manifest: Manifest
    files: tuple[RestoredFile, ...]


def plan_restore(archive: Path, targets: RestoreTargets, known_revisions: Collection[str]) -> RestorePlan:
    """Read and check all of a backup, and say what restoring it would do. Blocks. Raises UnusableBackup, OSError.

    Settings and keys that are the same already stay as they are: the server may not be allowed to write them.
    """
    with opened_archive(archive) as opened:
        manifest = opened.manifest
        _refuse(manifest, targets, known_revisions)
        files = []
        for file in manifest.files:
            target = _target(file, targets)
            if target is not None and not _is_there(file, target):
                files.append(RestoredFile(file, target, target.exists()))
        opened.check(lambda: None)
    return RestorePlan(archive, manifest, tuple(files))


def prepare_restore(plan: RestorePlan, targets: RestoreTargets, stamp: str) -> None:
    """Write everything beside what it will replace, which `finish_replacing` does then, now or at the next start.

    Blocks. Raises UnusableBackup, OSError; then nothing was changed. `stamp` names what is kept of the present files.
    """
    discard_replacing(targets.data_dir)
    _need_room(plan)
    staged: list[Replacement] = []
    try:
        with opened_archive(plan.archive) as opened:
            for restored in plan.files:
                target = restored.target
                target.parent.mkdir(parents=True, exist_ok=True)
                prepared = target.with_name(f".{target.name}.restoring")
                staged.append(Replacement(prepared=prepared, target=target))
                opened.extract(restored.file, prepared)
                if restored.file.role is Role.DATABASE:
                    _make_ready(prepared)
                _make_like(target, prepared)
                own_like(target if target.exists() else targets.data_dir, prepared)
                sync_folder(target.parent)
        # A program that is killed among the replacements still finds this file by the settings it has.
        staged.sort(key=lambda each: each.target == targets.settings)
        write_replacing(targets.data_dir, Replacing(stamp=stamp, files=tuple(staged), removed=_removed(plan, targets)))
    except BaseException:
        for each in staged:
            each.prepared.unlink(missing_ok=True)
        raise


def _make_like(present: Path, path: Path) -> None:
    """Let the same accounts read a file as the one it replaces."""
    with suppress(FileNotFoundError):
        path.chmod(stat.S_IMODE(present.stat().st_mode))


def _need_room(plan: RestorePlan) -> None:
    for folder in {restored.target.parent for restored in plan.files}:
        needed = sum(restored.file.size for restored in plan.files if restored.target.parent == folder)
        if free_bytes(folder) < needed:
            raise UnusableBackup(f"The backup cannot be restored: {folder} has no room for {needed} bytes.")


def _refuse(manifest: Manifest, targets: RestoreTargets, known_revisions: Collection[str]) -> None:
    database = manifest.database
    if (database.kind == "sqlite") is not (targets.database is not None):
        kinds = ("SQLite", "PostgreSQL") if database.kind == "sqlite" else ("PostgreSQL", "SQLite")
        raise UnusableBackup(
            f"This backup is of an installation with {kinds[0]}, and the settings name {kinds[1]}: make [database] url "
            "what it was then."
        )
    if database.kind == "sqlite" and database.revision not in known_revisions:
        raise UnusableBackup(
            f"This backup was made by a newer version of LightNVR, {manifest.version}: its tables have revision "
            f"{database.revision}. Restore it with that version."
        )


def _target(file: ManifestFile, targets: RestoreTargets) -> Path | None:
    match file.role:
        case Role.DATABASE:
            return targets.database
        case Role.SETTINGS:
            return targets.settings
        case Role.SECRET_KEY:
            return targets.secret_key
        case Role.EVIDENCE_KEY:
            return targets.evidence_key
        case Role.TLS:
            return targets.data_dir / _inside(file.name)


def _is_there(file: ManifestFile, target: Path) -> bool:
    if file.role is Role.DATABASE or not target.is_file() or target.stat().st_size != file.size:
        return False
    return hashlib.sha256(target.read_bytes()).hexdigest() == file.sha256


def _inside(name: str) -> PurePosixPath:
    """Return the path below the data folder. A backup may come from anywhere: it must not lead out of the folder."""
    path = PurePosixPath(name).relative_to("tls") if name.startswith("tls/") else PurePosixPath("/")
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise UnusableBackup(f"The backup cannot be used: {name} would lie outside of the data folder.")
    return path


def _removed(plan: RestorePlan, targets: RestoreTargets) -> tuple[Path, ...]:
    """Return what of the present installation must not stay beside what is restored."""
    if targets.database is None or all(restored.file.role is not Role.DATABASE for restored in plan.files):
        return ()
    # The first password of admin is that of the database which goes.
    return (targets.initial_password,)


def _make_ready(database: Path) -> None:
    try:
        examine_sqlite(database)
        # Whoever was logged out since must not be logged in again.
        with closing(sqlite3.connect(database)) as connection, connection:
            for table in _SESSIONS:
                with suppress(sqlite3.OperationalError):  # older revisions have no such table
                    connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
    except (DamagedDatabase, sqlite3.Error) as error:
        raise UnusableBackup(f"The backup cannot be used. {error}") from error
