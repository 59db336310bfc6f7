"""lightnvr restore: the installation as it was when a backup was made."""

import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from lightnvr.backup.archive import opened_archive
from lightnvr.backup.manifest import Manifest
from lightnvr.backup.model import Role
from lightnvr.backup.replacing import finish_replacing, own_like
from lightnvr.backup.restoring import RestorePlan, RestoreTargets, plan_restore, prepare_restore
from lightnvr.cli.options import ConfigFile, DataDir
from lightnvr.config import CommandLine, load_settings
from lightnvr.db.migrating import known_revisions
from lightnvr.process import sole_owner
from lightnvr.safekeeping import restore_targets


def restore(
    backup: Annotated[Path, typer.Argument(help="The backup: a file named lightnvr_backup_….zip.", metavar="FILE")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    keep_settings: Annotated[
        bool, typer.Option("--keep-settings", help="Leave lightnvr.ini as it is, on a machine with other folders.")
    ] = False,
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Put a backup back: database, settings and keys. Says what is in it and what it replaces before it does."""
    backup = backup.absolute()
    with opened_archive(backup) as opened:
        manifest = opened.manifest
    targets = _targets(backup, manifest, CommandLine(config, data_dir), keep_settings=keep_settings)
    with sole_owner(targets.data_dir):
        # Root may do this for the account that the server runs as.
        own_like(targets.data_dir, targets.data_dir / "lightnvr.lock")
        plan = plan_restore(backup, targets, known_revisions())
        typer.echo(_told(plan))
        if not yes:
            typer.confirm("Go on?", abort=True)
        prepare_restore(plan, targets, datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"))
        kept = finish_replacing(targets.data_dir)
    for path in kept:
        typer.echo(f"What was there is kept as {path}")
    typer.echo("Restored. The next start looks for recordings that are not listed, and logs in nobody by itself.")


def _targets(backup: Path, manifest: Manifest, line: CommandLine, *, keep_settings: bool) -> RestoreTargets:
    """Return where everything belongs by the settings that will be in force then."""
    environment, here = os.environ, Path.cwd()
    stored = next((file for file in manifest.files if file.role is Role.SETTINGS), None)
    if keep_settings or stored is None:
        return restore_targets(load_settings(line, environment=environment, working_dir=here).settings, None)
    present = line.config
    if present is None:
        present = load_settings(line, environment=environment, working_dir=here).file or Path(stored.path)
    with tempfile.TemporaryDirectory() as folder, opened_archive(backup) as opened:
        copy = Path(folder) / "lightnvr.ini"
        opened.extract(stored, copy)
        of_backup = CommandLine(copy, line.data_dir)
        settings = load_settings(of_backup, environment=environment, working_dir=here).settings
    return restore_targets(settings, present.absolute())


def _told(plan: RestorePlan) -> str:
    manifest = plan.manifest
    made = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(manifest.created_at))
    lines = [f"A backup of {made}, made by LightNVR {manifest.version} ({manifest.reason}). In it:"]
    if manifest.database.kind == "sqlite":
        rows = ", ".join(f"{count} {name}" for name, count in manifest.database.rows.items())
        lines.append(f"  database of revision {manifest.database.revision}: {rows}")
    else:
        lines.append("  no database: it was PostgreSQL, which is restored with pg_restore")
    lines.append("This will be written:")
    lines += [f"  {each.target}{', replacing the one there' if each.replaces else ''}" for each in plan.files]
    lines.append("What is replaced is kept beside it. Recordings are not touched.")
    return "\n".join(lines)
