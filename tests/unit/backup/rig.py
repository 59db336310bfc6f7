"""A small installation to be backed up."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lightnvr.backup.making import make_backup
from lightnvr.backup.model import MANUAL, Contents, KeptFile, Role, StoredBackup
from lightnvr.backup.pace import Pace
from lightnvr.backup.restoring import RestoreTargets
from lightnvr.backup.shelf import Shelf

REVISION = "0007"
AT = 1_785_600_000
"""2026-08-01 16:00 UTC."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A data folder with everything that belongs into a backup."""

    folder: Path

    @property
    def database(self) -> Path:
        """Its database."""
        return self.folder / "lightnvr.db"

    @property
    def contents(self) -> Contents:
        """What its backups are made of."""
        return Contents(
            self.database,
            (
                KeptFile(Role.SECRET_KEY, "secret.key", self.folder / "secret.key"),
                KeptFile(Role.EVIDENCE_KEY, "evidence-key.pem", self.folder / "evidence-key.pem"),
                KeptFile(Role.SETTINGS, "lightnvr.ini", self.folder / "lightnvr.ini"),
                KeptFile(Role.TLS, "tls/tls/cert.pem", self.folder / "tls" / "cert.pem"),
            ),
        )

    @property
    def targets(self) -> RestoreTargets:
        """Where what is in its backups belongs."""
        return RestoreTargets(
            data_dir=self.folder,
            database=self.database,
            settings=self.folder / "lightnvr.ini",
            secret_key=self.folder / "secret.key",
            evidence_key=self.folder / "evidence-key.pem",
            initial_password=self.folder / "initial-admin-password.txt",
        )

    @property
    def shelf(self) -> Shelf:
        """Where its backups are."""
        return Shelf(self.folder / "backups")

    def back_up(self, reason: str = MANUAL, pace: Pace | None = None, at: int = AT) -> StoredBackup:
        """Make a backup."""
        return make_backup(
            self.contents, self.shelf, reason=reason, version="1.2.3", created_at=at, pace=pace or Pace(hurry=True)
        )

    def rows(self) -> list[str]:
        """What is in its database."""
        with closing(sqlite3.connect(self.database)) as connection:
            return [row[0] for row in connection.execute("SELECT name FROM streams ORDER BY name")]

    def add(self, name: str) -> None:
        """Put a row into its database."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("INSERT INTO streams VALUES (?)", (name,))


def installation(folder: Path, *names: str) -> Installation:
    """Make an installation with these streams and one login."""
    (folder / "tls").mkdir(parents=True)
    made = Installation(folder)
    with closing(sqlite3.connect(made.database)) as connection, connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (REVISION,))
        connection.execute("CREATE TABLE streams (name TEXT)")
        connection.execute("CREATE TABLE sessions (token_hash TEXT)")
        connection.execute("INSERT INTO sessions VALUES ('logged in')")
    for name in names:
        made.add(name)
    (folder / "secret.key").write_text(f"key of {names}")
    (folder / "lightnvr.ini").write_text("[web]\nport = 8443\n")
    (folder / "tls" / "cert.pem").write_text("certificate")
    return made
