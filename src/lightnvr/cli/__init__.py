"""The command lightnvr."""

from lightnvr.cli.commands import main

__all__ = ["main"]
