"""A running server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.rig.nvr import Nvr, running_nvr


@pytest.fixture
async def nvr(tmp_path: Path) -> AsyncIterator[Nvr]:
    """A server for one test."""
    async with running_nvr(tmp_path) as server:
        yield server
