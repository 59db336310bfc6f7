"""The options that all benchmarks have, and how each of them reports."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.table import Table


def parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the common options."""
    made = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    made.add_argument("--cache", type=Path, default=_cache(), help="folder kept between runs (films, a large database)")
    made.add_argument("--work", type=Path, help="folder on the disk to be measured; a temporary one without it")
    made.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    made.add_argument("--no-machine", action="store_true", help="leave out the line about the machine")
    return made


def positive(text: str) -> int:
    """Read a whole number from 1 on."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


@contextmanager
def workplace(arguments: argparse.Namespace) -> Iterator[Path]:
    """Make an empty folder that is removed afterwards."""
    work: Path | None = arguments.work
    if work is not None:
        work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lightnvr-bench-", dir=work, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def say(text: str) -> None:
    """Tell how far it is, apart from the result."""
    print(text, file=sys.stderr, flush=True)


def report(table: Table, arguments: argparse.Namespace) -> None:
    """Print the result."""
    print(table.markdown() if arguments.markdown else table.text())
    if not arguments.no_machine:
        print(f"\nMachine: {describe_machine()}")


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lightnvr-bench"
