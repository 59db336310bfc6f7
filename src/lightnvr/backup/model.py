"""What a backup is, what it is made of, and what can be wrong with it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Role(StrEnum):
    """What a file of a backup is."""

    DATABASE = "database"
    SETTINGS = "settings"
    SECRET_KEY = "secret key"  # noqa: S105 - what it is, not the key itself
    EVIDENCE_KEY = "evidence key"
    TLS = "tls"
    """A certificate or its key that lay in the data folder."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that goes into backups as it is, under this name. One that is not there is left out."""

    role: Role
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Contents:
    """What backups are made of. `database` is the SQLite file; None with PostgreSQL, which has tools of its own."""

    database: Path | None
    files: tuple[KeptFile, ...]


MANUAL = "manual"
SCHEDULED = "scheduled"
UPGRADE = "upgrade-from-"
"""Reasons for which backups are made; the last is followed by the revision that the tables had."""


@dataclass(frozen=True, slots=True)
class StoredBackup:
    """A backup in the folder of backups. `created_at` is in seconds since 1970 UTC."""

    filename: str
    path: Path
    created_at: int
    reason: str
    size_bytes: int


class BackupFailed(Exception):
    """A backup could not be made; the text says why."""


class BackupAbandoned(BackupFailed):
    """The server is being stopped."""


class BackupBusy(Exception):
    """A backup is being made already."""


class BackupNotFound(Exception):
    """There is no backup of this name."""


class UnusableBackup(Exception):
    """The file is no backup, is damaged, or cannot be restored by this version; the text says which."""
