"""The commands of lightnvr. A failure that is to be expected ends in a sentence, not in a traceback."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from lightnvr import __version__
from lightnvr.accounts.model import DuplicateUsername, InvalidAccount, LastAdministrator, UserNotFound
from lightnvr.backup.model import BackupFailed, UnusableBackup
from lightnvr.certificate import UnusableCertificate
from lightnvr.cli import check, export, moving, plan, restore, users
from lightnvr.cli.options import ConfigFile, DataDir, Host, Port, settings_from
from lightnvr.config import CommandLine, InvalidSettings, LoadedSettings, sample_ini
from lightnvr.db.engine import UnusableDatabase
from lightnvr.moving.report import CannotMoveIn
from lightnvr.playback.clip_plan import ClipNotPossible
from lightnvr.playback.evidence.signing import UnusableEvidenceKey
from lightnvr.playback.evidence.verifying import NotEvidence
from lightnvr.playback.timeline import NothingRecorded
from lightnvr.safekeeping import finish_restore
from lightnvr.streams.secrets import UnusableKeyFile

_EXPECTED = (
    BackupFailed,
    CannotMoveIn,
    ClipNotPossible,
    DuplicateUsername,
    InvalidAccount,
    InvalidSettings,
    export.InvalidSpan,
    LastAdministrator,
    NotEvidence,
    NothingRecorded,
    OSError,
    UnusableCertificate,
    UnusableBackup,
    UnusableDatabase,
    UnusableEvidenceKey,
    UnusableKeyFile,
    UserNotFound,
)

cli = typer.Typer(
    name="lightnvr",
    help="LightNVR, a network video recorder.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
config = typer.Typer(help="Settings.", no_args_is_help=True)
cli.add_typer(users.commands, name="user")
cli.add_typer(config, name="config")
cli.command("check")(check.check)
cli.command("plan")(plan.plan)
cli.command("import")(moving.import_)
cli.command("export")(export.export)
cli.command("verify")(export.verify)
cli.command("evidence-key")(export.evidence_key)
cli.command("restore")(restore.restore)


def main() -> None:
    """Run the command that was typed."""
    try:
        cli(prog_name="lightnvr")
    except DuplicateUsername as error:
        _fail(f"There is a user named {error} already.")
    except UserNotFound as error:
        _fail(f"There is no user named {error}. `lightnvr user list` shows who there is.")
    except LastAdministrator:
        _fail("This is the last administrator, who cannot be deleted: nobody could add another.")
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}." if error.filename else str(error))
    except _EXPECTED as error:
        _fail(str(error))


def _fail(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201
    sys.exit(1)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"LightNVR {__version__}")
        raise typer.Exit


@cli.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    pass


@cli.command()
def serve(config: ConfigFile = None, data_dir: DataDir = None, host: Host = None, port: Port = None) -> None:
    """Run the server on your cameras until it is stopped."""
    # Only this command needs the media libraries, which take a moment to load.
    from lightnvr.program import run  # noqa: PLC0415

    loaded = _settings_to_start_with(CommandLine(config, data_dir, host, port))
    run(loaded.settings, loaded.layers, loaded.file)


@cli.command()
def demo(
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder that the demo keeps everything in.", show_default="demo-data")
    ] = None,
    host: Host = None,
    port: Port = None,
) -> None:
    """Run the server on four demo cameras that need no hardware."""
    from lightnvr.demonstration import run_demo  # noqa: PLC0415

    if data_dir is None and not os.environ.get("LIGHTNVR_DATA_DIR"):
        data_dir = Path("demo-data")
    run_demo(_settings_to_start_with(CommandLine(None, data_dir, host, port)).settings)


@config.command()
def sample() -> None:
    """Print a lightnvr.ini with every setting, what it does, its range and its default."""
    typer.echo(sample_ini(), nl=False)


def _settings_to_start_with(line: CommandLine) -> LoadedSettings:
    loaded = settings_from(line)
    # What is restored may be other settings.
    return settings_from(line) if finish_restore(loaded.settings) else loaded
