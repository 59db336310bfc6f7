"""A PostgreSQL server of its own for a test run, on a Unix socket in a temporary folder."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ACCOUNT = "postgres"
_START_SECONDS = 30
_FAST = ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "listen_addresses=", "-c", "shared_buffers=16MB")


def programs() -> Path | None:
    """Return the folder with initdb and postgres, or None when PostgreSQL is not installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("postgres")
    folders += [Path(found).parent] if found else []
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@contextmanager
def running_postgresql(binaries: Path) -> Iterator[Path]:
    """Yield the folder of the socket of a server that has an empty cluster, until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="lightnvr-pg-"))
    # PostgreSQL refuses to run as root, so then it runs as the account that its package made.
    account = _ACCOUNT if os.geteuid() == 0 else None
    if account:
        shutil.chown(folder, account)
    data = folder / "data"
    try:
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", _ACCOUNT, "--auth=trust", "--no-sync", "--encoding=UTF8"],
            user=account,
            check=True,
            capture_output=True,
        )
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", folder, *_FAST],
            user=account,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_until_it_answers(binaries, folder)
            yield folder
        finally:
            server.terminate()
            server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_it_answers(binaries: Path, folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while subprocess.run([binaries / "pg_isready", "-h", folder, "-q"], check=False).returncode:
        if time.monotonic() > deadline:
            raise RuntimeError("PostgreSQL did not start.")
        time.sleep(0.05)


def create_database(binaries: Path, folder: Path, name: str) -> str:
    """Make an empty database and return its URL."""
    subprocess.run([binaries / "createdb", "-h", folder, "-U", _ACCOUNT, name], check=True)
    return f"postgresql://{_ACCOUNT}@/{name}?host={folder}"
