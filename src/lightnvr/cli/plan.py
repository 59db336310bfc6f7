"""lightnvr plan: how large a disk is needed, or how many days one holds."""

import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import anyio
import typer

from lightnvr.cli.options import ConfigFile, DataDir, settings_from
from lightnvr.config import CommandLine, Settings
from lightnvr.db.engine import database_url, open_database
from lightnvr.recording.days import StoredDays
from lightnvr.safekeeping import upgrade
from lightnvr.storage.daily import RecordedUse, StreamUse
from lightnvr.storage.forecast import days_held, disk_bytes
from lightnvr.storage.retention import Rules
from lightnvr.streams.secrets import SecretBox
from lightnvr.streams.store import StreamStore

_DAY_S = 86_400
_LOOK_BACK_DAYS = 60
_TB = 1e12

Cameras = Annotated[int | None, typer.Option(min=1, max=10_000, help="How many cameras.", show_default=False)]
Rate = Annotated[
    float | None,
    typer.Option("--mbit", min=0.001, max=1000, help="Mbit/s of a camera. The page shows it.", show_default=False),
]
Days = Annotated[float | None, typer.Option(min=0.1, max=36_500, help="Days to keep.", show_default=False)]
Disk = Annotated[float | None, typer.Option(min=0.001, help="Size of the disk in TB (10¹² bytes).", show_default=False)]
Hours = Annotated[float, typer.Option(min=0.1, max=24, help="Hours of a day that are recorded.")]


@dataclass(frozen=True, slots=True)
class _Question:
    days: float | None
    disk: float | None
    kept_free_pct: float


def plan(
    cameras: Cameras = None,
    mbit: Rate = None,
    days: Days = None,
    disk: Disk = None,
    hours: Hours = 24.0,
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Say how large a disk must be, or how many days one holds.

    With --cameras and --mbit for cameras you think of; without them for what this installation really records.
    """
    if (cameras is None) is not (mbit is None):
        raise typer.BadParameter("--cameras and --mbit belong together")
    settings = settings_from(CommandLine(config, data_dir)).settings
    storage = settings.storage
    question = _Question(days, disk, storage.min_free_pct if storage.auto_delete_oldest else 0.0)
    if cameras is not None and mbit is not None:
        per_day = cameras * mbit * 1e6 / 8 * hours * 3600
        verb = "records" if cameras == 1 else "record"
        typer.echo(f"{_many(cameras, 'camera')} with {mbit:g} Mbit/s {verb} {_size(per_day)} a day.")
        _answer(per_day, question, None)
        return
    measured = anyio.run(_measured, settings)
    if not measured:
        typer.echo(
            "Nothing was recorded here yet. Say what you think of: lightnvr plan --cameras 8 --mbit 2 --disk 4",
            err=True,
        )
        raise typer.Exit(1)
    _show(measured)
    _answer(sum(use.pace.bytes_per_day for use in measured), question, _disk_of(storage.path))


def _show(uses: Sequence[StreamUse]) -> None:
    width = max(len("camera"), *(len(use.stream_name) for use in uses))
    typer.echo(f"{'camera':{width}}  {'Mbit/s':>7}  {'hours a day':>11}  {'a day':>9}  {'kept':>9}  {'takes':>9}")
    for use in uses:
        pace = use.pace
        kept = f"{use.retention_days} days" if use.retention_days else "no limit"
        takes = "-" if use.needed_bytes is None else _size(use.needed_bytes)
        typer.echo(
            f"{use.stream_name:{width}}  {pace.bits_per_second / 1e6:>7.2f}  {pace.seconds_per_day / 3600:>11.1f}  "
            f"{_size(pace.bytes_per_day):>9}  {kept:>9}  {takes:>9}"
        )
    per_day = sum(use.pace.bytes_per_day for use in uses)
    needed = [use.needed_bytes for use in uses]
    typer.echo(f"\nTogether they record {_size(per_day)} a day.")
    if None not in needed:
        typer.echo(f"What is kept takes {_size(sum(each or 0.0 for each in needed))} in the long run.")


def _answer(per_day: float, question: _Question, there: tuple[Path, float] | None) -> None:
    free = f"{question.kept_free_pct:g} % of it kept free"
    if question.days is not None:
        size = disk_bytes(per_day, question.days, question.kept_free_pct)
        typer.echo(f"{question.days:g} days need a disk of {_size(size)}, with {free}.")
    if question.disk is not None:
        held = days_held(question.disk * _TB, per_day, question.kept_free_pct)
        typer.echo(f"A disk of {question.disk:g} TB holds {_days(held)}, with {free}.")
    if question.days is not None or question.disk is not None:
        return
    if there is None:
        for terabytes in (1, 2, 4, 8, 16):
            held = days_held(terabytes * _TB, per_day, question.kept_free_pct)
            typer.echo(f"A disk of {terabytes:>2} TB holds {_days(held)}, with {free}.")
        return
    folder, size = there
    held = days_held(size, per_day, question.kept_free_pct)
    typer.echo(f"The disk of {folder} has {_size(size)} and holds {_days(held)} of all of them, with {free}.")


async def _measured(settings: Settings) -> tuple[StreamUse, ...]:
    if not settings.database.url and not settings.database.path.exists():
        return ()
    # Only this needs the media libraries, which take a moment to load.
    from lightnvr.wiring import rules_for  # noqa: PLC0415

    url = database_url(settings.database.url, settings.database.path)
    await upgrade(settings, url)
    database = open_database(url)
    try:
        store = StreamStore(await anyio.to_thread.run_sync(SecretBox.open, settings.secret_key_file))
        async with database.reading.connect() as connection:
            streams = await store.every(connection)

        async def rules() -> Rules:
            return rules_for(streams, settings.storage)

        today = int(time.time()) // _DAY_S
        uses = await RecordedUse(StoredDays(database), rules, lambda: today).between(today - _LOOK_BACK_DAYS, today)
        there = {stream.name for stream in streams}
        return tuple(use for use in uses if use.stream_name in there and use.pace.bytes_per_day)
    finally:
        await database.close()


def _disk_of(folder: Path) -> tuple[Path, float] | None:
    try:
        return folder, float(shutil.disk_usage(folder).total)
    except OSError:
        return None


def _size(size_bytes: float) -> str:
    for unit, many in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size_bytes >= many:
            value = size_bytes / many
            return f"{value:.1f} {unit}" if value < 100 else f"{value:.0f} {unit}"
    return f"{size_bytes / 1e3:.0f} kB"


def _days(days: float) -> str:
    if math.isinf(days):
        return "any number of days"
    return f"{days:.1f} days" if days < 100 else f"{days:.0f} days"


def _many(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"
