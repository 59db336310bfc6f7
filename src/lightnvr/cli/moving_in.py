"""What `lightnvr import` does with both sides: ours is opened, or a copy of it to try."""

import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import anyio
import typer
from cryptography.fernet import Fernet

from lightnvr.accounts.audit import Outcome
from lightnvr.accounts.first_account import FIRST_USERNAME, write_private
from lightnvr.accounts.passwords import Passwords
from lightnvr.cli.deeds import keep_deed
from lightnvr.cli.options import settings_from
from lightnvr.config import CommandLine, LoadedSettings, Settings
from lightnvr.db.engine import Database, database_url, open_database
from lightnvr.db.migrating import migrate
from lightnvr.moving.moving_in import Home, Wishes, move_in
from lightnvr.moving.original import Original, opened_original
from lightnvr.moving.places import Moved
from lightnvr.moving.report import CannotMoveIn, Report
from lightnvr.moving.settings_file import TakenSettings, take_settings
from lightnvr.moving.snapshot import snapshot
from lightnvr.moving.source import Source, find_source
from lightnvr.process import sole_owner
from lightnvr.recording.layout import DirectoryFormat
from lightnvr.safekeeping import upgrade
from lightnvr.streams.secrets import SecretBox
from lightnvr.streams.store import StreamStore
from lightnvr.wiring import FactorSeal, rules_for


@dataclass(frozen=True, slots=True)
class _Target:
    """Our side. `settings_file` is the one in use, None when there is none yet."""

    settings: Settings
    settings_file: Path | None

    @property
    def new_settings_file(self) -> Path:
        return self.settings.general.data_dir / "lightnvr.ini"


def run(
    path: Path, command_line: CommandLine, mapping: Sequence[Moved], recordings: Sequence[Path], wishes: Wishes
) -> bool:
    """Take over what `path` names, and tell what was done; return whether that was everything.

    Raises CannotMoveIn, InvalidSettings, OSError, UnusableDatabase, UnusableKeyFile.
    """
    loaded = settings_from(command_line)
    target = _Target(loaded.settings, loaded.file)
    source = find_source(path, recordings, mapping)
    _must_differ(source, loaded)
    report = Report(typer.echo)
    lock = nullcontext() if wishes.pretend else sole_owner(loaded.settings.general.data_dir)
    with lock, opened_original(source.database) as original:
        typer.echo(f"{source.database}: tables of version {original.version or 'unknown'}")
        taken = _take_settings(source, target, report, dry_run=wishes.pretend)
        anyio.run(_move_in, original, source, target, taken, wishes, report)
    typer.echo("")
    for line in report.lines(planned=wishes.pretend):
        typer.echo(line)
    return report.is_complete


def _must_differ(source: Source, loaded: LoadedSettings) -> None:
    database = loaded.settings.database
    if not database.url and database.path.exists() and database.path.samefile(source.database):
        used = f"{loaded.file} names it" if loaded.file is not None else "that is where ours would be"
        raise CannotMoveIn(
            f"{source.database} is the original's database, and {used}. Nothing is taken over into the same file: give"
            " a folder of its own with --data-dir, and name the original's settings file lightnvr.ini otherwise, for"
            " example original.ini, if ours finds it."
        )


def _take_settings(source: Source, target: _Target, report: Report, *, dry_run: bool) -> TakenSettings | None:
    """Write a settings file when there is none in use; return what is in it."""
    if not source.entries:
        return None
    if target.settings_file is not None and target.settings_file != target.new_settings_file:
        report.note(f"settings are not taken over, because {target.settings_file} is there and stays as it is")
        return None
    file = target.new_settings_file
    taken = take_settings(source.entries, report)
    text = taken.ini(target.settings.general.data_dir)
    if file.exists():
        if file.read_text(encoding="utf-8") != text:
            report.note(f"{file} is there and stays as it is")
    elif not dry_run:
        write_private(file, text)
    report.note(f"start with: lightnvr serve --config {file}")
    return taken


async def _move_in(
    original: Original,
    source: Source,
    target: _Target,
    taken: TakenSettings | None,
    wishes: Wishes,
    report: Report,
) -> None:
    storage = target.settings.storage
    if taken is not None:
        storage = storage.model_copy(update={"retention_days": taken.retention_days(storage.retention_days)})
    async with _opened(target.settings, pretend=wishes.pretend) as (database, secrets):
        home = Home(
            database=database,
            streams=StreamStore(secrets),
            seal=FactorSeal(secrets),
            hash_password=Passwords().hash,
            show_password=_ShownPassword(target.settings, pretend=wishes.pretend),
            rules_of=lambda streams: rules_for(streams, storage),
            storages=storage.roots,
            default_storage=storage.default_storage,
            directory_format=DirectoryFormat(storage.mp4_directory_format),
            max_streams=target.settings.streams.max_streams,
            now_s=int(time.time()),
        )
        outcome = Outcome.FAILED
        try:
            await move_in(original, source.folders, home, wishes, report)
            outcome = Outcome.DONE
        finally:
            # A second run, which changes nothing, is not worth an entry.
            if not wishes.pretend and (report.counts or outcome is Outcome.FAILED):
                file = target.settings.secret_key_file
                await keep_deed(database, file, "take over", str(source.database), report.counts, outcome)


@asynccontextmanager
async def _opened(settings: Settings, *, pretend: bool) -> AsyncIterator[tuple[Database, SecretBox]]:
    """Open our database; to `pretend`, a copy of it that is removed afterwards, or an empty one."""
    if not pretend:
        if not settings.database.url:
            settings.database.path.parent.mkdir(parents=True, exist_ok=True)
        secrets = SecretBox.open(settings.secret_key_file)
        url = database_url(settings.database.url, settings.database.path)
        await upgrade(settings, url)
        database = open_database(url)
        try:
            yield database, secrets
        finally:
            await database.close()
        return
    with _copied(settings) as path:
        await migrate(database_url("", path))
        database = open_database(database_url("", path))
        try:
            # Whatever is sealed is thrown away.
            yield database, SecretBox(Fernet.generate_key())
        finally:
            await database.close()


@contextmanager
def _copied(settings: Settings) -> Iterator[Path]:
    if settings.database.url:
        raise CannotMoveIn("--dry-run works with SQLite only. What is taken over can be seen in an empty --data-dir.")
    if settings.database.path.exists():
        with snapshot(settings.database.path) as copy:
            yield copy
        return
    with tempfile.TemporaryDirectory(prefix="lightnvr-import-") as folder:
        yield Path(folder) / "lightnvr.db"


class _ShownPassword:
    """Shows a password that was made, once, on purpose: it is the only way in."""

    def __init__(self, settings: Settings, *, pretend: bool) -> None:
        self._file = settings.initial_password_file
        self._pretend = pretend

    def __call__(self, username: str, password: str) -> None:
        if self._pretend:
            return
        if username == FIRST_USERNAME:
            write_private(self._file, password + "\n")
        typer.echo(f"\n  Log in as {username} with the password {password}\n")
