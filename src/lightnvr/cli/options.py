"""Options that several commands have, and how settings are read from them."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from lightnvr.config import CommandLine, LoadedSettings, load_settings

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="Settings file. Without it: ./lightnvr.ini, /etc/lightnvr/lightnvr.ini or ./config/lightnvr.ini, "
        "the first that is there.",
        show_default=False,
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Folder for the database, the recordings and the secret key. Without it: /var/lib/lightnvr when that can "
        "be written, else ~/.local/share/lightnvr.",
        show_default=False,
    ),
]
Host = Annotated[str | None, typer.Option("--host", help="IP address to listen on; 0.0.0.0 is every one.")]
Port = Annotated[int | None, typer.Option("--port", help="TCP port to listen on.", show_default="8080")]


def settings_from(command_line: CommandLine) -> LoadedSettings:
    """Read the settings and tell on the error output what a person should know. Raises InvalidSettings."""
    loaded = load_settings(command_line, environment=os.environ, working_dir=Path.cwd())
    for warning in loaded.warnings:
        print(f"Note: {warning}", file=sys.stderr)  # noqa: T201
    return loaded
