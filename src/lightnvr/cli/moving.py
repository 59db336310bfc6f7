"""lightnvr import: take over an installation of the original LightNVR."""

from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from lightnvr.cli.options import ConfigFile, DataDir
from lightnvr.config import CommandLine

_LEFT_SOMETHING = 3
"""The exit code when all is done but something could not be taken over."""


class Origin(StrEnum):
    """What can be taken over."""

    LIGHTNVR = "lightnvr"


def import_(
    path: Annotated[
        Path, typer.Argument(help="The original's lightnvr.ini, its database, or a folder with either.", metavar="PATH")
    ],
    origin: Annotated[Origin, typer.Option("--from", help="What it is: lightnvr, the original written in C.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    link: Annotated[
        bool,
        typer.Option(
            "--link", help="Give recordings a name in our storage (a link) instead of listing them where they are."
        ),
    ] = False,
    expire: Annotated[
        bool,
        typer.Option(
            "--expire", help="Let recordings go that are older than their rules keep them, instead of protecting them."
        ),
    ] = False,
    moved: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="OLD=NEW", help="A folder that has another path now, as those of a container. Repeatable."
        ),
    ] = None,
    recordings: Annotated[
        list[Path] | None,
        typer.Option(help="The original's folder of recordings, when its lightnvr.ini does not say it. Repeatable."),
    ] = None,
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Take over streams, users, settings and recordings of the original LightNVR. Nothing of it is changed.

    Can be run again: what is there already stays as it is. Ends with 3 when something could not be taken over.
    """
    # Only this command needs what takes things over.
    from lightnvr.cli.moving_in import run  # noqa: PLC0415
    from lightnvr.moving.moving_in import Wishes  # noqa: PLC0415
    from lightnvr.moving.places import Moved  # noqa: PLC0415

    typer.echo(f"{'This would be' if dry_run else 'Being'} taken over from {origin.value}: {path}")
    mapping = tuple(Moved(*_folders(each)) for each in moved or ())
    wishes = Wishes(link=link, expire=expire, pretend=dry_run, moved=mapping)
    if not run(path, CommandLine(config, data_dir), mapping, recordings or (), wishes):
        raise typer.Exit(_LEFT_SOMETHING)


def _folders(text: str) -> tuple[PurePosixPath, PurePosixPath]:
    before, _, now = text.partition("=")
    if not now or not before.startswith("/"):
        raise typer.BadParameter("must be of the form /old/folder=/new/folder", param_hint="--map")
    return PurePosixPath(before), PurePosixPath(Path(now).absolute())
