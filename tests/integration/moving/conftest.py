"""The command lightnvr, and installations of the original to take over."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rig.original import OriginalInstallation
from tests.server_process import COMMAND

Import = Callable[..., subprocess.CompletedProcess[str]]
"""Runs `lightnvr import --from lightnvr` with these words."""


@pytest.fixture
def original(tmp_path: Path) -> OriginalInstallation:
    """An installation of the latest version, with nothing in it."""
    return OriginalInstallation(tmp_path / "original")


@pytest.fixture
def take_over(tmp_path: Path) -> Import:
    """Takes over into tmp_path/data."""

    def run(path: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, "import", "--from", "lightnvr", path, *words],
            cwd=tmp_path,
            env=os.environ | {"LIGHTNVR_DATA_DIR": str(tmp_path / "data"), "HOME": str(tmp_path)} | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run
