"""lightnvr check: looks at an installation as support would."""

import time
from collections.abc import Sequence
from typing import Annotated

import anyio
import anyio.to_thread
import typer

from lightnvr.accounts.audit import AuditLog
from lightnvr.cli.camera_check import check_camera
from lightnvr.cli.findings import Finding
from lightnvr.cli.machine_check import check_clock, check_folder, check_space, kernel_clock_is_synchronised
from lightnvr.cli.media_check import check_media
from lightnvr.cli.options import ConfigFile, DataDir, settings_from
from lightnvr.config import CommandLine, LoadedSettings, Settings
from lightnvr.db.engine import UnusableDatabase, database_url, open_database
from lightnvr.safekeeping import upgrade
from lightnvr.streams.catalog import StreamCatalog
from lightnvr.streams.model import Stream
from lightnvr.streams.secrets import SecretBox, UnusableKeyFile
from lightnvr.streams.store import StreamStore

_CAMERAS_AT_ONCE = 4


OnlyMedia = Annotated[
    bool,
    typer.Option("--media", help="Read every recording instead, and say which were changed since they were closed."),
]
OnlyAudit = Annotated[
    bool, typer.Option("--audit", help="Verify that nothing in the audit log was changed, and look at nothing else.")
]


def check(
    media: OnlyMedia = False, audit: OnlyAudit = False, config: ConfigFile = None, data_dir: DataDir = None
) -> None:
    """Look for what is wrong: folders, disk, clock, database, and every camera. Can run beside the server."""
    if media and audit:
        raise typer.BadParameter("--media and --audit are two different checks; give one of them.")
    loaded = settings_from(CommandLine(config, data_dir))
    if media:
        findings = anyio.run(check_media, loaded.settings, _told)
    else:
        findings = anyio.run(_look_at_audit if audit else _look, loaded)
    problems = sum(not finding.good for finding in findings)
    if problems:
        typer.echo(f"\n{problems} of {len(findings)} need attention.")
        raise typer.Exit(1)
    typer.echo("\nEverything is as it should be.")


async def _look(loaded: LoadedSettings) -> Sequence[Finding]:
    settings = loaded.settings
    source = f"read from {loaded.file}" if loaded.file else "the defaults; there is no lightnvr.ini"
    findings = [_told(Finding.fine("settings", source))]
    folders = {f"recordings folder {name}": folder for name, folder in settings.storage.roots.items() if name != "main"}
    folders = {"data folder": settings.general.data_dir, "recordings folder": settings.storage.path, **folders}
    for name, folder in folders.items():
        findings.append(_told(await anyio.to_thread.run_sync(check_folder, name, folder)))
    findings.append(_told(await anyio.to_thread.run_sync(check_space, settings.storage.path)))
    findings.append(_told(check_clock(time.time(), kernel_clock_is_synchronised())))
    if not settings.database.url and not settings.database.path.exists():
        return [*findings, _told(Finding.fine("database", f"{settings.database.path} is made at the first start"))]
    try:
        streams = await _streams(settings)
    except UnusableDatabase as error:
        return [*findings, _told(Finding.bad("database", str(error), ""))]
    except UnusableKeyFile as error:
        return [*findings, _told(Finding.bad("secret key", str(error), ""))]
    findings.append(_told(Finding.fine("database", f"can be used; {len(streams)} cameras are set up")))
    return findings + await _cameras(streams, settings)


async def _look_at_audit(loaded: LoadedSettings) -> Sequence[Finding]:
    settings = loaded.settings
    url = database_url(settings.database.url, settings.database.path)
    try:
        await upgrade(settings, url)
        secrets = await anyio.to_thread.run_sync(SecretBox.open, settings.secret_key_file)
        database = open_database(url)
    except (UnusableDatabase, UnusableKeyFile) as error:
        return [_told(Finding.bad("audit log", str(error), ""))]
    try:
        found = await AuditLog(database, secrets.derived_key("audit log"), time.time).check()
    finally:
        await database.close()
    if found.broken_at is None:
        return [
            _told(Finding.fine("audit log", f"{found.entries} entries, unchanged; the last hash is {found.last_hash}"))
        ]
    return [
        _told(
            Finding.bad(
                "audit log",
                f"entry {found.broken_at}, or one before it, was changed or removed; {found.entries} are unchanged",
                "Compare with a backup. With another key file in the data folder none is right from the first on.",
            )
        )
    ]


async def _streams(settings: Settings) -> tuple[Stream, ...]:
    url = database_url(settings.database.url, settings.database.path)
    await upgrade(settings, url)
    database = open_database(url)
    secrets = await anyio.to_thread.run_sync(SecretBox.open, settings.secret_key_file)
    try:
        catalog = StreamCatalog(
            database,
            StreamStore(secrets),
            max_streams=settings.streams.max_streams,
            segment_duration=settings.storage.mp4_segment_duration,
            now=time.time,
        )
        return await catalog.every()
    finally:
        await database.close()


async def _cameras(streams: Sequence[Stream], settings: Settings) -> list[Finding]:
    findings: list[Finding] = []
    limiter = anyio.CapacityLimiter(_CAMERAS_AT_ONCE)

    async def look(stream: Stream) -> None:
        timeout_s = settings.streams.connect_timeout_s
        findings.append(_told(await anyio.to_thread.run_sync(check_camera, stream, timeout_s, limiter=limiter)))

    async with anyio.create_task_group() as group:
        for stream in streams:
            group.start_soon(look, stream)
    return findings


def _told(finding: Finding) -> Finding:
    typer.echo(str(finding))
    return finding
